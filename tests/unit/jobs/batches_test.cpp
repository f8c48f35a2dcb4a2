// Batches: counters, the end, callbacks, cancelling, retention, bounds.
#include "tests/unit/jobs/batches.hpp"
#include "jobs/batch_query.hpp"

namespace weir::jobs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kCallbacks =
    R"(,"on_success":{"id":"yes","queue":"cb"},"on_complete":{"id":"done","queue":"cb"})";

std::string in_batch(std::string_view id, std::string_view more = "") {
  return plain(id, R"(,"batch":"b")" + std::string(more));
}

std::string show(Harness& h, const std::string& id = "b") {
  return h.read([&](sqlite::Database& db) { return get_batch(db, id); });
}

std::string state(Harness& h) {
  return text(show(h), "status");
}

std::string counted(Harness& h, std::string_view name) {
  const auto batch = show(h);
  return std::string(json::View(batch).find("counts").find(name).raw());
}

bool exists(Harness& h, const std::string& id) {
  return h.number("SELECT count(*) FROM jobs WHERE id='" + id + "'") == 1;
}

void fail_next(Harness& h) {
  h.fail(h.lease_one(), R"({"retry":false})");
}

// What the counters say is what the members are.
void expect_true_counters(Harness& h) {
  EXPECT_EQ(h.number("SELECT count(*) FROM job_batches AS b WHERE kept<>"
                     "(SELECT count(*) FROM job_members WHERE batch=b.row)"),
            0);
  EXPECT_EQ(h.number("SELECT count(*) FROM job_members AS m"
                     " LEFT JOIN jobs AS j ON j.row=m.job WHERE j.row IS NULL"),
            0);
  h.expect_counts_true();
}

TEST(Batches, CountItsMembersFromJoiningToTheEnd) {
  Harness h;
  create(h, kCallbacks);
  EXPECT_EQ(state(h), "open");
  h.submit(in_batch("a"));
  h.submit(in_batch("b", R"(,"delay_ms":60000)"));
  EXPECT_EQ(counted(h, "unprocessed"), "1");
  EXPECT_EQ(counted(h, "scheduled"), "1");
  h.must(h.requests.batch_seal("b", json::View()));
  h.restart();
  const auto token = h.lease_one();
  EXPECT_EQ(counted(h, "processing"), "1");
  h.complete(token);
  EXPECT_EQ(text(show(h), "progress"), "50");
  EXPECT_EQ(state(h), "sealed");
  EXPECT_FALSE(exists(h, "done"));
  h.must(h.requests.promote("b", json::View()));
  h.complete(h.lease_one());
  EXPECT_EQ(state(h), "succeeded");
  EXPECT_EQ(text(show(h), "progress"), "100");
  EXPECT_EQ(h.status("yes"), "unprocessed");
  EXPECT_EQ(h.status("done"), "unprocessed");
  EXPECT_THAT(h.touched, testing::Contains("batch:b"));
  EXPECT_EQ(h.member("a", "batch"), R"("b")");
  expect_true_counters(h);
}

TEST(Batches, MadeWithItsJobsItIsSealed) {
  Harness h;
  const auto made = create(h, members(3) + kCallbacks);
  EXPECT_EQ(text(made, "status"), "sealed");
  EXPECT_EQ(text(made, "total"), "3");
  EXPECT_EQ(list(made, "results").size(), 3U);
  for (int i = 0; i < 3; ++i) h.complete(h.lease_one());
  EXPECT_EQ(state(h), "succeeded");
  EXPECT_EQ(h.refused(h.requests.submit(json::View(in_batch("x")))).reason, "batch_sealed");
}

TEST(Batches, AnswersItsJobsInTheOrderOfTheRequest) {
  Harness h;
  const auto made = create(h, R"(,"jobs":[)" + plain("c", R"(,"depends_on":["a"])") + "," +
                                  plain("b", R"(,"depends_on":["a"])") + "," + plain("a") + "]");
  std::vector<std::string> answered;
  for (const auto job : list(made, "results")) {
    answered.push_back(text(job.find("id")) + " " + text(job.find("status")));
  }
  EXPECT_THAT(answered, ElementsAre("c blocked", "b blocked", "a unprocessed"));
}

TEST(Batches, AnEmptyOneEndsWhenItIsSealed) {
  Harness h;
  EXPECT_EQ(text(create(h, R"(,"seal":true)" + std::string(kCallbacks)), "status"), "succeeded");
  EXPECT_TRUE(exists(h, "yes"));
  EXPECT_TRUE(exists(h, "done"));
}

TEST(Batches, AFailureLeavesSuccessOpenUntilItIsMadeGood) {
  Harness h;
  create(h, members(2) + kCallbacks);
  fail_next(h);
  h.complete(h.lease_one());
  EXPECT_EQ(state(h), "failed");
  EXPECT_EQ(counted(h, "dlq"), "1");
  EXPECT_TRUE(exists(h, "done"));
  EXPECT_FALSE(exists(h, "yes"));
  const auto ended_at = text(show(h), "ended_at");
  h.must(h.requests.retry("m0", json::View()));
  EXPECT_EQ(state(h), "failed");
  h.advance(5s);
  h.restart();
  h.complete(h.lease_one());
  EXPECT_EQ(state(h), "succeeded");
  EXPECT_TRUE(exists(h, "yes"));
  EXPECT_EQ(text(show(h), "ended_at"), ended_at) << "the end is the first end";
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs WHERE queue=(SELECT id FROM job_queues"
                     " WHERE name='cb')"),
            2)
      << "each callback once";
  expect_true_counters(h);
}

TEST(Batches, ARetryBeforeTheEndIsWaitedFor) {
  Harness h;
  create(h, members(2) + kCallbacks);
  fail_next(h);
  h.must(h.requests.retry("m0", json::View()));
  h.complete(h.lease_one());
  EXPECT_EQ(state(h), "sealed");
  h.complete(h.lease_one());
  EXPECT_EQ(state(h), "succeeded");
}

TEST(Batches, CallbacksAreSubmittedWhateverTheLimits) {
  Harness h;
  h.must(h.requests.queue_config("cb", json::View(R"({"max_waiting":1})")));
  submit(h, "full", "cb");
  create(h, members(1) + kCallbacks);
  h.complete(h.lease_one());
  EXPECT_TRUE(exists(h, "yes"));
  EXPECT_TRUE(exists(h, "done"));
  const auto jobs = h.lease("cb", R"(,"max":3)");
  ASSERT_EQ(jobs.size(), 3U);
  EXPECT_EQ(jobs[1].find("headers").raw(), R"({"weir-batch-id":"b"})");
}

TEST(Batches, ACallbackWhoseQueueWasDeletedMakesIt) {
  Harness h;
  create(h, members(1) + kCallbacks);
  h.must(h.requests.queue_remove("cb"));
  h.complete(h.lease_one());
  EXPECT_EQ(h.status("done"), "unprocessed");
}

TEST(Batches, RemovedMembersAreNoSuccess) {
  Harness h;
  create(h, members(2) + kCallbacks);
  h.complete(h.lease_one());
  h.must(h.requests.purge("q"));
  EXPECT_EQ(state(h), "failed");
  EXPECT_EQ(counted(h, "removed"), "1");
  EXPECT_EQ(text(show(h), "total"), "2");
  expect_true_counters(h);
}

TEST(Batches, DependentMembersFailWithTheirParentsInOneEntry) {
  Harness h;
  create(h, R"(,"jobs":[)" + plain("p") + "," + plain("c", R"(,"depends_on":["p"])") + "]" +
                kCallbacks);
  fail_next(h);
  EXPECT_EQ(state(h), "failed");
  EXPECT_EQ(counted(h, "failed"), "1");
  EXPECT_TRUE(exists(h, "done"));
}

TEST(Batches, CancellingTellsRunningMembersAndEndsTheOthers) {
  Harness h;
  create(h, members(3) + kCallbacks);
  const auto token = h.lease_one();
  const auto reply = h.must(h.requests.batch_cancel("b", json::View()));
  EXPECT_EQ(text(reply, "status"), "sealed");
  EXPECT_EQ(text(reply, "cancel_requested"), "true");
  EXPECT_EQ(counted(h, "cancelled"), "2");
  EXPECT_EQ(h.member("m0", "cancel_requested"), "true");
  h.fail(token);
  EXPECT_EQ(state(h), "cancelled");
  EXPECT_TRUE(exists(h, "done"));
  EXPECT_FALSE(exists(h, "yes"));
  EXPECT_EQ(text(h.must(h.requests.batch_cancel("b", json::View())), "status"), "cancelled");
  expect_true_counters(h);
}

TEST(Batches, CancellingSealsAnOpenOne) {
  Harness h;
  create(h);
  h.submit(in_batch("a"));
  EXPECT_EQ(text(h.must(h.requests.batch_cancel("b", json::View())), "status"), "cancelled");
  EXPECT_EQ(h.refused(h.requests.submit(json::View(in_batch("x")))).reason, "batch_sealed");
}

TEST(Batches, AnEndedOneIsNotCancelled) {
  Harness h;
  create(h, members(1));
  h.complete(h.lease_one());
  const auto error = h.refused(h.requests.batch_cancel("b", json::View()));
  EXPECT_EQ(error.reason, "batch_not_cancellable");
}

TEST(Batches, ALargeOneIsCancelledInSteps) {
  Harness h;
  create(h, members(2'500) + kCallbacks);
  h.must(h.requests.batch_cancel("b", json::View()));
  EXPECT_EQ(h.count(Status::cancelled), kSweepRows);
  h.restart();
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(h.machine->next_due().has_value());
    EXPECT_LE(*h.machine->next_due(), h.clock.wall());
    EXPECT_EQ(state(h), "sealed");
    h.tick();
  }
  EXPECT_EQ(state(h), "cancelled");
  EXPECT_EQ(counted(h, "cancelled"), "2500");
  EXPECT_TRUE(exists(h, "done"));
  expect_true_counters(h);
}

TEST(Batches, OpenForTooLongItIsSealedByItself) {
  Harness h;
  create(h, R"(,"seal_after_ms":"10s")" + std::string(kCallbacks));
  h.submit(in_batch("a"));
  h.complete(h.lease_one());
  EXPECT_EQ(state(h), "open") << "more may come";
  EXPECT_EQ(*h.machine->next_due(), h.clock.wall() + 10s);
  h.advance(10s);
  h.tick();
  EXPECT_EQ(state(h), "succeeded");
  EXPECT_TRUE(exists(h, "done"));
}

TEST(Batches, IsKeptAsLongAsItsMembersAndADay) {
  Harness h;
  h.must(h.requests.queue_config(
      "q", json::View(R"({"retention":{"completed_ms":1000,"failed_ms":1000}})")));
  create(h, members(2));
  h.complete(h.lease_one());
  h.complete(h.lease_one());
  h.advance(2s);
  h.tick();
  EXPECT_EQ(h.number("SELECT count(*) FROM job_members"), 0);
  EXPECT_EQ(counted(h, "completed"), "2") << "what they were is still counted";
  EXPECT_EQ(state(h), "succeeded");
  h.advance(kBatchKept);
  h.tick();
  EXPECT_EQ(h.number("SELECT count(*) FROM job_batches"), 0);
  EXPECT_EQ(h.number("SELECT count(*) FROM job_batch_queues"), 0);
  EXPECT_FALSE(h.machine->next_due().has_value());
}

TEST(Batches, WithDeadMembersItIsKept) {
  Harness h;
  create(h, members(1) + kCallbacks);
  fail_next(h);
  h.advance(std::chrono::hours(24 * 30));
  h.tick();
  EXPECT_EQ(state(h), "failed");
}

TEST(Batches, TheSameIdIsAnsweredAgain) {
  Harness h;
  create(h, members(1));
  const auto again = create(h, members(1));
  EXPECT_TRUE(is_duplicate(again));
  EXPECT_EQ(text(again, "total"), "1");
}

TEST(Batches, AnIdempotencyKeyGivesTheFirstAnswer) {
  Harness h;
  const Idempotency once{.key = "k", .by = "me", .digest = "d"};
  const json::View body(R"({"name":"n"})");
  const auto first = h.must(h.requests.batch_create(body, once));
  const auto again = h.must(h.requests.batch_create(body, once));
  EXPECT_EQ(text(again, "id"), text(first, "id"));
  EXPECT_TRUE(is_duplicate(again));
  EXPECT_EQ(h.number("SELECT count(*) FROM job_batches"), 1);
}

TEST(Batches, AKnownJobAndTheHolderOfAUniqueKeyDoNotJoin) {
  Harness h;
  create(h);
  h.submit(plain("old"));
  h.submit(plain("held", R"(,"unique":{"key":"k"})"));
  h.submit(in_batch("old"));
  h.submit(in_batch("new", R"(,"unique":{"key":"k"})"));
  EXPECT_EQ(text(show(h), "total"), "0");
}

TEST(Batches, AnAtomicSubmitIsRefusedWhole) {
  Harness h;
  create(h, members(1));
  const auto body = R"({"atomic":true,"jobs":[)" + plain("x") + "," + in_batch("y") + "]}";
  const auto batch = h.requests.submit_batch(json::View(body)).value();
  EXPECT_EQ(h.refused(batch.parts[0].operation).reason, "batch_sealed");
  EXPECT_FALSE(exists(h, "x"));
  const auto loose = R"({"jobs":[)" + plain("x") + "," + in_batch("y") + "]}";
  const auto reply = h.must(h.requests.submit_batch(json::View(loose)).value().parts[0].operation);
  EXPECT_THAT(reply, HasSubstr("batch_sealed"));
  EXPECT_TRUE(exists(h, "x"));
}

TEST(Batches, ARefusedBatchLeavesNothing) {
  Harness h;
  const json::View body(R"({"id":"b","jobs":[{"id":"x","queue":"q","depends_on":["nobody"]}]})");
  EXPECT_EQ(h.refused(h.requests.batch_create(body)).reason, "parent_not_found");
  EXPECT_EQ(h.number("SELECT count(*) FROM job_batches"), 0);
}

TEST(Batches, UnknownOnesAreNotFound) {
  Harness h;
  EXPECT_EQ(h.refused(h.requests.submit(json::View(in_batch("x")))).reason, "batch_not_found");
  EXPECT_EQ(h.refused(h.requests.batch_seal("b", json::View())).reason, "batch_not_found");
  EXPECT_EQ(h.refused(h.requests.batch_cancel("b", json::View())).reason, "batch_not_found");
}

TEST(Batches, TheEndIsAnEventOfItsFirstQueue) {
  Harness h;
  h.listens = true;
  h.must(h.requests.queue_config("q", json::View(R"({"events":true})")));
  create(h, members(1) + kCallbacks);
  h.complete(h.lease_one());
  const auto found = std::find_if(h.effects.begin(), h.effects.end(), [](const auto& effect) {
    return effect.subject == "weir.events.q.batch_succeeded";
  });
  ASSERT_NE(found, h.effects.end());
  EXPECT_EQ(text(found->body, "type"), "weir.batch.succeeded");
  EXPECT_EQ(text(found->body, "subject"), "b");
  EXPECT_EQ(text(json::View(found->body).find("data").find("total")), "1");
  EXPECT_THAT(h.published, testing::Contains(HasSubstr("weir.batch.succeeded")));
}

}  // namespace
}  // namespace weir::jobs
