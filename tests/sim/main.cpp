// weir_sim: runs simulated clusters from seeds. Every seed is one run; the same seed is the same
// run, event by event (the trace hash shows it).
//
//   weir_sim --seeds 1..500     all of them; exit code 1 and the seeds when a promise was broken
//   weir_sim --seed 17 --verbose   one, with everything that happened
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>

#include "tests/sim/simulation.hpp"

namespace {

struct Arguments {
  std::uint64_t from = 1;
  std::uint64_t to = 100;
  bool verbose = false;
};

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Arguments> parse(int count, char** values) {
  Arguments out;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = values[i];
    if (name == "--verbose") {
      out.verbose = true;
      continue;
    }
    if (i + 1 >= count) return std::nullopt;
    const std::string_view value = values[++i];
    const auto dots = value.find("..");
    const auto from = number(value.substr(0, dots));
    const auto to = dots == std::string_view::npos ? from : number(value.substr(dots + 2));
    if ((name != "--seed" && name != "--seeds") || !from || !to || *from > *to) return std::nullopt;
    out.from = *from;
    out.to = *to;
  }
  return out;
}

}  // namespace

int main(int count, char** values) {
  const auto arguments = parse(count, values);
  if (!arguments) {
    std::fprintf(stderr, "usage: weir_sim [--seeds FROM..TO | --seed N] [--verbose]\n");
    return 2;
  }
  std::uint64_t failed = 0;
  std::uint64_t jobs = 0;
  std::uint64_t entries = 0;
  for (std::uint64_t seed = arguments->from; seed <= arguments->to; ++seed) {
    const auto report = weir::sim::run_simulation({.seed = seed, .verbose = arguments->verbose});
    jobs += report.jobs;
    entries += report.entries;
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
  }
  std::printf("%llu seeds, %llu entries, %llu jobs: %llu failed\n",
              static_cast<unsigned long long>(arguments->to - arguments->from + 1),
              static_cast<unsigned long long>(entries), static_cast<unsigned long long>(jobs),
              static_cast<unsigned long long>(failed));
  return failed == 0 ? 0 : 1;
}
