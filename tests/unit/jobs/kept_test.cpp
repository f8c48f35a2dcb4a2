#include "jobs/kept.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace weir::jobs
