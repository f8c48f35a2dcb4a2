// Limits: concurrency, rates, waiting jobs; of queues, keys and everything.
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

void configure(Harness& h, std::string_view config, std::string_view queue = "q") {
  h.must(h.requests.queue_config(queue, json::View(config)));
}

void fill(Harness& h, int jobs, std::string_view queue = "q", std::string_view more = "") {
  for (int i = 0; i < jobs; ++i) {
    submit(h, std::string(queue) + "-" + std::to_string(h.revision), queue, more);
  }
}

TEST(Limits, NeverOneMoreRunsThanTheQueueAllows) {
  Harness h;
  configure(h, R"({"concurrency":3})");
  fill(h, 10);
  EXPECT_THAT(h.lease("q", ",\"max\":2"), SizeIs(2));
  const auto last = h.lease("q", ",\"max\":5");
  ASSERT_THAT(last, SizeIs(1));
  const auto token = text(last[0].find("lease"));
  EXPECT_THAT(h.lease("q", ",\"max\":5"), IsEmpty());
  h.complete(token);
  EXPECT_THAT(h.lease("q", ",\"max\":5"), SizeIs(1));
}

// However a running job ends, the waiter is served in the same entry.
TEST(Limits, AWaiterIsServedWhenAJobEnds) {
  for (const std::string how : {"complete", "fail", "release", "expire"}) {
    SCOPED_TRACE(how);
    Harness h;
    configure(h, R"({"concurrency":1,"dlq":false})");
    fill(h, 2);
    const auto leased = h.lease("q", ",\"lease_ms\":100");
    ASSERT_THAT(leased, SizeIs(1));
    const auto token = text(leased[0].find("lease"));
    ASSERT_TRUE(h.park("w"));
    if (how == "complete") h.complete(token);
    if (how == "fail") h.fail(token, R"({"retry":false})");
    if (how == "release") h.must(h.requests.release(token, json::View()));
    if (how == "expire") {
      h.advance(Millis{100});
      h.tick();
    }
    ASSERT_THAT(h.deliveries, SizeIs(1));
    EXPECT_EQ(h.count(Status::processing), 1);
  }
}

TEST(Limits, EachKeyHasItsOwn) {
  Harness h;
  configure(h, R"({"per_key":{"concurrency":1}})");
  fill(h, 3, "q", R"(,"key":"a")");
  fill(h, 3, "q", R"(,"key":"b")");
  fill(h, 2);
  EXPECT_THAT(h.lease("q", ",\"max\":100"), SizeIs(4));  // a, b and both without a key
  EXPECT_THAT(h.lease("q", ",\"max\":100"), IsEmpty());
  ASSERT_TRUE(h.park("w"));
  h.restart();
  h.advance(Millis{500});
  h.must(h.requests.queue_config("q", json::View(R"({"per_key":{"concurrency":2}})")));
  EXPECT_THAT(h.deliveries, SizeIs(1));
}

TEST(Limits, OfAllQueuesTogether) {
  Harness h;
  h.must(h.requests.set_limits(json::View(R"({"concurrency":2})")));
  fill(h, 2, "a");
  fill(h, 2, "b");
  const auto token = h.lease_one("a");
  EXPECT_THAT(h.lease("b", ",\"max\":5"), SizeIs(1));
  ASSERT_TRUE(h.park("w", "b"));
  h.restart();
  h.complete(token);
  ASSERT_THAT(h.deliveries, SizeIs(1));
  const auto limits =
      h.read([](sqlite::Database& db) -> Result<std::string> { return get_limits(db); });
  EXPECT_EQ(limits, R"({"concurrency":2,"running":2})");
  h.must(h.requests.set_limits(json::View("{}")));
  EXPECT_THAT(h.lease("a", ",\"max\":5"), SizeIs(1));
}

TEST(Limits, ATokenBucketOnTheTimeOfTheLog) {
  Harness h;
  configure(h, R"({"rate":{"limit":10,"per_ms":1000,"burst":3}})");
  fill(h, 20);
  EXPECT_THAT(h.lease("q", ",\"max\":20"), SizeIs(3));
  EXPECT_THAT(h.lease("q", ",\"max\":20"), IsEmpty());
  h.advance(Millis{99});
  EXPECT_THAT(h.lease("q", ",\"max\":20"), IsEmpty());
  h.advance(Millis{1});
  h.restart();
  EXPECT_THAT(h.lease("q", ",\"max\":20"), SizeIs(1));
  h.advance(Millis{250});
  EXPECT_THAT(h.lease("q", ",\"max\":20"), SizeIs(2));
  h.advance(std::chrono::hours(1));
  EXPECT_THAT(h.lease("q", ",\"max\":20"), SizeIs(3));
}

TEST(Limits, ATokenServesTheWaiterInTime) {
  for (const std::string config : {R"({"rate":{"limit":1,"per_ms":700}})",
                                   R"({"per_key":{"rate":{"limit":1,"per_ms":700}}})"}) {
    SCOPED_TRACE(config);
    Harness h;
    configure(h, config);
    fill(h, 3, "q", R"(,"key":"a")");
    ASSERT_FALSE(h.lease_one().empty());
    ASSERT_TRUE(h.park("w"));
    ASSERT_TRUE(h.machine->next_due());
    EXPECT_EQ(*h.machine->next_due() - h.clock.wall(), Millis{700});
    h.restart();
    h.advance(Millis{700});
    h.tick();
    EXPECT_THAT(h.deliveries, SizeIs(1));
  }
}

TEST(Limits, AFullQueueRefusesAndKeepsWhatItHas) {
  Harness h;
  configure(h, R"({"max_waiting":2})");
  submit(h, "a");
  submit(h, "b", "q", ",\"delay_ms\":5000");
  const auto error = h.refused(h.requests.submit(json::View(plain("c"))));
  EXPECT_EQ(error.reason, "queue_full");
  EXPECT_GT(error.retry_after.count(), 0);
  EXPECT_THAT(h.must(h.requests.submit(json::View(plain("a")))), HasSubstr("duplicate"));
  ASSERT_FALSE(h.lease_one().empty());
  submit(h, "c");
}

TEST(Limits, ABatchIsRefusedItemByItemOrAsAWhole) {
  Harness h;
  configure(h, R"({"max_waiting":2,"per_key":{"max_waiting":1}})");
  const std::string jobs = "[" + plain("a", R"(,"key":"k")") + "," + plain("b", R"(,"key":"k")") +
                           "," + plain("c") + "," + plain("d") + "]";
  const auto whole = h.requests.submit_batch(json::View("{\"atomic\":true,\"jobs\":" + jobs + "}"));
  EXPECT_EQ(h.refused(whole->parts.at(0).operation).reason, "queue_full");
  const auto some = h.requests.submit_batch(json::View("{\"jobs\":" + jobs + "}"));
  const auto results = list(h.must(some->parts.at(0).operation), "results");
  EXPECT_EQ(h.status("a"), "unprocessed");
  EXPECT_EQ(h.status("c"), "unprocessed");
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs"), 2);
}

TEST(Limits, AreCheckedWhenConfigured) {
  Harness h;
  const auto bad = h.requests.queue_config(
      "q", json::View(R"({"concurrency":0,"max_waiting":0,"rate":{"burst":0},"aging_ms":-1,)"
                      R"("per_key":{"concurrency":0,"rate":{"limit":1000001,"per_ms":0}}})"));
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().fields, SizeIs(8));
  EXPECT_EQ(h.requests.set_limits(json::View(R"({"concurrency":0})")).error().reason,
            "invalid_request");
}

}  // namespace
}  // namespace weir::jobs
