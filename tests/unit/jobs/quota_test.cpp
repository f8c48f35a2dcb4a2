// Quotas of API keys on waiting jobs.
#include "jobs/quota.hpp"

#include "jobs/kept.hpp"
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using testing::HasSubstr;

replica::Operation submit_of(Harness& h, std::string_view id, std::string_view more = "",
                             std::int64_t limit = 2) {
  const auto body = R"({"id":")" + std::string(id) + R"(","queue":"q")" + std::string(more) + "}";
  return of_key(h.requests.submit(json::View(body)).value(), "k1", limit);
}

std::int64_t waiting(Harness& h) {
  const auto counts = waiting_by_key(*h.db);
  const auto found = counts.find("k1");
  const auto counted = found == counts.end() ? 0 : found->second;
  EXPECT_EQ(counted, h.number("SELECT count(*) FROM job_owners o JOIN jobs j ON j.row=o.job"
                              " WHERE j.status<3"));
  return counted;
}

TEST(Quota, OneMoreWaitingJobIsRefused) {
  Harness h;
  EXPECT_TRUE(h.apply(submit_of(h, "a")).has_value());
  EXPECT_TRUE(h.apply(submit_of(h, "b", R"(,"delay_ms":5000)")).has_value());
  const auto full = h.apply(submit_of(h, "c"));
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().reason, "quota_exceeded");
  EXPECT_EQ(full.error().code, Code::too_many_requests);
  EXPECT_GT(full.error().retry_after.count(), 0);
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs"), 2);
  EXPECT_EQ(waiting(h), 2);
  // Somebody else is not concerned, and what is there is answered again.
  submit(h, "x");
  EXPECT_THAT(h.apply(submit_of(h, "a")).value(), HasSubstr(R"("duplicate":true)"));
}

TEST(Quota, WhatRunsOrEndsMakesRoom) {
  Harness h;
  h.must(submit_of(h, "a"));
  h.must(submit_of(h, "b"));
  const auto token = h.lease_one();
  EXPECT_EQ(waiting(h), 1);
  h.must(submit_of(h, "c"));
  h.fail(token, R"({"retry_after_ms":1000})");  // accepted work comes back whatever the quota
  EXPECT_EQ(waiting(h), 3);
  h.restart();
  EXPECT_FALSE(h.apply(submit_of(h, "d")).has_value());
  h.must(h.requests.cancel("b", json::View()));
  h.must(h.requests.purge("q"));
  EXPECT_EQ(waiting(h), 0);
  EXPECT_EQ(h.number("SELECT count(*) FROM job_quotas"), 0);
  h.must(submit_of(h, "d"));
  h.must(h.requests.remove("b"));
  EXPECT_EQ(h.number("SELECT count(*) FROM job_owners"), 1);
}

TEST(Quota, CopiesAreCounted) {
  Harness h;
  make_dead(h, "x");
  const auto copy = [&] {
    return h.apply(
        of_key(h.requests.retry("x", json::View(R"({"as_new":true})")).value(), "k1", 1));
  };
  EXPECT_TRUE(copy().has_value());
  EXPECT_EQ(waiting(h), 1);
  const auto full = copy();
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().reason, "quota_exceeded");
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs"), 2);
}

TEST(Quota, BatchesAreCountedJobByJob) {
  Harness h;
  const auto batch = [&](const char* body) {
    auto parts = h.requests.submit_batch(json::View(body)).value().parts;
    return h.apply(of_key(parts.at(0).operation, "k1", 2));
  };
  const auto some = batch(R"({"jobs":[{"queue":"q"},{"queue":"r"},{"queue":"q"}]})");
  ASSERT_TRUE(some.has_value());
  EXPECT_THAT(list(*some, "results").at(2).raw(), HasSubstr("quota_exceeded"));
  EXPECT_EQ(waiting(h), 2);
  h.must(h.requests.purge("q"));
  const auto none = batch(R"({"jobs":[{"queue":"q"},{"queue":"q"}],"atomic":true})");
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().reason, "quota_exceeded");
  EXPECT_EQ(waiting(h), 1);
  EXPECT_TRUE(batch(R"({"jobs":[{"queue":"q"}],"atomic":true})").has_value());
}

TEST(Quota, NamedBatchesAndTheirCallbacks) {
  Harness h;
  const json::View body(R"({"id":"b","jobs":[{"queue":"q"},{"queue":"q"}],"seal":true,)"
                        R"("on_complete":{"queue":"done"}})");
  const auto create = h.requests.batch_create(body).value();
  EXPECT_EQ(h.apply(of_key(create, "k1", 1)).error().reason, "quota_exceeded");
  ASSERT_TRUE(h.apply(of_key(create, "k1", 2)).has_value());
  EXPECT_EQ(waiting(h), 2);
  for (int i = 0; i < 2; ++i) h.complete(h.lease_one());
  h.tick();
  EXPECT_FALSE(h.lease_one("done").empty());
  EXPECT_EQ(waiting(h), 0);
}

TEST(Quota, TheSameRequestIsAnsweredAgain) {
  Harness h;
  const json::View body(R"({"queue":"q"})");
  const Idempotency once{.key = "i", .by = "k1", .digest = "d"};
  const auto operation = of_key(h.requests.submit(body, once).value(), "k1", 1);
  const auto first = h.apply(operation);
  ASSERT_TRUE(first.has_value());
  EXPECT_TRUE(h.apply(operation).has_value());
  EXPECT_EQ(waiting(h), 1);
}

TEST(Quota, DoesNotWaitForTheLog) {
  Harness h;
  EXPECT_FALSE(may_wait(submit_of(h, "a")));
}

TEST(Quota, AJobForAllWorkersCountsAsOne) {
  Harness h;
  for (const auto* worker : {"a", "b", "c"}) {
    const auto body = R"({"worker":")" + std::string(worker) + "\"}";
    const auto lease = h.requests.lease("q", json::View(body), {"n", "w"}).value();
    ASSERT_TRUE(h.apply(lease.operation).has_value());
  }
  ASSERT_TRUE(h.apply(submit_of(h, "all", R"(,"target":"_all")")).has_value());
  EXPECT_EQ(waiting(h), 1);
  ASSERT_TRUE(h.apply(submit_of(h, "one")).has_value());
  const auto before = h.dump();
  const auto refused = h.apply(submit_of(h, "more", R"(,"target":"_all")"));
  EXPECT_EQ(refused.error().reason, "quota_exceeded");
  EXPECT_EQ(h.dump(), before);
  h.must(h.requests.cancel("all", json::View()));
  EXPECT_EQ(waiting(h), 1);
  h.expect_counts_true();
}

TEST(Quota, ARefusedJobMakesNoQueue) {
  Harness h;
  ASSERT_TRUE(h.apply(submit_of(h, "a", "", 1)).has_value());
  const auto before = h.dump();
  const auto body = h.requests.submit(json::View(R"({"queue":"fresh"})")).value();
  EXPECT_EQ(h.apply(of_key(body, "k1", 1)).error().reason, "quota_exceeded");
  EXPECT_EQ(h.dump(), before);
}

}  // namespace
}  // namespace weir::jobs
