// The timeout of an attempt.
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

constexpr std::string_view kTimed = R"({"id":"j","queue":"q","timeout_ms":1000,"max_attempts":2,)"
                                    R"("backoff":{"kind":"fixed","delay_ms":0}})";

std::string beat(Harness& h, std::string_view token) {
  return h.must(h.requests.heartbeat(token, json::View("{}")));
}

TEST(Timeout, NoHeartbeatExtendsTheLeaseBeyondIt) {
  Harness h;
  h.submit(std::string(kTimed));
  const auto token = h.lease_one();
  const auto deadline = text(h.job("j"), "deadline");
  for (int i = 0; i < 9; ++i) {
    h.advance(Millis{100});
    h.tick();
    EXPECT_EQ(text(beat(h, token), "deadline"), deadline);
    if (i == 4) h.restart();
  }
  EXPECT_EQ(h.status("j"), "processing");
  h.advance(Millis{100});
  ASSERT_LE(*h.machine->next_due(), h.clock.wall());
  h.tick();
  EXPECT_EQ(h.status("j"), "unprocessed");
  EXPECT_EQ(text(json::View(h.member("j", "error")).find("type")), "timeout");
  EXPECT_THAT(h.member("j", "attempts"), testing::HasSubstr(R"("outcome":"timeout")"));
  EXPECT_EQ(h.refused(h.requests.complete(token, json::View())).reason, "lease_lost");
}

TEST(Timeout, UsesUpAttempts) {
  Harness h;
  h.submit(std::string(kTimed));
  for (int i = 0; i < 2; ++i) {
    ASSERT_NE(h.lease_one(), "");
    h.advance(Millis{1'000});
    h.tick();
  }
  EXPECT_EQ(h.status("j"), "dlq");
  EXPECT_EQ(h.total(Total::failed_attempts), 2);
}

TEST(Timeout, AShorterLeaseExpiresAsALease) {
  Harness h;
  h.submit(std::string(kTimed));
  h.lease("q", R"(,"lease_ms":500)");
  h.advance(Millis{500});
  h.tick();
  EXPECT_EQ(text(json::View(h.member("j", "error")).find("type")), "lease_expired");
}

TEST(Timeout, IsCopiedAndReplacedWithTheOptions) {
  Harness h;
  h.submit(R"({"id":"a","queue":"q","timeout_ms":"1s","unique":{"key":"k"}})");
  EXPECT_EQ(h.member("a", "timeout_ms"), "1000");
  h.submit(R"({"id":"b","queue":"q","unique":{"key":"k","on_conflict":"replace"}})");
  EXPECT_EQ(h.member("a", "timeout_ms"), "null");
  h.submit(
      R"({"id":"c","queue":"q","timeout_ms":2000,"unique":{"key":"k","on_conflict":"replace"}})");
  EXPECT_EQ(h.member("a", "timeout_ms"), "2000");
  h.lease_one();
  h.advance(Millis{2'000});
  h.tick();
  EXPECT_EQ(text(json::View(h.member("a", "error")).find("type")), "timeout");
}

TEST(Timeout, HasBounds) {
  Harness h;
  for (const auto ms : {kMinTimeout.count() - 1, kMaxTimeout.count() + 1}) {
    const auto body = R"({"queue":"q","timeout_ms":)" + std::to_string(ms) + "}";
    EXPECT_EQ(h.requests.submit(json::View(body)).error().fields.at(0).field, "timeout_ms");
  }
}

}  // namespace
}  // namespace weir::jobs
