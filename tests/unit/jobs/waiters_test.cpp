// Parked lease requests: who is served, when, and with what.
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> delivered(const Delivery& delivery) {
  return ids_of(list(delivery.json, "jobs"));
}

TEST(Waiters, ASubmitGoesToTheOldestWaiter) {
  Harness h;
  EXPECT_TRUE(h.park("first"));
  EXPECT_TRUE(h.park("second"));
  submit(h, "a");
  submit(h, "b");
  submit(h, "c");
  ASSERT_THAT(h.deliveries, SizeIs(2));
  EXPECT_EQ(h.deliveries[0].node, "n1");
  EXPECT_EQ(h.deliveries[0].waiter, "first");
  EXPECT_THAT(delivered(h.deliveries[0]), ElementsAre("a"));
  EXPECT_EQ(h.deliveries[1].waiter, "second");
  EXPECT_EQ(h.status("c"), "unprocessed");
  EXPECT_FALSE(h.park("third"));
}

TEST(Waiters, ABatchFillsOneWaiterAfterTheOther) {
  Harness h;
  h.park("first", "q", ",\"max\":2");
  h.park("second", "q", ",\"max\":2");
  std::string body = "{\"jobs\":[";
  for (const auto* id : {"a", "b", "c"}) {
    body += std::string(body.back() == '[' ? "" : ",") + "{\"queue\":\"q\",\"id\":\"" + id + "\"}";
  }
  h.must(h.requests.submit_batch(json::View(body + "]}")).value().parts.at(0).operation);
  ASSERT_THAT(h.deliveries, SizeIs(2));
  EXPECT_THAT(delivered(h.deliveries[0]), ElementsAre("a", "b"));
  EXPECT_THAT(delivered(h.deliveries[1]), ElementsAre("c"));
}

TEST(Waiters, EverythingThatMakesAJobReadyServesThem) {
  const std::vector<std::pair<std::string, std::function<void(Harness&)>>> causes{
      {"due",
       [](Harness& h) {
         h.advance(30s);
         h.tick();
       }},
      {"promote", [](Harness& h) { h.must(h.requests.promote("later", json::View())); }},
      {"retry", [](Harness& h) { h.must(h.requests.retry("dead", json::View())); }},
      {"redrive",
       [](Harness& h) { h.must(h.requests.dlq_redrive(json::View(R"({"queue":"q"})"))); }},
      {"resume", [](Harness& h) { h.must(h.requests.resume("paused")); }},
  };
  for (const auto& [name, cause] : causes) {
    SCOPED_TRACE(name);
    Harness h;
    submit(h, "dead");
    h.fail(h.lease_one(), R"({"retry":false})");
    submit(h, "later", "q", ",\"delay_ms\":30000");
    submit(h, "held", "paused");
    h.must(h.requests.pause("paused"));
    const auto body = R"({"worker":"w","wait_ms":60000,"max":1})";
    h.must(h.requests.lease("q,paused", json::View(body), {"n1", "w"}).value().operation);
    ASSERT_THAT(h.deliveries, IsEmpty());
    cause(h);
    EXPECT_THAT(h.deliveries, SizeIs(1));
    h.expect_counts_true();
  }
}

TEST(Waiters, ReleasedJobsGoToThem) {
  Harness h;
  submit(h, "j");
  const auto token = h.lease_one();
  h.park("waiting");
  h.work(R"({"worker":"w1","release":[{"lease":")" + token +
         R"("}],"lease":{"queues":["q"],"max":1}})");
  ASSERT_THAT(h.deliveries, SizeIs(1));
  EXPECT_EQ(h.deliveries[0].waiter, "waiting");
}

TEST(Waiters, OfSeveralQueuesAreServedOnce) {
  Harness h;
  h.park("w", "a,b");
  submit(h, "1", "b");
  submit(h, "2", "a");
  EXPECT_THAT(h.deliveries, SizeIs(1));
  EXPECT_EQ(h.status("2"), "unprocessed");
}

TEST(Waiters, ExpiredClosedAndForgottenOnesGetNothing) {
  Harness h;
  h.park("expired");
  h.advance(30s);
  h.park("closed");
  h.park("restarted", "q", "", "n2");
  h.park("alive");
  h.must(waiter_close({"n1", "closed"}));
  h.must(waiter_close({"n1", "closed"}));
  h.must(node_started("n2"));
  h.restart();
  submit(h, "j");
  ASSERT_THAT(h.deliveries, SizeIs(1));
  EXPECT_EQ(h.deliveries[0].waiter, "alive");
  EXPECT_EQ(h.number("SELECT count(*) FROM job_waiters"), 0);
}

TEST(Waiters, TheTickDropsThoseOfDeadNodes) {
  Harness h;
  h.park("w");
  ASSERT_TRUE(h.machine->next_due());
  h.advance(std::chrono::duration_cast<Millis>(*h.machine->next_due() - h.clock.wall()));
  h.tick();
  EXPECT_EQ(h.number("SELECT count(*) FROM job_waiters"), 0);
  EXPECT_FALSE(h.machine->next_due());
}

TEST(Waiters, PausedQueuesServeNobody) {
  Harness h;
  submit(h, "first");
  h.complete(h.lease_one());
  h.must(h.requests.pause("q"));
  h.park("w");
  submit(h, "j");
  EXPECT_THAT(h.deliveries, IsEmpty());
  EXPECT_THAT(h.lease("q"), IsEmpty());
  h.must(h.requests.resume("q"));
  EXPECT_THAT(h.deliveries, SizeIs(1));
}

TEST(Waiters, TheAnswerOfAParkedRequest) {
  Harness h;
  const auto request = h.requests.work(json::View(R"({"worker":"w","complete":[{"lease":"0.0.0"}],
                     "lease":{"queues":["q"],"wait_ms":"10s"}})"),
                                       {"n1", "w"});
  EXPECT_EQ(request->wait, 10s);
  const auto reply = h.must(request->operation);
  ASSERT_TRUE(is_parked(reply));
  const auto timed_out = finish_timed_out(reply);
  EXPECT_TRUE(json::check(timed_out));
  EXPECT_THAT(list(timed_out, "jobs"), IsEmpty());
  EXPECT_THAT(list(timed_out, "complete"), SizeIs(1));
  submit(h, "j");
  const auto answer = finish_parked(reply, h.deliveries.at(0).json);
  EXPECT_TRUE(json::check(answer));
  EXPECT_THAT(ids_of(list(answer, "jobs")), ElementsAre("j"));
  EXPECT_THAT(list(answer, "complete"), SizeIs(1));
  EXPECT_FALSE(is_parked(answer));
}

TEST(Waiters, TheirNumberIsBounded) {
  Harness h;
  h.db->transaction([&]() -> Result<void> {
        h.db->execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<100000)"
            " INSERT INTO job_waiters SELECT i,'n1','w'||i,1700000030000,"
            "'{\"worker\":\"w\",\"queues\":[\"other\"],\"max\":1,\"salt\":1}' FROM n");
        return {};
      })
      .value();
  h.restart();
  ASSERT_EQ(h.machine->stats().snapshot().waiters, static_cast<std::int64_t>(kMaxWaiters));
  const json::View body(R"({"worker":"w","wait_ms":1000})");
  const auto lease = h.requests.lease("q", body, {"n1", "more"}).value().operation;
  const json::View work(R"({"worker":"w","lease":{"queues":["q"],"wait_ms":1000}})");
  for (const auto& operation : {lease, h.requests.work(work, {"n1", "more"}).value().operation}) {
    const auto error = h.refused(operation);
    EXPECT_EQ(error.reason, "too_many_waiters");
    EXPECT_EQ(error.code, Code::too_many_requests);
  }
  submit(h, "j");
  EXPECT_THAT(h.lease("q"), SizeIs(1));
}

TEST(Waiters, AnOrphanedDeliveryIsGivenBack) {
  Harness h;
  h.park("gone");
  submit(h, "j");
  h.must(*release_delivery(h.deliveries.at(0).json));
  EXPECT_EQ(h.status("j"), "unprocessed");
  EXPECT_EQ(h.member("j", "attempt"), "0");
  EXPECT_FALSE(release_delivery(R"({"jobs":[]})"));
}

}  // namespace
}  // namespace weir::jobs
