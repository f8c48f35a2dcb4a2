// Leasing, fencing and what workers say.
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Lease, HigherPriorityFirstThenInOrder) {
  Harness h;
  submit(h, "a");
  submit(h, "b", "q", ",\"priority\":9");
  submit(h, "c", "q", ",\"priority\":0");
  submit(h, "d");
  submit(h, "e", "q", ",\"priority\":9");
  EXPECT_THAT(ids_of(h.lease("q", ",\"max\":3")), ElementsAre("b", "e", "a"));
  EXPECT_THAT(ids_of(h.lease("q", ",\"max\":3")), ElementsAre("d", "c"));
  EXPECT_THAT(h.lease("q", ",\"max\":3"), IsEmpty());
}

TEST(Lease, SeveralQueuesInTheOrderNamed) {
  Harness h;
  submit(h, "a", "low", ",\"priority\":9");
  submit(h, "b", "high", ",\"priority\":0");
  submit(h, "c", "high", ",\"priority\":1");
  EXPECT_THAT(ids_of(h.lease("high,absent,low", ",\"max\":10")), ElementsAre("c", "b", "a"));
}

TEST(Lease, ShowsTheWholeJob) {
  Harness h;
  h.submit(R"({"id":"j","queue":"q","type":"say \"hi\"","key":"k","priority":7,"max_attempts":3,
               "payload":{"a":[1, 2]},"tags":["t"],"metadata":{"m":1},"headers":{"h":"v"}})");
  const auto jobs = h.lease("q", ",\"lease_ms\":\"1m\"");
  ASSERT_THAT(jobs, SizeIs(1));
  const auto job = jobs[0];
  EXPECT_EQ(text(job.find("type")), "say \"hi\"");
  EXPECT_EQ(text(job.find("payload")), R"({"a":[1, 2]})");
  EXPECT_EQ(text(job.find("deadline")), "2023-11-14T22:14:20.000Z");
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"id", "j"},
                                                        {"queue", "q"},
                                                        {"attempt", "1"},
                                                        {"max_attempts", "3"},
                                                        {"priority", "7"},
                                                        {"key", "k"},
                                                        {"checkpoint", "null"},
                                                        {"tags", R"(["t"])"},
                                                        {"metadata", R"({"m":1})"},
                                                        {"headers", R"({"h":"v"})"}}) {
    EXPECT_EQ(text(job.find(name)), value) << name;
  }
  EXPECT_EQ(h.status("j"), "processing");
  EXPECT_EQ(h.member("j", "worker"), "\"w1\"");
}

TEST(Lease, LengthIsOfTheRequestThenTheJobThenTheQueue) {
  Harness h;
  h.must(h.requests.queue_config("q", json::View(R"({"lease_ms":5000})")));
  submit(h, "queue");
  submit(h, "job", "q", ",\"lease_ms\":7000");
  submit(h, "request", "q", ",\"lease_ms\":7000");
  EXPECT_EQ(text(h.lease("q")[0].find("deadline")), "2023-11-14T22:13:25.000Z");
  EXPECT_EQ(text(h.lease("q")[0].find("deadline")), "2023-11-14T22:13:27.000Z");
  EXPECT_EQ(text(h.lease("q", ",\"lease_ms\":9000")[0].find("deadline")),
            "2023-11-14T22:13:29.000Z");
}

TEST(Lease, LargePayloadsBoundTheReply) {
  Harness h;
  const std::string payload(900'000, 'x');
  for (int i = 0; i < 12; ++i) {
    submit(h, "j" + std::to_string(i), "q", ",\"payload\":\"" + payload + "\"");
  }
  EXPECT_THAT(h.lease("q", ",\"max\":100"), SizeIs(10));
  const auto rest = h.lease("q", ",\"max\":100");
  ASSERT_THAT(rest, SizeIs(2));
  EXPECT_EQ(rest[0].find("payload").raw().size(), payload.size() + 2);
}

// --- fencing -------------------------------------------------------------------------------------

TEST(Fencing, OnlyTheNewestLeaseCounts) {
  Harness h;
  submit(h, "j");
  const auto old = h.lease_one();
  h.advance(30s);
  h.tick();
  h.must(h.requests.promote("j", json::View()));
  const auto fresh = h.lease_one();
  ASSERT_NE(old, fresh);
  for (const auto& operation :
       {h.requests.complete(old, json::View()), h.requests.fail(old, json::View()),
        h.requests.release(old, json::View()), h.requests.heartbeat(old, json::View())}) {
    const auto error = h.refused(operation);
    EXPECT_EQ(error.reason, "lease_lost");
    EXPECT_EQ(error.code, Code::conflict);
  }
  h.complete(fresh);
  EXPECT_EQ(h.status("j"), "completed");
  EXPECT_EQ(h.refused(h.requests.complete(fresh, json::View())).reason, "lease_lost");
}

TEST(Fencing, MalformedAndForgedTokensAreLost) {
  Harness h;
  submit(h, "j");
  const auto token = h.lease_one();
  const auto nonce = token.rfind('.') + 1;
  for (const auto& bad :
       {std::string(), std::string("x"), std::string("1.1"), std::string("1.1.1.1"),
        std::string("-1.1.1"), std::string("zzzzzzzzzzzzzzzzzzzzzz.1.1"), std::string("1..1"),
        std::string("\"\\\n"), token + "0", token.substr(0, nonce) + "1", "9" + token,
        token.substr(0, token.size() - 1)}) {
    EXPECT_EQ(h.refused(h.requests.complete(bad, json::View())).reason, "lease_lost") << bad;
  }
  h.complete(token);
}

// --- what workers say ----------------------------------------------------------------------------

TEST(Worker, ReleaseDoesNotCountTheAttempt) {
  Harness h;
  submit(h, "j", "q", ",\"max_attempts\":1");
  for (int i = 0; i < 3; ++i) h.must(h.requests.release(h.lease_one(), json::View()));
  EXPECT_EQ(h.member("j", "attempt"), "0");
  EXPECT_EQ(text(h.lease("q")[0].find("attempt")), "1");
  EXPECT_EQ(h.total(Total::released), 3);
  h.advance(30s);
  h.tick();
  EXPECT_EQ(h.status("j"), "dlq");
}

TEST(Worker, FailureRetriesWithBackoffUntilAttemptsAreUsedUp) {
  Harness h;
  h.submit(R"({"id":"j","queue":"q","max_attempts":3,"payload":{"p":1},"type":"t",
               "backoff":{"kind":"linear","delay_ms":1000,"jitter":0}})");
  for (int attempt = 1; attempt < 3; ++attempt) {
    h.fail(h.lease_one(), R"({"error":{"message":"no","type":"T"}})");
    EXPECT_EQ(h.status("j"), "scheduled");
    EXPECT_EQ(to_unix_ms(*h.machine->next_due()), to_unix_ms(h.clock.wall()) + attempt * 1000);
    h.advance(Millis{attempt * 1000 - 1});
    h.tick();
    EXPECT_EQ(h.status("j"), "scheduled");
    h.advance(1ms);
    h.tick();
    EXPECT_EQ(h.status("j"), "unprocessed");
  }
  h.fail(h.lease_one(), R"({"error":"last"})");
  EXPECT_EQ(h.status("j"), "dlq");
  EXPECT_EQ(h.member("j", "error"), R"({"message":"last"})");
  EXPECT_THAT(list(h.job("j"), "attempts"), SizeIs(3));
  ASSERT_THAT(h.effects, SizeIs(1));
  EXPECT_EQ(h.effects[0].subject, "weir.dlq.q");
  EXPECT_EQ(h.effects[0].body,
            R"({"job_id":"j","queue":"q","type":"t","payload":{"p":1},"error":{"message":"last"},)"
            R"("attempts":3,"dead_at":"2023-11-14T22:13:23.000Z"})");
  EXPECT_THAT(h.touched, ElementsAre("job:j"));
}

TEST(Worker, RetryAfterAndRetryFalse) {
  Harness h;
  submit(h, "later");
  h.fail(h.lease_one(), R"({"retry_after_ms":"5m"})");
  EXPECT_EQ(h.member("later", "run_at"), "\"2023-11-14T22:18:20.000Z\"");
  submit(h, "never");
  h.fail(h.lease_one(), R"({"retry":false,"error":{"message":"bad input"}})");
  EXPECT_EQ(h.status("never"), "dlq");
}

TEST(Worker, AQueueWithoutDeadLettersEndsAsFailed) {
  Harness h;
  h.must(h.requests.queue_config("q", json::View(R"({"dlq":false,"max_attempts":1})")));
  submit(h, "j");
  h.fail(h.lease_one());
  EXPECT_EQ(h.status("j"), "failed");
  EXPECT_THAT(h.effects, IsEmpty());
  EXPECT_EQ(h.total(Total::failed), 1);
}

TEST(Worker, ExpiryIsAFailedAttempt) {
  Harness h;
  submit(h, "j");
  h.lease("q", ",\"lease_ms\":1000");
  EXPECT_EQ(to_unix_ms(*h.machine->next_due()), to_unix_ms(h.clock.wall()) + 1000);
  h.advance(999ms);
  h.tick();
  EXPECT_EQ(h.status("j"), "processing");
  h.advance(1ms);
  EXPECT_EQ(h.tick(), R"({"expired":1,"due":0,"removed":0})");
  EXPECT_EQ(h.status("j"), "scheduled");
  const auto detail = h.job("j");
  EXPECT_EQ(text(list(detail, "attempts")[0].find("outcome")), "lease_expired");
  EXPECT_EQ(text(json::View(detail).find("error").find("type")), "lease_expired");
  EXPECT_EQ(h.total(Total::expired), 1);
}

TEST(Worker, HeartbeatExtendsAndKeepsWhatItSays) {
  Harness h;
  submit(h, "j");
  const auto token = text(h.lease("q", ",\"lease_ms\":1000")[0].find("lease"));
  h.advance(900ms);
  EXPECT_EQ(h.must(h.requests.heartbeat(
                token, json::View(R"({"progress":0.5,"message":"half","checkpoint":{"at":7}})"))),
            R"({"ok":true,"deadline":"2023-11-14T22:13:21.900Z","cancel":false})");
  h.advance(900ms);
  h.tick();
  h.must(h.requests.heartbeat(token, json::View(R"({"progress":0.7})")));
  EXPECT_EQ(h.status("j"), "processing");
  EXPECT_EQ(h.member("j", "progress"), "0.7");
  EXPECT_EQ(h.member("j", "message"), "\"half\"");
  h.restart();
  h.must(h.requests.release(token, json::View()));
  EXPECT_EQ(text(h.lease("q")[0].find("checkpoint")), R"({"at":7})");
}

TEST(Worker, ResultsOfEverySizeAreKept) {
  Harness h;
  for (const std::size_t bytes : {0U, 10U, 2'000U, 500'000U}) {
    const auto id = "j" + std::to_string(bytes);
    submit(h, id);
    const auto result = '"' + std::string(bytes, 'r') + '"';
    const auto body = "{\"result\":" + result + "}";
    h.must(h.requests.complete(h.lease_one(), json::View(body)));
    EXPECT_EQ(h.member(id, "result"), result);
  }
  submit(h, "none");
  h.complete(h.lease_one());
  EXPECT_EQ(h.member("none", "result"), "null");
}

TEST(Worker, WorkAnswersEachItemInOrder) {
  Harness h;
  for (const auto* id : {"a", "b", "c", "d", "e"}) submit(h, id);
  const auto jobs = h.lease("q", ",\"max\":4");
  std::vector<std::string> tokens;
  for (const auto job : jobs) tokens.push_back(text(job.find("lease")));
  const auto reply = h.work(R"({"worker":"w1","complete":[{"lease":")" + tokens[0] +
                            R"(","result":1},{"lease":"0.0.0"}],"fail":[{"lease":")" + tokens[1] +
                            R"(","error":{"message":"x"}}],"release":[")" + tokens[2] +
                            R"("],"heartbeat":[{"lease":")" + tokens[3] +
                            R"("}],"lease":{"queues":["q"],"max":5}})");
  const auto complete = list(reply, "complete");
  ASSERT_THAT(complete, SizeIs(2));
  EXPECT_EQ(complete[0].raw(), R"({"ok":true})");
  EXPECT_EQ(text(complete[1].find("reason")), "lease_lost");
  EXPECT_EQ(text(complete[1].find("code")), "409");
  EXPECT_EQ(list(reply, "fail")[0].raw(), R"({"ok":true})");
  EXPECT_EQ(list(reply, "release")[0].raw(), R"({"ok":true})");
  EXPECT_EQ(text(list(reply, "heartbeat")[0].find("cancel")), "false");
  EXPECT_THAT(ids_of(list(reply, "jobs")), ElementsAre("c", "e"));
  h.expect_counts_true();
}

// --- cancelling what runs ------------------------------------------------------------------------

TEST(CancelRunning, TheFlagReachesTheWorker) {
  Harness h;
  submit(h, "j");
  const auto token = h.lease_one();
  EXPECT_THAT(h.must(h.requests.cancel("j", json::View())), HasSubstr("\"cancel_requested\":true"));
  EXPECT_EQ(h.status("j"), "processing");
  h.restart();
  EXPECT_THAT(h.must(h.requests.heartbeat(token, json::View())), HasSubstr("\"cancel\":true"));
  h.must(h.requests.release(token, json::View()));
  EXPECT_EQ(h.status("j"), "cancelled");
  EXPECT_THAT(h.touched, ElementsAre("job:j"));
}

TEST(CancelRunning, FailureEndsItAndCompletionWins) {
  Harness h;
  submit(h, "fails");
  auto token = h.lease_one();
  h.must(h.requests.cancel("fails", json::View()));
  h.fail(token);
  EXPECT_EQ(h.status("fails"), "cancelled");
  submit(h, "completes");
  token = h.lease_one();
  h.must(h.requests.cancel("completes", json::View()));
  h.complete(token);
  EXPECT_EQ(h.status("completes"), "completed");
  EXPECT_EQ(h.member("completes", "cancel_requested"), "false");
}

TEST(CancelRunning, HeartbeatsDoNotOutliveTheGrace) {
  Harness h;
  submit(h, "j");
  const auto token = text(h.lease("q", ",\"lease_ms\":10000")[0].find("lease"));
  h.must(h.requests.cancel("j", json::View()));
  for (int i = 0; i < 5; ++i) {
    h.advance(5s);
    h.tick();
    h.must(h.requests.heartbeat(token, json::View()));
  }
  h.must(h.requests.cancel("j", json::View()));  // again: the grace is not extended
  h.advance(5s);
  h.tick();
  EXPECT_EQ(h.status("j"), "cancelled");
  EXPECT_EQ(h.refused(h.requests.heartbeat(token, json::View())).reason, "lease_lost");
}

// Nobody could send a heartbeat while the log could not be written.
TEST(Outage, LeasesGetTheTimeBack) {
  Harness h;
  submit(h, "j");
  const auto token = text(h.lease("q", ",\"lease_ms\":10000")[0].find("lease"));
  h.advance(4s);
  h.must(h.requests.heartbeat(token, json::View()));
  h.stand_still(60s);
  h.tick();
  EXPECT_EQ(h.status("j"), "processing");
  EXPECT_EQ(*h.machine->next_due(), h.clock.wall() + 10s) << "no longer than after a heartbeat";
  const auto before = h.dump();
  h.restart();
  EXPECT_EQ(h.dump(), before);
  EXPECT_EQ(*h.machine->next_due(), h.clock.wall() + 10s);
  h.complete(token);
  EXPECT_EQ(h.status("j"), "completed");
  h.expect_counts_true();
}

TEST(Outage, OnlyAsMuchAsWasLost) {
  Harness h;
  submit(h, "short");
  submit(h, "long");
  h.lease("q", ",\"lease_ms\":1000");
  h.lease("q", ",\"lease_ms\":600000");
  h.stand_still(5s);
  h.tick();
  EXPECT_EQ(*h.machine->next_due(), h.clock.wall() + 1s);
  h.advance(1s);
  h.tick();
  EXPECT_NE(h.status("short"), "processing") << "nobody used the time";
  EXPECT_EQ(h.member("long", "status"), "\"processing\"");
  h.advance(599s);
  h.tick();
  EXPECT_NE(h.status("long"), "processing");
}

// A log that is silent because nobody has anything to write.
TEST(Outage, SilenceIsNone) {
  Harness h;
  submit(h, "j");
  h.lease("q", ",\"lease_ms\":10000");
  h.stand_still(11s);  // the tick comes a second late, as after a change of the leader
  h.tick();
  EXPECT_NE(h.status("j"), "processing");
}

TEST(Outage, ATimeoutIsNotExtended) {
  Harness h;
  submit(h, "j", "q", ",\"timeout_ms\":20000,\"max_attempts\":1");
  h.lease("q", ",\"lease_ms\":10000");
  h.stand_still(30s);
  h.tick();
  EXPECT_EQ(h.status("j"), "dlq");
}

}  // namespace
}  // namespace weir::jobs
