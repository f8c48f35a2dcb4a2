#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>

#include "cmd/weir/bench/bench_nats.hpp"
#include "cmd/weir/bench/bench_phases.hpp"
#include "tests/unit/cli/fake_server.hpp"

namespace weir::cli {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

// Submits, leases and completes in memory, without waiting.
class FakeQueue {
 public:
  Reply answer(const Asked& asked) {
    const std::lock_guard lock(mutex_);
    if (asked.method == "DELETE" || asked.method == "PUT") return {};
    if (asked.path == "/v1/jobs") {
      ++ready;
      return {201, R"({"id":"x","status":"unprocessed"})"};
    }
    if (asked.path == "/v1/jobs/batch") return submit(Json::parse(asked.body));
    if (asked.path == "/v1/work") return work(Json::parse(asked.body));
    return {};
  }

  int ready = 0;
  int completed = 0;
  int swallow = 0;  // jobs of each batch that are not answered for

 private:
  Reply submit(const Json& body) {
    Json results = Json::array();
    const auto count = static_cast<int>(body["jobs"].size());
    ready += count;
    for (int i = swallow; i < count; ++i) results.push_back({{"id", "x"}});
    return {201, Json{{"results", results}}.dump()};
  }

  Reply work(const Json& body) {
    Json out{{"complete", Json::array()}, {"jobs", Json::array()}};
    for (std::size_t i = 0; i < body["complete"].size(); ++i) {
      out["complete"].push_back({{"ok", true}});
      ++completed;
    }
    const int max = body.contains("lease") ? body["lease"]["max"].get<int>() : 0;
    for (int i = 0; i < max && ready > 0; ++i, --ready) {
      out["jobs"].push_back({{"lease", "L" + std::to_string(leases_++)}});
    }
    return {200, out.dump()};
  }

  std::mutex mutex_;
  int leases_ = 0;
};

BenchPlan plan_of(const FakeServer& server) {
  BenchPlan plan;
  plan.target = *bench_target(server.url(), "k");
  plan.jobs = 1'050;
  plan.connections = 3;
  plan.submitters = 1;
  plan.workers = 2;
  return plan;
}

TEST(Bench, CountsEverySingleSubmit) {
  FakeQueue queue;
  FakeServer server([&](const Asked& asked) { return queue.answer(asked); });
  auto plan = plan_of(server);
  plan.jobs = 50;
  const auto result = bench_submit_single(plan);
  ASSERT_TRUE(result) << describe(result.error());
  EXPECT_EQ(queue.ready, 50);
  EXPECT_GT(result->per_second, 0);
  EXPECT_GE(result->p99_us, result->p50_us);
  EXPECT_EQ(server.asked()[0].authorization, "Bearer k");
}

TEST(Bench, RunsTheWholeLifeOfEveryJob) {
  FakeQueue queue;
  FakeServer server([&](const Asked& asked) { return queue.answer(asked); });
  const auto result = bench_lifecycle(plan_of(server));
  ASSERT_TRUE(result) << describe(result.error());
  EXPECT_EQ(queue.completed, 1'050);
  EXPECT_EQ(queue.ready, 0);
  EXPECT_EQ(server.count("DELETE", "/v1/queues/bench-"), 1U);
}

TEST(Bench, NoticesJobsThatAreNotAnsweredFor) {
  FakeQueue queue;
  queue.swallow = 1;
  FakeServer server([&](const Asked& asked) { return queue.answer(asked); });
  const auto result = bench_submit_batch(plan_of(server));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, "bench_wrong_count");
}

TEST(Bench, NoticesErrors) {
  FakeServer server([](const Asked&) {
    return Reply{429, R"({"error":"Full.","reason":"queue_full"})"};
  });
  const auto result = bench_submit_single(plan_of(server));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, "queue_full");
}

TEST(Bench, SaysWhenNobodyListens) {
  BenchPlan plan;
  plan.target = *bench_target(dead_url(), "");
  const auto result = bench_latency(plan);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, "unreachable");
}

TEST(Bench, PayloadsHaveTheirSize) {
  EXPECT_EQ(bench_payload(256).size(), 256U);
  EXPECT_EQ(bench_payload(0), "\"\"");
}

TEST(Bench, Percentiles) {
  std::vector<std::uint32_t> values(100);
  for (std::uint32_t i = 0; i < 100; ++i) values[i] = 100 - i;
  BenchResult result;
  set_percentiles(result, values);
  EXPECT_EQ(result.p50_us, 50);
  EXPECT_EQ(result.p99_us, 99);
}

TEST(NatsTarget, Parses) {
  const auto full = nats_target("nats://u:p@h:1,nats://other:2");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->host, "h");
  EXPECT_EQ(full->port, 1);
  EXPECT_EQ(full->user, "u");
  EXPECT_EQ(full->password, "p");
  EXPECT_EQ(nats_target("nats://t0ken@h")->token, "t0ken");
  EXPECT_EQ(nats_target("nats://h")->port, 4222);
  EXPECT_FALSE(nats_target("tls://h:1"));
  EXPECT_FALSE(nats_target("nats://h:99999"));
}

TEST(NatsTarget, EmbeddedIsToldByTheDataFolder) {
  const auto missing = embedded_nats_target("/nonexistent");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().reason, "no_embedded_nats");
}

}  // namespace
}  // namespace weir::cli
