#include <gmock/gmock.h>

#include "tests/unit/cron/cron_text.hpp"

namespace weir::cron {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

TEST(Timing, StartAndEndBelongToTheRuns) {
  const auto timing = Timing::from_cron("0 * * * *", "UTC",
                                        {at("2026-11-21T10:00:00Z"), at("2026-11-21T12:00:00Z")});
  ASSERT_TRUE(timing);
  EXPECT_THAT(runs(*timing, "2026-11-20T00:00:00Z", 9),
              ElementsAre("2026-11-21T10:00:00Z", "2026-11-21T11:00:00Z", "2026-11-21T12:00:00Z"));
  EXPECT_FALSE(timing->next(at("2026-11-21T12:00:00Z")));
}

TEST(Timing, IntervalsCountFromTheStart) {
  const auto timing = Timing::from_interval(90min, {at("2026-11-21T10:10:00.250Z"), std::nullopt});
  ASSERT_TRUE(timing);
  EXPECT_THAT(runs(*timing, "2026-01-01T00:00:00Z", 2),
              ElementsAre("2026-11-21T10:10:01Z", "2026-11-21T11:40:01Z"));
  EXPECT_THAT(runs(*timing, "2026-11-21T11:40:01Z", 1), ElementsAre("2026-11-21T13:10:01Z"));
}

TEST(Timing, IntervalsWithoutAStartCountFromTheEpoch) {
  const auto timing = Timing::from_interval(24h * 7, {});
  ASSERT_TRUE(timing);  // 1 January 1970 was a Thursday
  EXPECT_THAT(runs(*timing, "2026-11-21T00:00:00Z", 1), ElementsAre("2026-11-26T00:00:00Z"));
}

TEST(Timing, LimitsOfIntervals) {
  for (const Millis bad : {0ms, 999ms, 1'500ms, -1'000ms, kLongestInterval + 1'000ms}) {
    const auto timing = Timing::from_interval(bad, {});
    ASSERT_FALSE(timing) << bad.count();
    EXPECT_EQ(timing.error().reason, "bad_interval");
  }
  EXPECT_TRUE(Timing::from_interval(kShortestInterval, {}));
  EXPECT_TRUE(Timing::from_interval(kLongestInterval, {}));
}

TEST(Timing, ListsUntilATimeAndUpToALimit) {
  const auto timing = Timing::from_interval(1s, {});
  ASSERT_TRUE(timing);
  const auto from = at("2026-11-21T10:00:00Z");
  EXPECT_EQ(timing->list(from, from + 10s, 100).size(), 10U);
  EXPECT_EQ(timing->list(from, from + 10s, 3).size(), 3U);
  EXPECT_TRUE(timing->list(from, from, 3).empty());
}

}  // namespace
}  // namespace weir::cron
