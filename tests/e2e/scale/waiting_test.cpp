// A million waiting jobs: the coordinator's memory stays small and leasing stays as quick.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/e2e/scale/process_memory.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using Clock = std::chrono::steady_clock;

void submit(HttpClient& client, std::size_t jobs) {
  constexpr std::size_t kBatch = 10'000;
  for (std::size_t sent = 0; sent < jobs;) {
    const auto count = std::min(kBatch, jobs - sent);
    std::string body = R"({"jobs":[)";
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) body += ',';
      body += R"({"queue":"q","type":"resize","payload":{"image":"cat.png","width":640}})";
    }
    body += "]}";
    const auto answer = client.post("/v1/jobs/batch", body);
    ASSERT_EQ(answer.status, 201) << answer.body.substr(0, 500);
    sent += count;
  }
}

struct Latency {
  double p50_us = 0;
  double p99_us = 0;
};

// Leases one job after the other, completing each.
Latency lease_latency(HttpClient& client, std::size_t rounds) {
  std::vector<double> took;
  for (std::size_t i = 0; i < rounds; ++i) {
    const auto begin = Clock::now();
    const auto leased = client.post("/v1/queues/q/lease", R"({"worker":"w"})");
    took.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
    EXPECT_EQ(leased.status, 200) << leased.body;
    const auto job = *leased.json().find("jobs").elements().begin();
    const auto lease = job.find("lease").as_string().value_or("");
    EXPECT_EQ(client.post("/v1/leases/" + lease + "/complete", "{}").status, 200);
  }
  std::sort(took.begin(), took.end());
  return {took[took.size() / 2], took[took.size() * 99 / 100]};
}

TEST(Scale, AMillionWaitingJobs) {
  WeirServer server;
  server.start();
  auto client = server.client();
  EXPECT_LT(resident_mb(server.pid()), 60) << "idle";

  constexpr std::size_t kRounds = 1'000;
  submit(client, kRounds + 1'000);
  const auto few = lease_latency(client, kRounds);

  submit(client, 1'000'000);
  const auto many = lease_latency(client, kRounds);
  const auto resident = resident_mb(server.pid());
  std::printf("lease at 1,000 waiting: p50 %.0f us, p99 %.0f us\n", few.p50_us, few.p99_us);
  std::printf("lease at 1,000,000 waiting: p50 %.0f us, p99 %.0f us; resident %.0f MB\n",
              many.p50_us, many.p99_us, resident);
  EXPECT_LT(resident, 400);
  EXPECT_LT(many.p50_us, 3 * few.p50_us);
  // Below a few milliseconds the tail is the scheduler's, not ours.
  EXPECT_LT(many.p99_us, std::max(3 * few.p99_us, 5'000.0));

  const auto status = client.get("/health/status");
  EXPECT_EQ(status.json().find("jobs").find("unprocessed").as_int(), 1'000'000);

  // What was lost beside the log comes back from a snapshot and the entries after it.
  const auto begin = Clock::now();
  ASSERT_EQ(client.post("/v1/snapshots", "").status, 201);
  const auto saved = Clock::now();
  EXPECT_EQ(server.stop(), 0);
  for (const auto* suffix : {"", "-wal", "-shm"}) {
    std::filesystem::remove(server.data_dir() + "/jobs-0.db" + suffix);
  }
  const auto wiped = Clock::now();
  server.start();
  const auto ready = std::chrono::duration<double>(Clock::now() - wiped).count();
  std::printf("snapshot taken in %.1f s; serving again from it after %.1f s\n",
              std::chrono::duration<double>(saved - begin).count(), ready);
  EXPECT_LT(ready, 30);
  auto again = server.client();
  EXPECT_EQ(again.get("/health/status").json().find("jobs").find("unprocessed").as_int(),
            1'000'000);
}

}  // namespace
}  // namespace weir::test
