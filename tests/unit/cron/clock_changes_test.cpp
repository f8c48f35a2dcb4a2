// What happens when the clocks change: the table of docs/schedules.md.
#include "tests/unit/cron/cron_text.hpp"

namespace weir::cron {
namespace {

struct Case {
  std::string_view name;
  std::string_view zone;
  std::string_view text;
  std::string_view after;
  std::vector<std::string> expected;
};

void check(const std::vector<Case>& cases) {
  for (const auto& one : cases) {
    EXPECT_EQ(cron_runs(one.text, one.zone, one.after, one.expected.size()), one.expected)
        << one.name;
  }
}

// Berlin, 29 March 2026: 02:00 becomes 03:00 at 01:00Z.
TEST(ClockChanges, SkippedTimes) {
  check({
      {"first moment after the gap",
       "Europe/Berlin",
       "30 2 * * *",
       "2026-03-28T12:00:00Z",
       {"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
      {"several skipped times run once",
       "Europe/Berlin",
       "*/15 1-3 * * *",
       "2026-03-29T00:30:00Z",
       {"2026-03-29T00:45:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:15:00Z"}},
      {"every other hour names times",
       "Europe/Berlin",
       "0 */2 * * *",
       "2026-03-28T23:00:00Z",
       {"2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"}},
      {"every hour goes on in real time",
       "Europe/Berlin",
       "*/30 * * * *",
       "2026-03-29T00:00:00Z",
       {"2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"}},
      {"New York",
       "America/New_York",
       "30 2 * * *",
       "2026-03-08T00:00:00Z",
       {"2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"}},
      {"half an hour, Lord Howe",
       "Australia/Lord_Howe",
       "15 2 * * *",
       "2026-10-03T00:00:00Z",
       {"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"}},
      {"at midnight, Sao Paulo",
       "America/Sao_Paulo",
       "0 0 * * *",
       "2018-11-03T12:00:00Z",
       {"2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"}},
      {"a whole day, Apia",
       "Pacific/Apia",
       "0 12 * * *",
       "2011-12-29T12:00:00Z",
       {"2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"}},
  });
}

// Berlin, 25 October 2026: 03:00 becomes 02:00 at 01:00Z.
TEST(ClockChanges, TimesThatComeTwice) {
  check({
      {"the first one only",
       "Europe/Berlin",
       "30 2 * * *",
       "2026-10-24T12:00:00Z",
       {"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
      {"asked between both",
       "Europe/Berlin",
       "30 2 * * *",
       "2026-10-25T01:15:00Z",
       {"2026-10-26T01:30:00Z"}},
      {"a range of hours",
       "Europe/Berlin",
       "*/30 1-3 * * *",
       "2026-10-25T00:00:00Z",
       {"2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z", "2026-10-25T02:30:00Z"}},
      {"every other hour",
       "Europe/Berlin",
       "0 */2 * * *",
       "2026-10-24T22:00:00Z",
       {"2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z"}},
      {"every hour goes on in real time",
       "Europe/Berlin",
       "*/30 * * * *",
       "2026-10-25T00:00:00Z",
       {"2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z",
        "2026-10-25T02:00:00Z"}},
      {"New York",
       "America/New_York",
       "30 1 * * *",
       "2026-11-01T00:00:00Z",
       {"2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"}},
      {"half an hour, Lord Howe",
       "Australia/Lord_Howe",
       "45 1 * * *",
       "2026-04-04T00:00:00Z",
       {"2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"}},
      {"half an hour, every hour",
       "Australia/Lord_Howe",
       "0 * * * *",
       "2026-04-04T13:00:00Z",
       {"2026-04-04T14:00:00Z", "2026-04-04T15:30:00Z", "2026-04-04T16:30:00Z"}},
  });
}

TEST(ClockChanges, ZonesWithoutThem) {
  check({
      {"Kolkata is half an hour off",
       "Asia/Kolkata",
       "30 9 * * MON-FRI",
       "2026-11-20T04:00:00Z",
       {"2026-11-23T04:00:00Z", "2026-11-24T04:00:00Z"}},
      {"every hour in Kolkata",
       "Asia/Kolkata",
       "0 * * * *",
       "2026-11-20T04:00:00Z",
       {"2026-11-20T04:30:00Z", "2026-11-20T05:30:00Z"}},
      {"intervals know no zone",
       "Europe/Berlin",
       "@every 1h",
       "2026-03-29T00:00:00Z",
       {"2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"}},
  });
}

// Every named time of every day has one run, and runs never go back, over a year with both changes.
TEST(ClockChanges, OneRunADayAllYear) {
  for (const std::string_view zone :
       {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"}) {
    for (const std::string_view text : {"15 1 * * *", "15 2 * * *", "45 1 * * *", "0 3 * * *"}) {
      const auto timing = Timing::from_cron(text, zone, {});
      ASSERT_TRUE(timing);
      const auto all = timing->list(at("2026-01-01T12:00:00Z"), at("2027-01-01T12:00:00Z"), 1'000);
      EXPECT_EQ(all.size(), 365U) << zone << " " << text;
      for (std::size_t i = 1; i < all.size(); ++i) {
        EXPECT_GE(all[i] - all[i - 1], Millis(std::chrono::hours(22))) << zone << " " << text;
        EXPECT_LE(all[i] - all[i - 1], Millis(std::chrono::hours(25))) << zone << " " << text;
      }
    }
  }
}

}  // namespace
}  // namespace weir::cron
