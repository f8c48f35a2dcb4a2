// 100,000 jobs through four HTTP workers: none lost, none done twice, whatever is killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fault/coordinator/load.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

using testing::IsEmpty;
constexpr auto kLimit = std::chrono::seconds(150);

std::int64_t count_of(const WeirServer& server, const std::string& status) {
  auto client = server.client();
  const auto answer = client.get("/health/status");
  return answer.json().find("jobs").find(status).as_int().value_or(-1);
}

// Every job of the queue with its status, page by page.
std::map<std::string, std::string> all_jobs(const WeirServer& server, const std::string& queue) {
  std::map<std::string, std::string> out;
  auto client = server.client();
  std::string cursor;
  do {
    std::string path = "/v1/jobs?limit=1000&queue=" + queue;
    if (!cursor.empty()) path += "&cursor=" + cursor;
    const auto answer = client.get(path);
    EXPECT_EQ(answer.status, 200) << answer.body;
    for (const auto job : answer.json().find("items").elements()) {
      const auto id = job.find("id").as_string().value_or("");
      EXPECT_TRUE(out.emplace(id, job.find("status").as_string().value_or("")).second)
          << id << " is listed twice";
    }
    cursor = answer.json().find("next_cursor").as_string().value_or("");
  } while (!cursor.empty());
  return out;
}

void expect_everything_done(const WeirServer& server, const Load& load, const LoadPlan& plan) {
  EXPECT_THAT(load.record().complaints(), IsEmpty());
  EXPECT_THAT(load.record().completed_twice(), IsEmpty());
  EXPECT_EQ(load.record().accepted_count(), plan.jobs);
  const auto jobs = all_jobs(server, plan.queue);
  EXPECT_EQ(jobs.size(), plan.jobs);
  std::size_t wrong = 0;
  for (const auto& id : load.record().accepted_ids()) {
    const auto found = jobs.find(id);
    if (found == jobs.end() || found->second != "completed") ++wrong;
  }
  EXPECT_EQ(wrong, 0U) << "accepted jobs that did not end in completed";
  EXPECT_EQ(count_of(server, "completed"), static_cast<std::int64_t>(plan.jobs));
  EXPECT_EQ(count_of(server, "total"), static_cast<std::int64_t>(plan.jobs));
}

bool wait_all_completed(const WeirServer& server, const LoadPlan& plan) {
  return wait_until(
      [&] { return count_of(server, "completed") == static_cast<std::int64_t>(plan.jobs); },
      kLimit);
}

TEST(Load, AHundredThousandJobsOnceEach) {
  WeirServer server;
  server.start();
  const LoadPlan plan;
  Load load(server, plan);
  EXPECT_TRUE(wait_all_completed(server, plan));
  load.stop();
  expect_everything_done(server, load, plan);
  EXPECT_EQ(load.record().completed_count(), plan.jobs) << "nothing was cut off";
  EXPECT_EQ(load.record().refusals(), 0U);
}

// Leases that the death of the server cut off run out after a second and are tried again at once.
LoadPlan impatient(WeirServer& server) {
  LoadPlan plan;
  plan.lease_ms = 2'000;
  auto client = server.client();
  const auto answer = client.send("PUT", "/v1/queues/" + plan.queue,
                                  R"({"backoff":{"kind":"fixed","delay_ms":0,"jitter":0}})",
                                  {{"Content-Type", "application/json"}});
  EXPECT_EQ(answer.status, 200) << answer.body;
  return plan;
}

// Kills three times on the way, each time when a quarter more is done.
template <typename Kill>
void run_with_kills(WeirServer& server, Kill kill) {
  const LoadPlan plan = impatient(server);
  auto client = server.client();
  ASSERT_EQ(client.post("/v1/jobs", R"({"id":"held","queue":"held","lease_ms":1000})").status, 201);
  const auto leased = client.post("/v1/queues/held/lease", R"({"worker":"slow"})");
  const auto stale =
      (*leased.json().find("jobs").elements().begin()).find("lease").as_string().value_or("");
  ASSERT_FALSE(stale.empty()) << leased.body;

  Load load(server, plan);
  for (int quarter = 1; quarter <= 3; ++quarter) {
    const auto done = static_cast<std::int64_t>(plan.jobs) * quarter / 4;
    ASSERT_TRUE(wait_until([&] { return count_of(server, "completed") >= done; }, kLimit));
    kill();
  }
  EXPECT_TRUE(wait_all_completed(server, plan));
  load.stop();

  const auto late = server.client().post("/v1/leases/" + stale + "/complete", "{}");
  EXPECT_EQ(late.status, 409) << late.body;
  EXPECT_EQ(late.json().find("reason").as_string(), "lease_lost");
  EXPECT_EQ(server.client().post("/v1/jobs/held/cancel", "{}").status, 200);
  EXPECT_TRUE(wait_until([&] { return count_of(server, "cancelled") == 1; }));
  EXPECT_EQ(server.client().send("DELETE", "/v1/jobs/held", "").status, 200);
  expect_everything_done(server, load, plan);
}

TEST(Load, KillingTheCoordinatorLosesAndDoublesNothing) {
  NatsServer nats;
  nats.start();
  WeirServer server({.nats_url = nats.url()});
  server.start();
  run_with_kills(server, [&] {
    server.kill();
    server.start();
  });
}

TEST(Load, KillingCoordinatorAndNatsLosesAndDoublesNothing) {
  WeirServer server;
  server.start();
  run_with_kills(server, [&] {
    server.kill();  // the embedded NATS server dies with it
    server.start();
  });
}

}  // namespace
}  // namespace weir::test
