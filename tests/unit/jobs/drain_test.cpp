// Draining workers: no more jobs, what runs is finished, and whoever waits learns it at once.
#include "jobs/drain.hpp"

#include "jobs/explain.hpp"
#include "jobs/fleet_query.hpp"
#include "jobs/limits.hpp"
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string lease(Harness& h, std::string_view worker, std::string_view more = "") {
  const auto body = R"({"worker":")" + std::string(worker) + "\"" + std::string(more) + "}";
  return h.apply(h.requests.lease("q", json::View(body), {"n1", "w"}).value().operation).value();
}

std::string worker(Harness& h, std::string_view name) {
  return h.read([&](sqlite::Database& db) {
    return get_worker(db, name, h.clock.wall(), [](auto) { return true; });
  });
}

TEST(Drain, AWorkerFinishesWhatItRunsAndGetsNoMore) {
  Harness h;
  submit(h, "a");
  submit(h, "b");
  const auto token = text(list(lease(h, "w1"), "jobs")[0].find("lease"));
  const auto reply = h.must(worker_drain("w1"));
  EXPECT_EQ(text(reply, "draining"), "true");
  EXPECT_EQ(text(reply, "running"), "1");
  EXPECT_EQ(lease(h, "w1"), R"({"jobs":[],"draining":true})");
  EXPECT_EQ(lease(h, "w1", R"(,"wait_ms":1000)"), R"({"jobs":[],"draining":true})");
  h.restart();
  EXPECT_EQ(lease(h, "w1"), R"({"jobs":[],"draining":true})");
  EXPECT_THAT(worker(h, "w1"), HasSubstr(R"("draining":true)"));
  const auto body =
      R"({"worker":"w1","complete":[{"lease":")" + token + R"("}],"lease":{"queues":["q"]}})";
  EXPECT_THAT(h.work(body), HasSubstr(R"("complete":[{"ok":true}])"));
  EXPECT_THAT(h.work(R"({"worker":"w1"})"), HasSubstr(R"("jobs":[],"draining":true})"));
  EXPECT_EQ(h.status("a"), "completed");
  EXPECT_THAT(lease(h, "w2"), Not(HasSubstr("draining")));
  EXPECT_EQ(h.status("b"), "processing");
}

TEST(Drain, UndrainedItGetsJobsAgain) {
  Harness h;
  lease(h, "w1");
  h.must(worker_drain("w1"));
  h.must(worker_drain("w1"));
  submit(h, "a");
  EXPECT_EQ(text(h.must(worker_undrain("w1")), "draining"), "false");
  EXPECT_THAT(lease(h, "w1"), HasSubstr(R"("id":"a")"));
}

TEST(Drain, WhatItWaitsForIsAnsweredAtOnce) {
  Harness h;
  ASSERT_TRUE(h.park("w1"));
  ASSERT_TRUE(h.park("w2", "q,other"));
  h.must(worker_drain("w1"));
  ASSERT_EQ(h.deliveries.size(), 1U);
  EXPECT_EQ(h.deliveries[0].waiter, "w1");
  EXPECT_EQ(h.deliveries[0].json, R"({"jobs":[],"draining":true})");
  EXPECT_FALSE(release_delivery(h.deliveries[0].json).has_value());
  EXPECT_EQ(finish_parked(R"({"parked":true,"jobs":[]})", h.deliveries[0].json),
            R"({"jobs":[],"draining":true})");
  submit(h, "a");
  ASSERT_EQ(h.deliveries.size(), 2U);
  EXPECT_EQ(h.deliveries[1].waiter, "w2");
}

TEST(Drain, NobodyIsThereToDrain) {
  Harness h;
  EXPECT_EQ(h.refused(worker_drain("w1")).reason, "worker_not_found");
  EXPECT_EQ(h.refused(worker_undrain("w1")).reason, "worker_not_found");
}

TEST(Drain, ItIsRememberedForADay) {
  Harness h;
  lease(h, "w1");
  lease(h, "w2");
  h.must(worker_drain("w1"));
  h.advance(kWorkerKept + 1s);
  h.tick();
  EXPECT_EQ(h.number("SELECT count(*) FROM job_workers"), 1);
  h.restart();
  h.advance(kDrainKept - kWorkerKept - 10s);
  h.tick();
  EXPECT_EQ(h.number("SELECT count(*) FROM job_workers"), 1);
  h.advance(20s);
  h.tick();
  EXPECT_EQ(h.number("SELECT count(*) FROM job_workers"), 0);
}

TEST(Drain, ExplainSaysIt) {
  Harness h;
  lease(h, "w1");
  submit(h, "a", "q", R"(,"target":"host:w1")");
  h.must(worker_drain("w1"));
  const auto json =
      h.read([&](sqlite::Database& db) { return explain_job(db, "a", h.clock.wall()); });
  EXPECT_THAT(json, HasSubstr("the live workers of the queue q that match host:w1 are draining"));
}

}  // namespace
}  // namespace weir::jobs
