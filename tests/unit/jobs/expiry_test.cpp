// expires_at: jobs that do not begin in time end.
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string expiring(Harness& h, Millis in, std::string_view more = "") {
  return ",\"expires_at\":" + std::to_string(to_unix_ms(h.clock.wall() + in)) + std::string(more);
}

TEST(Expiry, AJobThatHasNotBegunEnds) {
  Harness h;
  submit(h, "j", "q", expiring(h, 5s));
  EXPECT_EQ(h.machine->next_due(), h.clock.wall() + 5s);
  h.restart();
  EXPECT_EQ(h.machine->next_due(), h.clock.wall() + 5s);
  h.advance(4'999ms);
  h.tick();
  EXPECT_EQ(h.status("j"), "unprocessed");
  h.advance(1ms);
  h.tick();
  EXPECT_EQ(h.status("j"), "failed");
  EXPECT_THAT(h.member("j", "error"), HasSubstr(R"("type":"expired")"));
  EXPECT_TRUE(h.effects.empty());
  h.expect_counts_true();
}

TEST(Expiry, NothingIsHandedOutAfterIt) {
  Harness h;
  submit(h, "j", "q", expiring(h, 1s));
  submit(h, "k");
  h.advance(1s);  // no tick came
  EXPECT_EQ(ids_of(h.lease("q", ",\"max\":9")), std::vector<std::string>{"k"});
  EXPECT_EQ(h.status("j"), "failed");
  ASSERT_TRUE(h.park("w"));
  submit(h, "late", "q", expiring(h, -1s));
  EXPECT_EQ(h.status("late"), "failed");
  EXPECT_THAT(h.deliveries, IsEmpty());
}

TEST(Expiry, ARunningJobGoesOnButDoesNotWaitAgain) {
  Harness h;
  for (const auto* id : {"a", "b", "c"}) submit(h, id, "q", expiring(h, 1s));
  const auto a = h.lease_one();
  const auto b = h.lease_one();
  const auto c = h.lease_one();
  h.advance(2s);
  h.tick();
  EXPECT_EQ(h.status("a"), "processing");
  h.complete(a);
  EXPECT_EQ(h.status("a"), "completed");
  h.fail(b);
  h.must(h.requests.release(c, json::View()));
  h.tick();
  EXPECT_EQ(h.status("b"), "failed");
  EXPECT_EQ(h.status("c"), "failed");
  EXPECT_EQ(h.number("SELECT count(*) FROM job_expiries WHERE waits=1"), 0);
}

TEST(Expiry, WhoRunsItAgainMeansIt) {
  Harness h;
  submit(h, "j", "q", expiring(h, 1s, R"(,"tags":["x"])"));
  h.advance(1s);
  h.tick();
  const auto copy = text(h.must(h.requests.retry("j", json::View(R"({"as_new":true})"))), "id");
  h.must(h.requests.retry("j", json::View()));
  h.tick();
  EXPECT_EQ(h.status("j"), "unprocessed");
  EXPECT_EQ(h.status(copy), "unprocessed");
  EXPECT_EQ(h.member(copy, "tags"), R"(["x"])");
}

TEST(Expiry, ForgottenWithTheJob) {
  Harness h;
  submit(h, "j", "q", expiring(h, 1s));
  submit(h, "k", "q", expiring(h, 1s));
  h.must(h.requests.cancel("j", json::View()));
  h.must(h.requests.remove("j"));
  h.must(h.requests.purge("q"));
  EXPECT_EQ(h.number("SELECT count(*) FROM job_expiries"), 0);
}

TEST(Expiry, ABadTimeIsNamed) {
  Harness h;
  const auto bad = h.requests.submit(json::View(R"({"queue":"q","expires_at":"tomorrow"})"));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().fields.at(0).field, "expires_at");
}

}  // namespace
}  // namespace weir::jobs
