#include "cmd/weir/bench/bench_phases.hpp"

#include <poll.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "cmd/weir/cli/client.hpp"
#include "pkg/base/ids.hpp"
#include "pkg/json/view.hpp"

namespace weir::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr Millis kPatience{30'000};
constexpr std::string_view kLease = "\"lease\":\"";
constexpr std::string_view kLimits =
    R"({"aging_ms":60000,"concurrency":1000000,"rate":{"limit":1000000,"per_ms":1000},)"
    R"("per_key":{"concurrency":10000,"rate":{"limit":1000000,"per_ms":1000}}})";
constexpr std::size_t kKeys = 1'000;

Error wrong_count(const char* what, std::size_t want, std::size_t got) {
  return {Code::internal, "bench_wrong_count",
          std::string("the server answered for ") + std::to_string(got) + " " + what + ", not " +
              std::to_string(want),
          ""};
}

Result<void> want_status(const BenchAnswer& answer, int status) {
  if (answer.status == status) return {};
  return error_of({.status = answer.status, .body = std::string(answer.body), .date = {}});
}

std::size_t occurrences(std::string_view text, std::string_view word) {
  std::size_t count = 0;
  for (auto at = text.find(word); at != text.npos; at = text.find(word, at + word.size())) ++count;
  return count;
}

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

// A queue of this run, removed with its jobs at the end.
class BenchQueue {
 public:
  explicit BenchQueue(const BenchTarget& target) : target_(target) {
    SystemRandom random;
    name_ = "bench-" + random_hex(random, 12);
  }
  const std::string& name() const { return name_; }

  // As far as the server lets it: finished jobs go by retention, then the queue itself.
  void remove() const {
    auto connection = BenchConnection::open(target_);
    if (!connection) return;
    const std::string path = "/v1/queues/" + name_;
    const auto ask = [&](const char* method, const std::string& what, std::string_view body) {
      const auto answer = (*connection)->ask(bench_request(target_, method, what, body), kPatience);
      return answer ? answer->status : 0;
    };
    ask("PUT", path, R"({"retention":{"completed_ms":1,"failed_ms":1}})");
    ask("POST", path + "/purge", "{}");
    const auto give_up = SteadyClock::now() + Millis{10'000};
    while (SteadyClock::now() < give_up && ask("DELETE", path, "") == 409) {
      std::this_thread::sleep_for(Millis{50});
    }
  }

 private:
  const BenchTarget& target_;
  std::string name_;
};

class SingleSubmitter final : public BenchScript {
 public:
  SingleSubmitter(const std::string& request, std::size_t& left) : request_(request), left_(left) {}
  bool next(std::string& request) override {
    if (left_ == 0) return false;
    --left_;
    request = request_;
    return true;
  }
  Result<void> take(const BenchAnswer& answer) override { return want_status(answer, 201); }

 private:
  const std::string& request_;
  std::size_t& left_;
};

// What the jobs are like.
enum class BenchJobs : std::uint8_t { plain, limited };

class BatchSubmitter final : public BenchScript {
 public:
  BatchSubmitter(const BenchPlan& plan, const std::string& queue, BenchJobs jobs, std::size_t& left)
      : plan_(plan), jobs_(jobs), left_(left) {
    job_ = "{\"queue\":\"" + queue +
           "\",\"type\":\"bench\",\"payload\":" + bench_payload(plan.payload_bytes);
  }
  bool next(std::string& request) override {
    asked_ = std::min(left_, plan_.batch);
    if (asked_ == 0) return false;
    left_ -= asked_;
    std::string body = "{\"jobs\":[";
    for (std::size_t i = 0; i < asked_; ++i) {
      body.append(i == 0 ? "" : ",").append(job_);
      if (jobs_ == BenchJobs::limited) add_key(body, left_ + i);
      body += '}';
    }
    request = bench_request(plan_.target, "POST", "/v1/jobs/batch", body + "]}");
    return true;
  }
  Result<void> take(const BenchAnswer& answer) override {
    WEIR_TRY(want_status(answer, 201));
    const auto got = occurrences(answer.body, "\"id\":\"");
    if (got != asked_) return wrong_count("submitted jobs", asked_, got);
    return {};
  }

 private:
  // Of job `number`: spread over keys and priorities, the same in every run.
  static void add_key(std::string& body, std::size_t number) {
    const auto random = mix64(number);
    body.append(",\"key\":\"customer-").append(std::to_string(random % kKeys));
    body.append("\",\"priority\":").append(std::to_string((random >> 32U) % 10));
  }

  const BenchPlan& plan_;
  const BenchJobs jobs_;
  std::size_t& left_;
  std::string job_;
  std::size_t asked_ = 0;
};

// Completes what it leased last and leases the next, in one request.
class BenchWorker final : public BenchScript {
 public:
  BenchWorker(const BenchPlan& plan, const std::string& queue, std::size_t number,
              std::size_t& completed)
      : plan_(plan), completed_(completed) {
    head_ = "{\"worker\":\"bench-" + std::to_string(number) + "\",\"complete\":[";
    tail_ = "],\"lease\":{\"queues\":[\"" + queue + "\"],\"max\":" + std::to_string(plan.batch) +
            ",\"wait_ms\":1000}}";
  }
  bool next(std::string& request) override {
    std::string body = head_;
    for (const auto& lease : leases_) {
      body.append(body.size() == head_.size() ? "" : ",");
      body.append("{\"lease\":\"").append(lease).append("\",\"result\":null}");
    }
    request = bench_request(plan_.target, "POST", "/v1/work", body + tail_);
    return true;
  }
  Result<void> take(const BenchAnswer& answer) override {
    WEIR_TRY(want_status(answer, 200));
    const auto ok = occurrences(answer.body, "\"ok\":true");
    if (ok != leases_.size()) return wrong_count("completed jobs", leases_.size(), ok);
    completed_ += ok;
    leases_.clear();
    auto at = answer.body.find(kLease);
    while (at != std::string_view::npos) {
      at += kLease.size();
      const auto end = answer.body.find('"', at);
      leases_.emplace_back(answer.body.substr(at, end - at));
      at = answer.body.find(kLease, end);
    }
    return {};
  }

 private:
  const BenchPlan& plan_;
  std::size_t& completed_;
  std::string head_;
  std::string tail_;
  std::vector<std::string> leases_;
};

// Runs and always removes the queue.
Result<BenchResult> on_queue(const BenchPlan& plan,
                             const std::function<Result<BenchResult>(const std::string&)>& body) {
  const BenchQueue queue(plan.target);
  auto result = body(queue.name());
  queue.remove();
  return result;
}

std::vector<BenchScript*> pointers(const std::vector<std::unique_ptr<BenchScript>>& scripts) {
  std::vector<BenchScript*> out;
  for (const auto& script : scripts) out.push_back(script.get());
  return out;
}

Result<BenchResult> run_timed(const BenchPlan& plan, std::size_t jobs,
                              const std::vector<std::unique_ptr<BenchScript>>& scripts,
                              const std::function<bool()>& done) {
  std::vector<std::uint32_t> latencies;
  latencies.reserve(jobs);
  const auto all = pointers(scripts);
  const auto start = SteadyClock::now();
  WEIR_TRY(run_scripts(plan.target, all, done, &latencies));
  BenchResult result;
  result.per_second = static_cast<double>(jobs) / seconds_since(start);
  set_percentiles(result, latencies);
  return result;
}

Result<BenchResult> run_lifecycle(const BenchPlan& plan, const std::string& queue, BenchJobs jobs) {
  std::size_t left = plan.jobs;
  std::size_t completed = 0;
  std::vector<std::unique_ptr<BenchScript>> scripts;
  for (std::size_t i = 0; i < plan.submitters; ++i) {
    scripts.push_back(std::make_unique<BatchSubmitter>(plan, queue, jobs, left));
  }
  for (std::size_t i = 0; i < plan.workers; ++i) {
    scripts.push_back(std::make_unique<BenchWorker>(plan, queue, i, completed));
  }
  return run_timed(plan, plan.jobs, scripts, [&] { return completed >= plan.jobs; });
}

// One sample: a lease request is parked, then a job is submitted.
class LatencyProbe {
 public:
  LatencyProbe(const BenchPlan& plan, const std::string& queue) : plan_(plan), queue_(queue) {
    submit_ = bench_request(plan.target, "POST", "/v1/jobs",
                            "{\"queue\":\"" + queue + "\",\"type\":\"bench\",\"payload\":" +
                                bench_payload(plan.payload_bytes) + "}");
  }

  Result<void> open() {
    WEIR_ASSIGN(worker_, BenchConnection::open(plan_.target));
    WEIR_ASSIGN(submitter_, BenchConnection::open(plan_.target));
    return {};
  }

  Result<std::uint32_t> sample() {
    const std::string complete =
        lease_.empty() ? "" : "{\"lease\":\"" + lease_ + "\",\"result\":null}";
    WEIR_TRY(worker_->send(bench_request(plan_.target, "POST", "/v1/work",
                                         "{\"worker\":\"bench\",\"complete\":[" + complete +
                                             "],\"lease\":{\"queues\":[\"" + queue_ +
                                             "\"],\"max\":1,\"wait_ms\":20000}}")));
    // Idle is what is measured: the request is given time to be parked.
    std::this_thread::sleep_for(Millis{3});
    const auto start = SteadyClock::now();
    WEIR_TRY(submitter_->send(submit_));
    WEIR_ASSIGN(const auto leased, worker_->ask("", kPatience));
    const auto took = SteadyClock::now() - start;
    WEIR_TRY(want_status(leased, 200));
    const auto at = leased.body.find(kLease);
    if (at == std::string_view::npos) return wrong_count("leased jobs", 1, 0);
    const auto from = at + kLease.size();
    lease_ = leased.body.substr(from, leased.body.find('"', from) - from);
    WEIR_ASSIGN(const auto submitted, submitter_->ask("", kPatience));
    WEIR_TRY(want_status(submitted, 201));
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  }

  Result<void> finish() {
    const auto body = "{\"worker\":\"bench\",\"complete\":[{\"lease\":\"" + lease_ + "\"}]}";
    WEIR_ASSIGN(const auto answer,
                worker_->ask(bench_request(plan_.target, "POST", "/v1/work", body), kPatience));
    return want_status(answer, 200);
  }

 private:
  const BenchPlan& plan_;
  const std::string& queue_;
  std::string submit_;
  std::string lease_;
  std::unique_ptr<BenchConnection> worker_;
  std::unique_ptr<BenchConnection> submitter_;
};

}  // namespace

std::string bench_payload(std::size_t bytes) {
  return "\"" + std::string(std::max<std::size_t>(bytes, 2) - 2, 'x') + "\"";
}

void set_percentiles(BenchResult& result, std::vector<std::uint32_t>& latencies_us) {
  if (latencies_us.empty()) return;
  std::ranges::sort(latencies_us);
  const auto at = [&](std::size_t percent) {
    return static_cast<double>(latencies_us[(latencies_us.size() - 1) * percent / 100]);
  };
  result.p50_us = at(50);
  result.p99_us = at(99);
}

Result<BenchResult> bench_submit_single(const BenchPlan& plan) {
  return on_queue(plan, [&](const std::string& queue) {
    const auto request = bench_request(
        plan.target, "POST", "/v1/jobs",
        "{\"queue\":\"" + queue +
            "\",\"type\":\"bench\",\"payload\":" + bench_payload(plan.payload_bytes) + "}");
    std::size_t left = plan.jobs;
    std::vector<std::unique_ptr<BenchScript>> scripts;
    for (std::size_t i = 0; i < plan.connections; ++i) {
      scripts.push_back(std::make_unique<SingleSubmitter>(request, left));
    }
    return run_timed(plan, plan.jobs, scripts, [] { return false; });
  });
}

Result<BenchResult> bench_submit_batch(const BenchPlan& plan) {
  return on_queue(plan, [&](const std::string& queue) {
    std::size_t left = plan.jobs;
    std::vector<std::unique_ptr<BenchScript>> scripts;
    for (std::size_t i = 0; i < plan.workers; ++i) {
      scripts.push_back(std::make_unique<BatchSubmitter>(plan, queue, BenchJobs::plain, left));
    }
    return run_timed(plan, plan.jobs, scripts, [] { return false; });
  });
}

Result<BenchResult> bench_lifecycle(const BenchPlan& plan) {
  return on_queue(
      plan, [&](const std::string& queue) { return run_lifecycle(plan, queue, BenchJobs::plain); });
}

Result<BenchResult> bench_lifecycle_limited(const BenchPlan& plan) {
  return on_queue(plan, [&](const std::string& queue) -> Result<BenchResult> {
    WEIR_ASSIGN(const auto connection, BenchConnection::open(plan.target));
    const auto request = bench_request(plan.target, "PUT", "/v1/queues/" + queue, kLimits);
    WEIR_ASSIGN(const auto answer, connection->ask(request, kPatience));
    WEIR_TRY(want_status(answer, 200));
    return run_lifecycle(plan, queue, BenchJobs::limited);
  });
}

Result<BenchResult> bench_latency(const BenchPlan& plan) {
  return on_queue(plan, [&](const std::string& queue) -> Result<BenchResult> {
    LatencyProbe probe(plan, queue);
    WEIR_TRY(probe.open());
    std::vector<std::uint32_t> latencies;
    const auto start = SteadyClock::now();
    for (std::size_t i = 0; i < plan.samples; ++i) {
      WEIR_ASSIGN(const auto took, probe.sample());
      latencies.push_back(took);
    }
    WEIR_TRY(probe.finish());
    BenchResult result;
    result.per_second = static_cast<double>(plan.samples) / seconds_since(start);
    set_percentiles(result, latencies);
    return result;
  });
}

}  // namespace weir::cli
