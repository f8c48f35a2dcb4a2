// Schedules on a running server: on time, paused, overlapping, over kill -9, over two coordinators.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "pkg/base/time_text.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

constexpr const char* kEverySecond =
    R"({"every":"1s","catchup":"all","catchup_max":1000,"job":{"queue":"q","type":"t"}})";

int set_schedule(HttpClient& client, const std::string& name, const std::string& spec) {
  return client.put("/v1/schedules/" + name, spec).status;
}

std::int64_t number(HttpClient& client, const std::string& name, const char* member) {
  return client.get("/v1/schedules/" + name).json().find(member).as_int().value_or(-1);
}

// When the runs were due, in seconds; each once.
std::set<std::int64_t> due_seconds(HttpClient& client, const std::string& name) {
  std::set<std::int64_t> out;
  const auto answer = client.get("/v1/schedules/" + name + "/runs?limit=1000");
  EXPECT_EQ(answer.status, 200) << answer.body;
  for (const auto run : answer.json().find("items").elements()) {
    const auto at = parse_rfc3339(run.find("at").as_string().value_or(""));
    EXPECT_TRUE(at);
    EXPECT_TRUE(out.insert(to_unix_ms(*at) / 1'000).second) << run.raw();
  }
  return out;
}

// From the first to the last none is missing.
void expect_no_gap(const std::set<std::int64_t>& seconds) {
  ASSERT_FALSE(seconds.empty());
  EXPECT_EQ(*seconds.rbegin() - *seconds.begin() + 1, static_cast<std::int64_t>(seconds.size()));
}

TEST(Schedules, FirePauseResumeTrigger) {
  WeirServer server;
  server.start();
  auto client = server.client();
  ASSERT_EQ(set_schedule(client, "beat", kEverySecond), 200);
  ASSERT_TRUE(wait_until([&] { return number(client, "beat", "runs") >= 3; }));
  expect_no_gap(due_seconds(client, "beat"));
  ASSERT_EQ(client.post("/v1/schedules/beat/pause", "{}").status, 200);
  const auto runs = number(client, "beat", "runs");
  const auto triggered = client.post("/v1/schedules/beat/trigger", "{}");
  ASSERT_EQ(triggered.status, 201) << triggered.body;
  EXPECT_EQ(number(client, "beat", "runs"), runs + 1);
  // Another schedule shows that time goes on and the leader works.
  ASSERT_EQ(set_schedule(client, "other", kEverySecond), 200);
  ASSERT_TRUE(wait_until([&] { return number(client, "other", "runs") >= 3; }));
  EXPECT_EQ(number(client, "beat", "runs"), runs + 1);
  ASSERT_EQ(client.post("/v1/schedules/beat/resume", "{}").status, 200);
  ASSERT_TRUE(wait_until([&] { return number(client, "beat", "runs") >= runs + 3; }));
  EXPECT_EQ(number(client, "beat", "missed"), 0);
}

TEST(Schedules, OverlapSkipWaitsForTheEndOfTheRun) {
  WeirServer server;
  server.start();
  auto client = server.client();
  const std::string body = R"({"every":"1s","overlap":"skip","job":{"queue":"slow"}})";
  ASSERT_EQ(set_schedule(client, "s", body), 200);
  const auto leased =
      client.post("/v1/queues/slow/lease", R"({"worker":"w","wait_ms":20000,"lease_ms":60000})");
  const auto jobs = leased.json().find("jobs").elements();
  ASSERT_FALSE(jobs.begin() == jobs.end()) << leased.body;
  const auto job = *jobs.begin();
  EXPECT_EQ(job.find("headers").find("weir-schedule").as_string(), "s");
  ASSERT_TRUE(wait_until([&] { return number(client, "s", "skipped") >= 2; }));
  EXPECT_EQ(number(client, "s", "runs"), 1);
  EXPECT_EQ(number(client, "s", "running"), 1);
  const auto token = job.find("lease").as_string().value_or("");
  ASSERT_EQ(client.post("/v1/leases/" + token + "/complete", "{}").status, 200);
  ASSERT_TRUE(wait_until([&] { return number(client, "s", "runs") == 2; }));
}

TEST(Schedules, KillNeitherMissesNorDoubles) {
  WeirServer server;
  server.start();
  {
    auto client = server.client();
    ASSERT_EQ(set_schedule(client, "beat", kEverySecond), 200);
    ASSERT_TRUE(wait_until([&] { return number(client, "beat", "runs") >= 2; }));
  }
  for (int round = 0; round < 2; ++round) {
    server.kill();
    server.start();
    auto client = server.client();
    const auto before = number(client, "beat", "runs");
    ASSERT_TRUE(wait_until([&] { return number(client, "beat", "runs") >= before + 3; }));
  }
  auto client = server.client();
  ASSERT_EQ(client.post("/v1/schedules/beat/pause", "{}").status, 200);
  const auto seconds = due_seconds(client, "beat");
  expect_no_gap(seconds);
  EXPECT_EQ(number(client, "beat", "runs"), static_cast<std::int64_t>(seconds.size()));
  EXPECT_EQ(number(client, "beat", "missed"), 0);
}

TEST(Schedules, AnotherCoordinatorGoesOn) {
  NatsServer nats;
  nats.start();
  WeirServer one({.nats_url = nats.url()});
  one.start();
  WeirServer two({.key = one.key(), .nats_url = nats.url()});
  two.start();
  auto first = one.client();
  ASSERT_EQ(set_schedule(first, "beat", kEverySecond), 200);
  auto second = two.client();
  ASSERT_TRUE(wait_until([&] { return number(second, "beat", "runs") >= 2; }));
  one.kill();
  const auto before = number(second, "beat", "runs");
  ASSERT_TRUE(wait_until([&] { return number(second, "beat", "runs") >= before + 3; },
                         std::chrono::seconds(60)));
  ASSERT_EQ(second.post("/v1/schedules/beat/pause", "{}").status, 200);
  expect_no_gap(due_seconds(second, "beat"));
}

TEST(Schedules, TheCommandLine) {
  WeirServer server;
  server.start();
  const auto set = server.cli({"schedule", "set", "nightly", "--cron", "30 2 * * *", "--time-zone",
                               "Europe/Berlin", "--queue", "reports", "--payload", R"({"a":1})",
                               "--catchup", "3", "--overlap", "skip"});
  ASSERT_EQ(set.code, 0) << set.err;
  const auto listed = server.cli({"schedule", "list"});
  EXPECT_NE(listed.out.find("30 2 * * *  Europe/Berlin"), std::string::npos) << listed.out;
  EXPECT_EQ(server.cli({"schedule", "pause", "nightly"}).code, 0);
  EXPECT_EQ(server.cli({"schedule", "resume", "nightly"}).code, 0);
  const auto triggered = server.cli({"schedule", "trigger", "nightly"});
  ASSERT_EQ(triggered.code, 0) << triggered.err;
  const auto filled = server.cli({"schedule", "backfill", "nightly", "--from",
                                  "2025-10-25T00:00:00Z", "--to", "2025-10-28T00:00:00Z"});
  ASSERT_EQ(filled.code, 0) << filled.err;
  EXPECT_EQ(filled.out, "3 runs submitted, 0 were there\n");
  const auto shown = server.cli({"schedule", "get", "nightly"});
  EXPECT_NE(shown.out.find("2025-10-26T00:30:00.000Z"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("trigger"), std::string::npos) << shown.out;
  const auto next = server.cli({"schedule", "next", "nightly", "-n", "2"});
  ASSERT_EQ(next.code, 0) << next.err;
  EXPECT_NE(next.out.find("02:30:00"), std::string::npos) << next.out;
  EXPECT_EQ(server.cli({"schedule", "delete", "nightly"}).code, 0);
  EXPECT_EQ(server.cli({"schedule", "get", "nightly"}).code, 3);
}

}  // namespace
}  // namespace weir::test
