// Submitting, and what owners and operators do to jobs and queues.
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

TEST(Submit, AnswersWhatWasMade) {
  Harness h;
  const auto reply = h.must(h.requests.submit(json::View(R"({"queue":"q","payload":{"a":1}})")));
  EXPECT_THAT(reply, HasSubstr(R"("status":"unprocessed","queue":"q",)"
                               R"("created_at":"2023-11-14T22:13:20.000Z","revision":1})"));
  EXPECT_EQ(text(reply, "id").size(), 36U);
  EXPECT_FALSE(is_duplicate(reply));
  EXPECT_EQ(h.member(text(reply, "id"), "payload"), R"({"a":1})");
}

TEST(Submit, AnIdThatIsThereAnswersTheJob) {
  Harness h;
  h.submit(plain("j", ",\"payload\":1"));
  h.complete(h.lease_one());
  h.advance(1s);
  const auto reply = h.must(
      h.requests.submit(json::View(R"({"id":"j","queue":"other","payload":2,"delay_ms":1000})")));
  EXPECT_TRUE(is_duplicate(reply));
  EXPECT_EQ(text(reply, "status"), "completed");
  EXPECT_EQ(text(reply, "queue"), "q");
  EXPECT_EQ(text(reply, "created_at"), "2023-11-14T22:13:20.000Z");
  EXPECT_EQ(h.member("j", "payload"), "1");
  EXPECT_EQ(h.total(Total::duplicates), 1);
  EXPECT_EQ(h.total(Total::submitted), 1);
  h.expect_counts_true();
}

TEST(Submit, RunAtInThePastIsNow) {
  Harness h;
  h.submit(plain("past", R"(,"run_at":"2020-01-01T00:00:00Z")"));
  EXPECT_EQ(h.status("past"), "unprocessed");
  h.submit(plain("future", R"(,"run_at":"2023-11-14T22:14:20Z")"));
  EXPECT_EQ(h.status("future"), "scheduled");
  EXPECT_EQ(to_unix_ms(*h.machine->next_due()), to_unix_ms(h.clock.wall()) + 60'000);
}

TEST(Submit, BatchResultsKeepTheOrder) {
  Harness h;
  h.submit(plain("b"));
  const auto body = "{\"jobs\":[" + plain("a") + "," + plain("b") + "," + plain("a") + "," +
                    plain("c", ",\"delay_ms\":1") + "]}";
  const auto batch = h.requests.submit_batch(json::View(body)).value();
  ASSERT_THAT(batch.parts, SizeIs(1));
  EXPECT_EQ(h.must(batch.parts[0].operation),
            R"({"results":[{"id":"a","status":"unprocessed"},)"
            R"({"id":"b","status":"unprocessed","duplicate":true},)"
            R"({"id":"a","status":"unprocessed","duplicate":true},)"
            R"({"id":"c","status":"scheduled"}],"revision":2})");
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs"), 3);
}

TEST(Submit, TooManyQueuesIsRefused) {
  Harness h;
  std::vector<replica::Operation> operations;
  for (std::size_t i = 0; i < kMaxQueues; ++i) {
    const auto body = "{\"queue\":\"q" + std::to_string(i) + "\"}";
    operations.push_back(h.requests.submit(json::View(body)).value());
  }
  for (const auto& reply : h.apply_all(operations)) ASSERT_TRUE(reply);
  const auto error = h.refused(h.requests.submit(json::View(R"({"queue":"more"})")));
  EXPECT_EQ(error.reason, "too_many_queues");
  EXPECT_EQ(error.code, Code::too_many_requests);
  const json::View jobs(R"({"jobs":[{"queue":"q1"},{"queue":"more"}],"atomic":true})");
  EXPECT_EQ(h.refused(h.requests.submit_batch(jobs).value().parts[0].operation).reason,
            "too_many_queues");
  const json::View loose(R"({"jobs":[{"queue":"q1"},{"queue":"more"}]})");
  const auto reply = h.must(h.requests.submit_batch(loose).value().parts[0].operation);
  EXPECT_THAT(reply, HasSubstr(R"("code":429,"reason":"too_many_queues")"));
}

TEST(Manage, UnknownJobsAndQueues) {
  Harness h;
  const auto none = json::View();
  for (const auto& operation :
       {h.requests.cancel("x", none), h.requests.retry("x", none), h.requests.promote("x", none),
        h.requests.remove("x"), h.requests.remove("no such id")}) {
    const auto error = h.refused(operation);
    EXPECT_EQ(error.reason, "job_not_found");
    EXPECT_EQ(error.code, Code::not_found);
  }
  for (const auto& operation :
       {h.requests.pause("x"), h.requests.resume("x"), h.requests.purge("x"),
        h.requests.queue_remove("x"), h.requests.dlq_redrive(json::View(R"({"queue":"x"})"))}) {
    EXPECT_EQ(h.refused(operation).reason, "queue_not_found");
  }
}

TEST(Manage, WrongStatusIsAConflict) {
  Harness h;
  const auto none = json::View();
  h.submit(plain("ready"));
  h.submit(plain("done", ",\"priority\":9"));
  h.complete(h.lease_one());
  struct Case {
    Result<replica::Operation> operation;
    std::string reason;
  };
  for (const auto& [operation, reason] :
       {Case{h.requests.cancel("done", none), "job_not_cancellable"},
        Case{h.requests.retry("done", none), "job_not_retryable"},
        Case{h.requests.retry("ready", none), "job_not_retryable"},
        Case{h.requests.retry("ready", json::View(R"({"as_new":true})")), "job_not_retryable"},
        Case{h.requests.promote("ready", none), "job_not_scheduled"},
        Case{h.requests.remove("ready"), "job_not_finished"},
        Case{h.requests.queue_remove("q"), "queue_not_empty"}}) {
    const auto error = h.refused(operation);
    EXPECT_EQ(error.reason, reason);
    EXPECT_EQ(error.code, Code::conflict);
  }
}

TEST(Manage, CancellingTwiceIsFine) {
  Harness h;
  h.submit(plain("j"));
  h.must(h.requests.cancel("j", json::View()));
  EXPECT_THAT(h.must(h.requests.cancel("j", json::View())), HasSubstr("\"cancelled\""));
  EXPECT_EQ(h.total(Total::cancelled), 1);
}

TEST(Manage, RetryBeginsAfresh) {
  Harness h;
  h.submit(plain("j", R"(,"max_attempts":1,"payload":5)"));
  h.fail(h.lease_one());
  ASSERT_EQ(h.status("j"), "dlq");
  h.must(h.requests.retry("j", json::View()));
  EXPECT_EQ(h.member("j", "error"), "null");
  EXPECT_EQ(h.member("j", "finished_at"), "null");
  EXPECT_EQ(text(h.lease("q")[0].find("attempt")), "1");
  EXPECT_THAT(list(h.job("j"), "attempts"), SizeIs(2));
}

TEST(Manage, RetryAsNewCopies) {
  Harness h;
  const std::string payload(5'000, 'p');
  h.submit(plain(
      "j", R"(,"type":"t","key":"k","priority":8,"tags":["x"],"payload":")" + payload + "\""));
  h.complete(h.lease_one());
  const auto reply = h.must(h.requests.retry("j", json::View(R"({"as_new":true})")));
  const auto id = text(reply, "id");
  EXPECT_NE(id, "j");
  EXPECT_EQ(h.status("j"), "completed");
  EXPECT_EQ(h.status(id), "unprocessed");
  for (const auto* name : {"type", "key", "priority", "tags", "payload"}) {
    EXPECT_EQ(h.member(id, name), h.member("j", name)) << name;
  }
}

TEST(Manage, RemovingAJobLeavesNothing) {
  Harness h;
  const std::string big(3'000, 'b');
  h.submit(plain("j", ",\"payload\":\"" + big + "\""));
  h.fail(h.lease_one(), R"({"retry_after_ms":0,"error":{"message":")" + big + "\"}}");
  const auto body = "{\"result\":\"" + big + "\"}";
  h.must(h.requests.complete(h.lease_one(), json::View(body)));
  h.must(h.requests.remove("j"));
  EXPECT_EQ(h.number("SELECT count(*) FROM job_blobs"), 0);
  EXPECT_EQ(h.number("SELECT count(*) FROM job_attempts"), 0);
  h.must(h.requests.queue_remove("q"));
  EXPECT_EQ(h.number("SELECT count(*) FROM job_counts WHERE queue>0"), 0);
  EXPECT_TRUE(h.machine->stats().snapshot().queues.empty());
}

// A row number is never used twice, so an old token cannot meet another job.
TEST(Manage, RowsAreNotReused) {
  Harness h;
  h.submit(plain("a"));
  const auto token = h.lease_one();
  h.complete(token);
  h.must(h.requests.remove("a"));
  h.restart();
  h.submit(plain("b"));
  EXPECT_EQ(h.number("SELECT row FROM jobs WHERE id='b'"), 2);
}

TEST(Purge, StepsUntilNothingIsLeft) {
  Harness h;
  std::string body = "{\"jobs\":[";
  for (int i = 0; i < 6'000; ++i) {
    body += std::string(i > 0 ? "," : "") +
            "{\"queue\":\"q\",\"priority\":" + std::to_string(i % 10) +
            (i % 100 == 0 ? ",\"delay_ms\":5000}" : "}");
  }
  body += "]}";
  const auto batch = h.requests.submit_batch(json::View(body)).value();
  for (const auto& part : batch.parts) h.must(part.operation);
  h.lease_one();
  std::optional<replica::Operation> next = h.requests.purge("q").value();
  std::int64_t purged = 0;
  int steps = 0;
  while (next) {
    const auto step = next_step(*next, h.must(*next));
    purged += step.done;
    next = step.next;
    if (++steps == 1) h.submit(plain("late"));
  }
  EXPECT_EQ(steps, 2);
  EXPECT_EQ(purged, 5'999);
  EXPECT_EQ(h.status("late"), "unprocessed");
  EXPECT_EQ(h.count(Status::processing), 1);
  h.expect_counts_true();
}

TEST(DeadLetters, RedriveByIdAndByQueue) {
  Harness h;
  for (const auto* id : {"a", "b", "c"}) make_dead(h, id);
  h.submit(plain("live"));
  EXPECT_THAT(h.must(h.requests.dlq_redrive(json::View(R"({"filter":{"ids":["b","live","x"]}})"))),
              HasSubstr(R"("redriven":1,"missing":2,"more":false)"));
  EXPECT_EQ(h.status("b"), "unprocessed");
  EXPECT_THAT(h.must(h.requests.dlq_redrive(json::View(R"({"queue":"q"})"))),
              HasSubstr(R"("redriven":2)"));
  EXPECT_EQ(h.count(Status::dlq), 0);
  h.expect_counts_true();
}

TEST(DeadLetters, Purge) {
  Harness h;
  for (const auto* id : {"a", "b"}) make_dead(h, id);
  EXPECT_THAT(h.must(h.requests.dlq_purge(json::View(R"({"ids":["a"]})"))),
              HasSubstr(R"("purged":1)"));
  EXPECT_THAT(h.must(h.requests.dlq_purge(json::View(R"({"queue":"q"})"))),
              HasSubstr(R"("purged":1)"));
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs"), 0);
}

// --- the machine itself --------------------------------------------------------------------------

TEST(Machine, RefusesUnknownOperations) {
  Harness h;
  const auto error = h.refused(replica::Operation{"jobs.fly", "{}"});
  EXPECT_EQ(error.code, Code::internal);
  EXPECT_EQ(error.reason, "unknown_operation");
}

TEST(Machine, MigrationsRunOnce) {
  Harness h;
  h.submit(plain("j"));
  h.restart();
  h.restart();
  EXPECT_EQ(h.status("j"), "unprocessed");
}

TEST(Machine, ARolledBackTransactionLeavesNoTrace) {
  Harness h;
  h.submit(plain("a"));
  const auto before = h.dump();
  const std::function<void(replica::Effect)> none = [](const replica::Effect&) {};
  class Silent final : public replica::Outbound {
    void deliver(std::string_view, std::string_view, std::string) override {}
    void touch(std::string_view) override {}
    bool anyone_watches() const override { return false; }
  } outbound;
  const auto failed = h.db->transaction([&]() -> Result<void> {
    replica::ApplyContext context{*h.db, 99, h.clock.wall(), true, outbound, none};
    const auto operation = h.requests.submit(json::View(R"({"queue":"new"})")).value();
    h.machine->apply(operation, json::View(operation.body), context).value();
    throw sqlite::Failure{Error{Code::out_of_space, "disk_full", "full", {}}};
  });
  ASSERT_FALSE(failed);
  h.db->read([&]() -> Result<void> {
        h.machine->open(*h.db);
        return {};
      })
      .value();
  EXPECT_EQ(h.dump(), before);
  h.submit(plain("b"));
  h.expect_counts_true();
}

TEST(Stats, ShowQueuesWorkersAndTotals) {
  Harness h;
  h.submit(plain("a"));
  h.submit(plain("b", ",\"delay_ms\":1000"));
  h.lease_one();
  h.park("waiting");
  auto stats = h.machine->stats().snapshot();
  EXPECT_EQ(stats.total(), 2);
  EXPECT_EQ(stats.waiting(), 1);
  EXPECT_EQ(stats.waiters, 1);
  ASSERT_THAT(stats.queues, SizeIs(1));
  EXPECT_EQ(stats.queues[0].name, "q");
  ASSERT_THAT(stats.workers, SizeIs(2));
  EXPECT_EQ(stats.workers[0].name, "w1");
  EXPECT_EQ(stats.workers[0].running, 1);
  EXPECT_EQ(stats.totals[static_cast<std::size_t>(Total::leased)], 1);
  h.restart();
  stats = h.machine->stats().snapshot();
  EXPECT_EQ(stats.total(), 2);
  ASSERT_THAT(stats.workers, SizeIs(2));
  EXPECT_EQ(stats.workers[0].running, 1);
  h.advance(kWorkerKept + 1ms);
  h.tick();
  h.advance(kWorkerKept + 1ms);
  h.tick();
  EXPECT_THAT(h.machine->stats().snapshot().workers, SizeIs(0));
}

}  // namespace
}  // namespace weir::jobs
