// What `weir bench` measures of a server. Each phase runs once on queues of its own, checks every
// status and count, and removes what it made.
#pragma once

#include "cmd/weir/bench/bench_http.hpp"

namespace weir::cli {

struct BenchPlan {
  BenchTarget target;
  std::size_t jobs = 50'000;
  std::size_t batch = 100;
  std::size_t connections = 64;  // of single submits
  std::size_t submitters = 2;    // of batches
  std::size_t workers = 4;
  std::size_t payload_bytes = 256;
  std::size_t samples = 1'000;  // of the latency phase
};

struct BenchResult {
  double per_second = 0;  // jobs
  double p50_us = 0;      // of one request, or of submit to lease
  double p99_us = 0;
};

// Jobs one by one, on `connections` keep-alive connections.
Result<BenchResult> bench_submit_single(const BenchPlan& plan);
// Jobs in batches.
Result<BenchResult> bench_submit_batch(const BenchPlan& plan);
// Submitted in batches while workers lease and complete in batches: from the first submit to the
// last acknowledged completion.
Result<BenchResult> bench_lifecycle(const BenchPlan& plan);
// The same, with what a queue can be asked for: keys that take turns, priorities with aging, limits
// and rates of the queue and of each key, which are looked at for each job and hold none back.
Result<BenchResult> bench_lifecycle_limited(const BenchPlan& plan);
// One parked worker, one submit at a time: from sending the submit to the worker's answer.
Result<BenchResult> bench_latency(const BenchPlan& plan);

// A JSON string of this many bytes in all.
std::string bench_payload(std::size_t bytes);
// p50 and p99 of `latencies_us`, which is sorted.
void set_percentiles(BenchResult& result, std::vector<std::uint32_t>& latencies_us);

}  // namespace weir::cli
