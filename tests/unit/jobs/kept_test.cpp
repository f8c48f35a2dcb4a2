#include "jobs/kept.hpp"

#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

constexpr auto kNow = Timestamp(Millis{0});

TEST(Kept, SaysWhatIsKnownOfASubmit) {
  EXPECT_EQ(kept_answer(R"({"job":{"id":"a","queue":"q","payload":[1]}})", kNow),
            R"({"id":"a","status":"accepted","queue":"q","created_at":"1970-01-01T00:00:00.000Z",)"
            R"("storage":"sqlite"})");
  EXPECT_EQ(kept_answer(R"({"jobs":[{"id":"a","queue":"q"},{"id":"b","queue":"q"}]})", kNow),
            R"({"results":[{"id":"a","status":"accepted"},{"id":"b","status":"accepted"}],)"
            R"("storage":"sqlite"})");
}

TEST(Kept, AnswersEveryReportInItsPlace) {
  EXPECT_EQ(kept_answer(R"({"lease":"t","result":1})", kNow), R"({"ok":true,"storage":"sqlite"})");
  EXPECT_EQ(kept_answer(R"({"worker":"w","complete":[{"lease":"1"},{"lease":"2"}],)"
                        R"("heartbeat":[{"lease":"3"}]})",
                        kNow),
            R"({"complete":[{"ok":true},{"ok":true}],"fail":[],"release":[],)"
            R"("heartbeat":[{"ok":true}],"jobs":[],"storage":"sqlite"})");
}

TEST(Kept, WhatTheLogDecidesMayNotWait) {
  EXPECT_TRUE(may_wait({"jobs.submit", R"({"job":{"id":"a","payload":{"unique":1}}})"}));
  EXPECT_FALSE(may_wait({"jobs.submit", R"({"job":{"id":"a","unique":{"key":"k"}}})"}));
  EXPECT_FALSE(may_wait({"jobs.submit", R"({"job":{"id":"a","depends_on":["b"]}})"}));
  EXPECT_FALSE(may_wait({"jobs.submit", R"({"job":{"id":"a","batch":"b"}})"}));
  EXPECT_FALSE(may_wait({"jobs.submit", R"({"job":{"id":"a","target":"_all"}})"}));
  EXPECT_TRUE(may_wait({"jobs.submit", R"({"job":{"id":"a","target":"host:_all"}})"}));
  EXPECT_FALSE(may_wait({"jobs.submit", R"({"job":{"id":"a","webhook":{"url":"u"}}})"}));
  EXPECT_TRUE(may_wait(
      {"jobs.submit", R"({"job":{"id":"a","webhook":{"url":"u","default_secret":true}}})"}));
  EXPECT_FALSE(
      may_wait({"jobs.submit", R"({"jobs":[{"id":"a"},{"id":"b","unique":{"key":"k"}}]})"}));
  EXPECT_FALSE(may_wait({"jobs.submit", R"({"job":{"id":"a"},"idempotency":{"key":"k"}})"}));
}

TEST(Kept, AWorkOperationLosesItsLease) {
  const auto reports = reports_of(
      {"jobs.work", R"({"worker":"w","complete":[{"lease":"t"}],"lease":{"max":1},"salt":7})"});
  ASSERT_TRUE(reports);
  EXPECT_EQ(reports->name, "jobs.work");
  EXPECT_EQ(reports->body, R"({"worker":"w","complete":[{"lease":"t"}],"salt":7})");
  EXPECT_FALSE(reports_of({"jobs.work", R"({"worker":"w","complete":[],"lease":{"max":1}})"}))
      << "nothing is reported";
}

// As the outbox gives it to the log: its client was told 202.
TEST(Kept, NoLimitRefusesWhatWasAccepted) {
  Harness h;
  h.must(
      h.requests.queue_config("q", json::View(R"({"max_waiting":1,"per_key":{"max_waiting":1}})")));
  const auto accepted = [](replica::Operation operation) {
    operation.body.insert(1, kAccepted);
    return operation;
  };
  const auto one = h.requests.submit(json::View(R"({"queue":"q","key":"k"})")).value();
  const auto more = h.requests.submit(json::View(R"({"queue":"q","key":"k"})")).value();
  h.must(one);
  EXPECT_EQ(h.refused(more).reason, "queue_full");
  EXPECT_TRUE(h.apply(accepted(more)).has_value());
  for (const auto* atomic : {"true", "false"}) {
    const auto text = R"({"atomic":)" + std::string(atomic) +
                      R"(,"jobs":[{"queue":"q","key":"k"},{"queue":"q"}]})";
    auto batch = h.requests.submit_batch(json::View(text)).value();
    const auto reply = h.must(accepted(batch.parts[0].operation));
    EXPECT_EQ(reply.find("error"), std::string::npos) << reply;
  }
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs"), 6);
  EXPECT_EQ(h.refused(h.requests.submit(json::View(R"({"queue":"q"})"))).reason, "queue_full");
  h.expect_counts_true();
}

}  // namespace
}  // namespace weir::jobs
