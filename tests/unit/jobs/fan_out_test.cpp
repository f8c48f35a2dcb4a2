// Jobs for all workers: who runs them, how they end, and what goes with them.
#include "jobs/fan_out.hpp"

#include "jobs/limits.hpp"
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kAll = R"(,"target":"_all")";

// The tokens of what it leases.
std::vector<std::string> lease(Harness& h, std::string_view worker, std::string_view queue = "q") {
  const auto body = R"({"worker":")" + std::string(worker) + R"(","max":9})";
  const auto reply =
      h.apply(h.requests.lease(queue, json::View(body), {"n", "w"}).value().operation);
  std::vector<std::string> out;
  for (const auto job : list(reply.value(), "jobs")) out.push_back(text(job.find("lease")));
  return out;
}

void expect_words(Harness& h, std::string_view id, std::vector<std::string> words) {
  std::vector<std::string> got;
  const auto result = h.member(id, "result");
  for (const auto part : list(result, "workers")) {
    got.push_back(text(part.find("worker")) + " " + text(part.find("id")) + " " +
                  text(part.find("status")));
  }
  EXPECT_EQ(got, words);
}

TEST(FanOut, EachLiveWorkerRunsItOnce) {
  Harness h;
  lease(h, "gone");
  h.advance(kWorkerLive + 1ms);
  for (const auto* worker : {"b", "a", "c"}) lease(h, worker);
  lease(h, "other", "r");
  h.must(worker_drain("c"));
  submit(h, "j", "q", std::string(kAll) + R"(,"payload":{"n":1},"priority":7)");
  EXPECT_EQ(h.status("j"), "blocked");
  EXPECT_EQ(h.member("j:1", "target"), R"("host:a")");
  EXPECT_EQ(h.member("j:2", "target"), R"("host:b")");
  EXPECT_EQ(h.member("j:2", "payload"), R"({"n":1})");
  EXPECT_EQ(h.member("j:2", "priority"), "7");
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs"), 3);
  h.restart();
  EXPECT_THAT(lease(h, "other"), IsEmpty());
  const auto a = lease(h, "a");
  ASSERT_EQ(a.size(), 1U);
  h.must(h.requests.complete(a[0], json::View(R"({"result":{"freed":3}})")));
  EXPECT_EQ(h.status("j"), "blocked");
  h.complete(lease(h, "b").at(0));
  EXPECT_EQ(h.status("j"), "completed");
  expect_words(h, "j", {"a j:1 completed", "b j:2 completed"});
  EXPECT_THAT(h.member("j", "result"), HasSubstr(R"("result":{"freed":3})"));
  EXPECT_THAT(h.touched, testing::Contains("job:j"));
  h.expect_counts_true();
}

TEST(FanOut, SomeFailuresArePartialAndAllAreAFailure) {
  Harness h;
  lease(h, "a");
  lease(h, "b");
  submit(h, "j", "q", kAll);
  h.fail(lease(h, "a").at(0), R"({"error":{"message":"disk full"},"retry":false})");
  h.complete(lease(h, "b").at(0));
  EXPECT_EQ(h.status("j"), "partial_failure");
  expect_words(h, "j", {"a j:1 dlq", "b j:2 completed"});
  EXPECT_THAT(h.member("j", "result"), HasSubstr("disk full"));
  EXPECT_THAT(h.member("j", "error"), HasSubstr("1 of 2 workers ended without success"));
  submit(h, "k", "q", kAll);
  for (const auto* worker : {"a", "b"}) h.fail(lease(h, worker).at(0), R"({"retry":false})");
  EXPECT_EQ(h.status("k"), "failed");
  EXPECT_EQ(h.count(Status::failed), 2);
  h.restart();
  EXPECT_EQ(h.status("j"), "partial_failure");
  h.expect_counts_true();
}

TEST(FanOut, NobodyIsThereAndNothingIsAcceptedHalf) {
  Harness h;
  EXPECT_EQ(h.refused(h.requests.submit(json::View(plain("j", kAll)))).reason, "no_workers");
  lease(h, "a");
  lease(h, "b");
  submit(h, "j:2", "q");
  EXPECT_EQ(h.refused(h.requests.submit(json::View(plain("j", kAll)))).reason, "job_id_taken");
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs"), 1);
  const auto batch = R"({"atomic":true,"jobs":[)" + plain("x") + "," + plain("j", kAll) + "]}";
  const auto reply = h.apply(h.requests.submit_batch(json::View(batch)).value().parts[0].operation);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().reason, "job_id_taken");
  h.must(worker_drain("a"));
  h.must(worker_drain("b"));
  EXPECT_EQ(h.refused(h.requests.submit(json::View(plain("k", kAll)))).reason, "no_workers");
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs"), 1);
}

TEST(FanOut, ThereIsAMostOfWorkers) {
  Harness h;
  for (std::size_t i = 0; i <= kMaxFanOut; ++i) lease(h, "w" + std::to_string(i));
  EXPECT_EQ(h.refused(h.requests.submit(json::View(plain("j", kAll)))).reason, "too_many_workers");
  h.must(worker_drain("w7"));
  submit(h, "j", "q", kAll);
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs"), static_cast<std::int64_t>(kMaxFanOut) + 1);
  h.must(h.requests.cancel("j", json::View()));
  EXPECT_EQ(h.count(Status::cancelled), static_cast<std::int64_t>(kMaxFanOut) + 1);
}

TEST(FanOut, TheSameIdAgainIsADuplicate) {
  Harness h;
  lease(h, "a");
  submit(h, "j", "q", kAll);
  h.advance(kWorkerLive + 1s);
  EXPECT_TRUE(is_duplicate(h.must(h.requests.submit(json::View(plain("j", kAll))))));
}

TEST(FanOut, CancellingItCancelsItsJobs) {
  Harness h;
  for (const auto* worker : {"a", "b", "c"}) lease(h, worker);
  submit(h, "j", "q", kAll);
  h.complete(lease(h, "a").at(0));
  const auto b = lease(h, "b").at(0);
  h.must(h.requests.cancel("j", json::View()));
  EXPECT_EQ(h.status("j"), "cancelled");
  EXPECT_EQ(h.status("j:1"), "completed");
  EXPECT_EQ(h.member("j:2", "cancel_requested"), "true");
  EXPECT_EQ(h.status("j:3"), "cancelled");
  h.fail(b);
  EXPECT_EQ(h.status("j"), "cancelled");
}

TEST(FanOut, ItIsNotRetriedOrEditedButCopied) {
  Harness h;
  lease(h, "a");
  submit(h, "j", "q", kAll);
  EXPECT_EQ(h.refused(h.requests.edit("j", json::View(R"({"priority":1})"))).reason,
            "job_not_waiting");
  h.fail(lease(h, "a").at(0), R"({"retry":false})");
  EXPECT_EQ(h.refused(h.requests.retry("j", json::View())).reason, "job_not_retryable");
  lease(h, "b");
  const auto copy = text(h.must(h.requests.retry("j", json::View(R"({"as_new":true})"))), "id");
  EXPECT_EQ(h.member(copy + ":2", "target"), R"("host:b")");
}

TEST(FanOut, ItsJobsExpireAndOthersDependOnIt) {
  Harness h;
  lease(h, "a");
  const auto end = to_unix_ms(h.clock.wall()) + 1'000;
  submit(h, "j", "q", std::string(kAll) + R"(,"expires_at":)" + std::to_string(end));
  submit(h, "after", "q", R"(,"depends_on":["j"],"on_failure":"run")");
  h.advance(2s);
  h.tick();
  EXPECT_EQ(h.status("j:1"), "failed");
  EXPECT_EQ(h.status("j"), "failed");
  EXPECT_EQ(h.status("after"), "unprocessed");
}

TEST(FanOut, LargeResultsAreLeftOut) {
  Harness h;
  lease(h, "a");
  lease(h, "b");
  submit(h, "j", "q", kAll);
  const auto body = R"({"result":")" + std::string(kMaxParentBytes - 1'000, 'x') + "\"}";
  h.must(h.requests.complete(lease(h, "a").at(0), json::View(body)));
  h.must(h.requests.complete(lease(h, "b").at(0), json::View(body)));
  EXPECT_THAT(h.member("j", "result"), HasSubstr(R"("result_at":"/v1/jobs/j:2")"));
}

TEST(FanOut, WhatDoesNotGoWithItIsRefusedWithItsField) {
  Harness h;
  const auto field = [&](const std::string& job) {
    const auto request = h.requests.submit(json::View(job));
    if (request || request.error().fields.size() != 1) return std::string("accepted");
    return request.error().fields[0].field;
  };
  EXPECT_EQ(field(plain("j", std::string(kAll) + R"(,"depends_on":["a"])")), "depends_on");
  EXPECT_EQ(field(plain("j", std::string(kAll) + R"(,"unique":{"key":"u"})")), "unique");
  EXPECT_EQ(field(plain(std::string(kMaxFanOutId + 1, 'i'), kAll)), "id");
  const auto batch = R"({"on_complete":{"queue":"q","target":"_all"}})";
  EXPECT_EQ(h.requests.batch_create(json::View(batch)).error().fields[0].field,
            "on_complete.target");
}

TEST(FanOut, ItsWebhookNeedsASecret) {
  Harness h;
  lease(h, "a");
  const auto before = h.dump();
  const auto body = std::string(R"({"queue":"q","webhook":{"url":"https://example.com/own"})") +
                    std::string(kAll) + "}";
  EXPECT_EQ(h.refused(h.requests.submit(json::View(body))).reason, "webhook_without_secret");
  EXPECT_EQ(h.dump(), before);
}

}  // namespace
}  // namespace weir::jobs
