// `weir bench`: figures of a running server, beside bare JetStream in the same run.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "cmd/weir/bench/bench_nats.hpp"
#include "cmd/weir/bench/bench_phases.hpp"
#include "cmd/weir/cli/commands.hpp"

namespace weir::cli {
namespace {

constexpr const char* kSingle = "submit-single";
constexpr const char* kBatch = "submit-batch";
constexpr const char* kLifecycle = "lifecycle";
constexpr const char* kLimited = "lifecycle-limited";
constexpr const char* kLatency = "latency";
constexpr const char* kYardstick = "yardstick";
const std::array<std::string, 6> kPhases{kSingle,  kBatch,   kLifecycle,
                                         kLimited, kLatency, kYardstick};

Usage bench_usage() {
  return {.command = "weir bench",
          .summary =
              "Measures a running server over HTTP from this process: single submits, batches, the "
              "whole life of jobs (submit, lease, complete), plain and with keys, priorities, "
              "aging and "
              "rates, the latency from submit to lease when "
              "idle, and bare JetStream (publish, fetch, acknowledge) as the yardstick. Prints "
              "medians of --runs. Makes queues and a stream of its own and removes them.",
          .options = with_common(
              {{"jobs", "N", "Jobs in each phase and run (default 50000)"},
               {"batch", "N", "Jobs in a batch, 1 to 1000 (default 100)"},
               {"connections", "N", "Connections of single submits (default 64)"},
               {"submitters", "N", "Connections that submit in the lifecycle (default 2)"},
               {"workers", "N", "Workers of the lifecycle (default 4)"},
               {"payload-bytes", "N", "Size of a payload (default 256)"},
               {"samples", "N", "Samples of the latency (default 1000)"},
               {"runs", "N", "Runs, of which the median counts (default 3)"},
               {"phase", "NAME",
                "submit-single, submit-batch, lifecycle, lifecycle-limited, latency or yardstick; "
                "may be repeated (default: all)"},
               {"nats-url", "URL",
                "NATS of the yardstick (WEIR_NATS_URL; default: the embedded "
                "one of --data-dir)"}}),
          .examples = {"weir bench", "weir bench --phase lifecycle --jobs 200000 --runs 5",
                       "weir bench --nats-url nats://127.0.0.1:4222 --json"}};
}

using Series = std::map<std::string, std::vector<double>>;  // by figure: one value for each run

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Result<NatsTarget> yardstick_target(const Parsed& parsed) {
  const auto environment = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  const auto url = parsed.text("nats-url", environment("WEIR_NATS_URL"));
  if (!url.empty()) {
    WEIR_ASSIGN(auto target, nats_target(url));
    if (target.user.empty()) target.user = environment("WEIR_NATS_USER");
    if (target.password.empty()) target.password = environment("WEIR_NATS_PASSWORD");
    if (target.token.empty()) target.token = environment("WEIR_NATS_TOKEN");
    return target;
  }
  const auto folder = environment("WEIR_DATA_DIR");
  return embedded_nats_target(parsed.text("data-dir", folder.empty() ? "./weir-data" : folder));
}

class Bench {
 public:
  static Result<Bench> make(const Parsed& parsed) {
    Bench out;
    WEIR_ASSIGN(const auto client, client_options(parsed));
    WEIR_ASSIGN(out.plan_.target, bench_target(split_servers(client.server).front(), client.key));
    const auto set = [&](const char* name, std::size_t& value, std::int64_t max) -> Result<void> {
      WEIR_ASSIGN(const auto given, parsed.number(name, static_cast<std::int64_t>(value), 1, max));
      value = static_cast<std::size_t>(given);
      return {};
    };
    WEIR_TRY(set("jobs", out.plan_.jobs, 10'000'000));
    WEIR_TRY(set("batch", out.plan_.batch, 1'000));
    WEIR_TRY(set("connections", out.plan_.connections, 10'000));
    WEIR_TRY(set("submitters", out.plan_.submitters, 1'000));
    WEIR_TRY(set("workers", out.plan_.workers, 1'000));
    WEIR_TRY(set("payload-bytes", out.plan_.payload_bytes, 512 << 10));
    WEIR_TRY(set("samples", out.plan_.samples, 1'000'000));
    WEIR_TRY(set("runs", out.runs_, 100));
    out.phases_ = parsed.all("phase");
    for (const auto& phase : out.phases_) {
      if (std::ranges::find(kPhases, phase) == kPhases.end()) {
        return bad_argument("unknown phase \"" + phase + "\"", "try `weir bench --help`");
      }
    }
    auto nats = yardstick_target(parsed);
    if (nats) out.nats_ = std::move(*nats);
    if (!nats && (out.named(kYardstick) || parsed.has("nats-url"))) return nats.error();
    if (!nats) out.missing_ = nats.error().message + "; " + nats.error().details;
    return out;
  }

  Result<void> run() {
    for (std::size_t i = 1; i <= runs_; ++i) {
      std::fprintf(stderr, "run %zu of %zu\n", i, runs_);
      // The yardstick first: it starts from the same idle machine as what is measured against it.
      if (wanted(kYardstick) && nats_) WEIR_TRY(run_yardstick());
      WEIR_TRY(run_phase(kSingle, bench_submit_single));
      WEIR_TRY(run_phase(kBatch, bench_submit_batch));
      WEIR_TRY(run_phase(kLifecycle, bench_lifecycle));
      WEIR_TRY(run_phase(kLimited, bench_lifecycle_limited));
      WEIR_TRY(run_phase(kLatency, bench_latency));
    }
    return {};
  }

  std::string table(bool colours) const {
    Table out({"PHASE", "PER SECOND", "LOWEST", "HIGHEST", "P50 US", "P99 US"});
    const auto count = [](double value) {
      return human_count(static_cast<std::int64_t>(value + 0.5));
    };
    const auto timed = [&](const std::string& name, const char* percentile) -> std::string {
      const auto found = percentiles_.find(name + percentile);
      return found == percentiles_.end() ? "-" : count(median(found->second));
    };
    for (const auto& [name, values] : rates_) {
      out.add({name, count(median(values)), count(*std::ranges::min_element(values)),
               count(*std::ranges::max_element(values)), timed(name, " p50"), timed(name, " p99")});
    }
    if (percentiles_.contains(std::string(kLatency) + " p50")) {
      out.add({"submit to lease", "-", "-", "-", timed(kLatency, " p50"), timed(kLatency, " p99")});
    }
    std::string text = out.render(colours);
    for (const auto& [name, value] : ratios()) {
      char line[128];
      std::snprintf(line, sizeof line, "%s: %.2f\n", name.c_str(), value);
      text += line;
    }
    if (!missing_.empty() && wanted(kYardstick)) text += "no yardstick: " + missing_ + "\n";
    return text;
  }

  Json json() const {
    Json out{{"jobs", plan_.jobs},
             {"batch", plan_.batch},
             {"connections", plan_.connections},
             {"submitters", plan_.submitters},
             {"workers", plan_.workers},
             {"payload_bytes", plan_.payload_bytes},
             {"runs", runs_},
             {"nats_version", nats_version_}};
    out["per_second"] = Json::object();
    for (const auto& [name, values] : rates_) {
      out["per_second"][name] = {{"median", median(values)}, {"runs", values}};
    }
    out["latency_us"] = Json::object();
    for (const auto& [name, values] : percentiles_) {
      out["latency_us"][name] = {{"median", median(values)}, {"runs", values}};
    }
    out["ratios"] = Json::object();
    for (const auto& [name, value] : ratios()) out["ratios"][name] = value;
    return out;
  }

 private:
  bool named(const std::string& phase) const {
    return std::ranges::find(phases_, phase) != phases_.end();
  }
  bool wanted(const std::string& phase) const { return phases_.empty() || named(phase); }

  Result<void> run_phase(const std::string& name,
                         Result<BenchResult> (*phase)(const BenchPlan& plan)) {
    if (!wanted(name)) return {};
    WEIR_ASSIGN(const auto result, phase(plan_));
    // Of a batch, one request's time says little about a job; of the latency, a rate says nothing.
    if (name != kLatency) rates_[name].push_back(result.per_second);
    if (name == kSingle || name == kLatency) {
      percentiles_[name + " p50"].push_back(result.p50_us);
      percentiles_[name + " p99"].push_back(result.p99_us);
    }
    return {};
  }

  Result<void> run_yardstick() {
    WEIR_ASSIGN(const auto result, bench_yardstick({.target = *nats_,
                                                    .messages = plan_.jobs,
                                                    .payload_bytes = plan_.payload_bytes}));
    rates_["jetstream publish"].push_back(result.publish_per_second);
    rates_["jetstream fetch+ack"].push_back(result.fetch_ack_per_second);
    rates_["jetstream both"].push_back(result.end_to_end_per_second);
    nats_version_ = result.server_version;
    return {};
  }

  std::map<std::string, double> ratios() const {
    std::map<std::string, double> out;
    const auto add = [&](const std::string& name, const char* ours, const char* theirs) {
      const auto a = rates_.find(ours);
      const auto b = rates_.find(theirs);
      if (a == rates_.end() || b == rates_.end() || median(b->second) <= 0) return;
      out[name] = median(a->second) / median(b->second);
    };
    add("lifecycle / jetstream both", kLifecycle, "jetstream both");
    add("lifecycle-limited / lifecycle", kLimited, kLifecycle);
    add("submit-batch / jetstream publish", kBatch, "jetstream publish");
    return out;
  }

  BenchPlan plan_;
  std::optional<NatsTarget> nats_;
  std::string missing_;  // why there is no yardstick
  std::vector<std::string> phases_;
  std::size_t runs_ = 3;
  Series rates_;
  Series percentiles_;
  std::string nats_version_;
};

}  // namespace

int run_bench(Args args) {
  return run_local(bench_usage(), args, [](const Parsed& parsed) -> Result<int> {
    WEIR_ASSIGN(auto bench, Bench::make(parsed));
    WEIR_TRY(bench.run());
    print(parsed.has("json") ? pretty(bench.json()) : bench.table(colours_on()));
    return kOk;
  });
}

}  // namespace weir::cli
