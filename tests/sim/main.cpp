// weir_sim: runs simulated clusters from seeds. Every seed is one run; the same seed is the same
// run, event by event (the trace hash shows it).
//
//   weir_sim --seeds 1..2000       all of them; exit code 1 and the seeds when a promise was broken
//   weir_sim --seeds 1..2000 --part 3/8   every eighth of them, from the third on
//   weir_sim --seeds 1..2000 --first-failure      until a promise is broken
//   weir_sim --seed 17 --verbose   one, with everything that happened
//
// WEIR_SIM_SEEDS=N runs N seeds from the first one on, whatever the range says.
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "pkg/log/log.hpp"
#include "tests/sim/simulation.hpp"

namespace {

struct Arguments {
  std::uint64_t from = 1;
  std::uint64_t to = 100;
  std::uint64_t part = 1;
  std::uint64_t parts = 1;
  bool verbose = false;
  bool first_failure = false;
};

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "3/8"
bool parse_part(std::string_view text, Arguments& out) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const auto part = number(text.substr(0, slash));
  const auto parts = number(text.substr(slash + 1));
  if (!part || !parts || *part == 0 || *part > *parts) return false;
  out.part = *part;
  out.parts = *parts;
  return true;
}

std::optional<Arguments> parse(int count, char** values) {
  Arguments out;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = values[i];
    if (name == "--verbose") {
      out.verbose = true;
      continue;
    }
    if (name == "--first-failure") {
      out.first_failure = true;
      continue;
    }
    if (i + 1 >= count) return std::nullopt;
    const std::string_view value = values[++i];
    if (name == "--part") {
      if (!parse_part(value, out)) return std::nullopt;
      continue;
    }
    const auto dots = value.find("..");
    const auto from = number(value.substr(0, dots));
    const auto to = dots == std::string_view::npos ? from : number(value.substr(dots + 2));
    if ((name != "--seed" && name != "--seeds") || !from || !to || *from > *to) return std::nullopt;
    out.from = *from;
    out.to = *to;
  }
  if (const char* seeds = std::getenv("WEIR_SIM_SEEDS"); seeds != nullptr && out.from != out.to) {
    const auto wanted = number(seeds);
    if (!wanted || *wanted == 0) return std::nullopt;
    out.to = out.from + *wanted - 1;
  }
  return out;
}

}  // namespace

int main(int count, char** values) {
  const auto arguments = parse(count, values);
  if (!arguments) {
    std::fprintf(stderr,
                 "usage: weir_sim [--seeds FROM..TO [--part N/OF] | --seed N] [--first-failure] "
                 "[--verbose]\n");
    return 2;
  }
  weir::log::configure(weir::log::Level::off, weir::log::Format::text);
  std::uint64_t failed = 0;
  std::uint64_t jobs = 0;
  std::uint64_t entries = 0;
  std::uint64_t runs = 0;
  std::uint64_t lost = 0;
  std::uint64_t restored = 0;
  std::uint64_t altered = 0;
  std::uint64_t found = 0;
  auto seed = arguments->from + arguments->part - 1;
  for (; seed <= arguments->to; seed += arguments->parts) {
    ++runs;
    const auto report = weir::sim::run_simulation({.seed = seed, .verbose = arguments->verbose});
    jobs += report.jobs;
    entries += report.entries;
    lost += report.lost;
    restored += report.restored;
    altered += report.altered;
    found += report.found;
    const bool show = arguments->from == arguments->to || !report.violations.empty();
    if (show) {
      std::printf(
          "seed %llu: trace %016llx, %llu events, %llu entries (%llu stored twice), %llu jobs, "
          "%llu completed, %llu effects, %zu violations\n",
          static_cast<unsigned long long>(seed), static_cast<unsigned long long>(report.trace_hash),
          static_cast<unsigned long long>(report.events),
          static_cast<unsigned long long>(report.entries),
          static_cast<unsigned long long>(report.duplicates),
          static_cast<unsigned long long>(report.jobs),
          static_cast<unsigned long long>(report.completed),
          static_cast<unsigned long long>(report.effects), report.violations.size());
    }
    for (const auto& violation : report.violations) std::printf("  %s\n", violation.c_str());
    if (!report.violations.empty()) ++failed;
    if (failed > 0 && arguments->first_failure) break;
  }
  std::printf(
      "%llu seeds, %llu entries, %llu jobs, %llu lost entries given back, %llu restores, "
      "%llu of %llu altered nodes found: %llu failed\n",
      static_cast<unsigned long long>(runs), static_cast<unsigned long long>(entries),
      static_cast<unsigned long long>(jobs), static_cast<unsigned long long>(lost),
      static_cast<unsigned long long>(restored), static_cast<unsigned long long>(found),
      static_cast<unsigned long long>(altered), static_cast<unsigned long long>(failed));
  return failed == 0 ? 0 : 1;
}
