#include <gmock/gmock.h>

#include "tests/unit/cron/cron_text.hpp"

namespace weir::cron {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Case {
  std::string_view name;
  std::string_view text;
  std::string_view after;
  std::vector<std::string> expected;
};

void check(const std::vector<Case>& cases) {
  for (const auto& one : cases) {
    EXPECT_EQ(cron_runs(one.text, "UTC", one.after, one.expected.size()), one.expected) << one.name;
  }
}

TEST(Expression, Fields) {
  check({
      {"every minute",
       "* * * * *",
       "2026-11-21T10:00:30Z",
       {"2026-11-21T10:01:00Z", "2026-11-21T10:02:00Z"}},
      {"a run is later than the time asked about",
       "0 10 * * *",
       "2026-11-21T10:00:00Z",
       {"2026-11-22T10:00:00Z"}},
      {"a part of a second before",
       "0 10 * * *",
       "2026-11-21T09:59:59.999Z",
       {"2026-11-21T10:00:00Z"}},
      {"a part of a second after",
       "0 10 * * *",
       "2026-11-21T10:00:00.001Z",
       {"2026-11-22T10:00:00Z"}},
      {"six fields begin with seconds",
       "*/20 30 10 * * *",
       "2026-11-21T10:30:00Z",
       {"2026-11-21T10:30:20Z", "2026-11-21T10:30:40Z", "2026-11-22T10:30:00Z"}},
      {"lists, ranges, steps",
       "0 8-18/5,23 1,15 * *",
       "2026-11-01T13:00:00Z",
       {"2026-11-01T18:00:00Z", "2026-11-01T23:00:00Z", "2026-11-15T08:00:00Z"}},
      {"words in any case",
       "0 0 * jan,Jul mOn-fri",
       "2026-01-29T12:00:00Z",
       {"2026-01-30T00:00:00Z", "2026-07-01T00:00:00Z"}},
      {"7 is Sunday",
       "0 0 * * 7",
       "2026-11-21T00:00:00Z",
       {"2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"}},
      {"Sunday may end a range",
       "0 0 * * FRI-SUN",
       "2026-11-19T00:00:00Z",
       {"2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z",
        "2026-11-27T00:00:00Z"}},
      {"question mark", "0 0 ? * WED", "2026-11-21T00:00:00Z", {"2026-11-25T00:00:00Z"}},
      {"blanks and tabs", "  0\t0  *  * * ", "2026-11-21T00:00:00Z", {"2026-11-22T00:00:00Z"}},
      {"leap years", "0 0 29 2 *", "2096-03-01T00:00:00Z", {"2104-02-29T00:00:00Z"}},
      {"a leap day that is a Sunday, after 40 years",
       "0 0 29 2 */7",
       "2088-03-01T00:00:00Z",
       {"2128-02-29T00:00:00Z"}},
      {"end of the year", "59 59 23 31 12 *", "2026-12-31T23:59:59Z", {"2027-12-31T23:59:59Z"}},
  });
}

TEST(Expression, EitherDayFieldOrBoth) {
  check({
      {"both restrict: either",
       "0 0 13 * FRI",
       "2026-11-01T00:00:00Z",
       {"2026-11-06T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z",
        "2026-11-27T00:00:00Z", "2026-12-04T00:00:00Z", "2026-12-11T00:00:00Z",
        "2026-12-13T00:00:00Z"}},
      {"one begins with a star: both",
       "0 0 */2 * MON",
       "2026-11-01T00:00:00Z",
       {"2026-11-09T00:00:00Z", "2026-11-23T00:00:00Z"}},
      {"a range over every day restricts",
       "0 0 1-31 * MON",
       "2026-11-01T00:00:00Z",
       {"2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z"}},
  });
}

TEST(Expression, LastNearestAndNth) {
  check({
      {"last day",
       "0 0 L * *",
       "2027-12-31T12:00:00Z",
       {"2028-01-31T00:00:00Z", "2028-02-29T00:00:00Z", "2028-03-31T00:00:00Z"}},
      {"days before the last",
       "0 0 L-2 2 *",
       "2026-01-01T00:00:00Z",
       {"2026-02-26T00:00:00Z", "2027-02-26T00:00:00Z", "2028-02-27T00:00:00Z"}},
      {"Saturday moves to Friday",
       "0 0 21W 11 *",
       "2026-11-01T00:00:00Z",
       {"2026-11-20T00:00:00Z"}},
      {"Sunday moves to Monday", "0 0 22W 11 *", "2026-11-01T00:00:00Z", {"2026-11-23T00:00:00Z"}},
      {"a weekday stays", "0 0 18W 11 *", "2026-11-01T00:00:00Z", {"2026-11-18T00:00:00Z"}},
      {"Saturday the 1st stays in its month",
       "0 0 1W 8 *",
       "2026-07-20T00:00:00Z",
       {"2026-08-03T00:00:00Z"}},
      {"Sunday the last stays in its month",
       "0 0 31W 5 *",
       "2026-05-01T00:00:00Z",
       {"2026-05-29T00:00:00Z"}},
      {"a day that the month lacks",
       "0 0 31W 5,6,7 *",
       "2026-05-30T00:00:00Z",
       {"2026-07-31T00:00:00Z"}},
      {"last weekday",
       "0 0 LW * *",
       "2026-10-01T00:00:00Z",
       {"2026-10-30T00:00:00Z", "2026-11-30T00:00:00Z", "2026-12-31T00:00:00Z"}},
      {"last Friday",
       "0 0 * * 5L",
       "2026-11-01T00:00:00Z",
       {"2026-11-27T00:00:00Z", "2026-12-25T00:00:00Z"}},
      {"last Friday by word", "0 0 ? * friL", "2026-11-01T00:00:00Z", {"2026-11-27T00:00:00Z"}},
      {"second Tuesday",
       "0 0 * * TUE#2",
       "2026-11-01T00:00:00Z",
       {"2026-11-10T00:00:00Z", "2026-12-08T00:00:00Z"}},
      {"fifth Sunday: not every month",
       "0 0 * * 7#5",
       "2026-09-01T00:00:00Z",
       {"2026-11-29T00:00:00Z", "2027-01-31T00:00:00Z"}},
      {"in lists",
       "0 0 10,L * *",
       "2026-11-01T00:00:00Z",
       {"2026-11-10T00:00:00Z", "2026-11-30T00:00:00Z"}},
  });
}

TEST(Expression, Macros) {
  check({
      {"yearly", "@yearly", "2026-11-21T00:00:00Z", {"2027-01-01T00:00:00Z"}},
      {"annually", "@annually", "2026-11-21T00:00:00Z", {"2027-01-01T00:00:00Z"}},
      {"monthly", "@monthly", "2026-11-21T00:00:00Z", {"2026-12-01T00:00:00Z"}},
      {"weekly", "@weekly", "2026-11-21T00:00:00Z", {"2026-11-22T00:00:00Z"}},
      {"daily", "@daily", "2026-11-21T00:00:00Z", {"2026-11-22T00:00:00Z"}},
      {"midnight", "@midnight", "2026-11-21T00:00:00Z", {"2026-11-22T00:00:00Z"}},
      {"hourly", "@hourly", "2026-11-21T10:10:10Z", {"2026-11-21T11:00:00Z"}},
      {"every",
       "@every 1h30m",
       "2026-11-21T00:00:00Z",
       {"2026-11-21T01:30:00Z", "2026-11-21T03:00:00Z"}},
  });
}

struct Refused {
  std::string_view text;
  std::string_view details;
};

TEST(Expression, RefusesWithTheFieldNamed) {
  const std::vector<Refused> cases{
      {"", "not 0"},
      {"* * * *", "not 4"},
      {"0 0 12 * * ? 2026", "not 7"},
      {"60 * * * *", "minute \"60\": must be 0 to 59"},
      {"* 24 * * *", "hour \"24\": must be 0 to 23"},
      {"* * 0 * *", "day of month \"0\": must be 1 to 31"},
      {"* * * 13 *", "month \"13\": must be 1 to 12"},
      {"* * * * 8", "day of week \"8\": must be 0 to 7"},
      {"60 * * * * *", "second \"60\": must be 0 to 59"},
      {"-1 * * * *", "a value is missing"},
      {"+1 * * * *", "is not a value"},
      {"1.5 * * * *", "is not a value"},
      {"1, * * * *", "a value is missing"},
      {",1 * * * *", "a value is missing"},
      {"1- * * * *", "a value is missing"},
      {"1-2-3 * * * *", "is not a value"},
      {"30-10 * * * *", "runs backwards"},
      {"*/0 * * * *", "the step must be 1 to 59"},
      {"*/60 * * * *", "the step must be 1 to 59"},
      {"*/ * * * *", "the step must be"},
      {"1/2/3 * * * *", "the step must be"},
      {"** * * * *", "is not a value"},
      {"* * * MON *", "month \"MON\": is not a value"},
      {"* * * * MONDAY", "is not a value"},
      {"* * * * L", "L needs a day before it"},
      {"* * * * 5#6", "after # stands 1 to 5"},
      {"* * * * 5#", "after # stands 1 to 5"},
      {"* * L-31 * *", "must be L, LW, or L-0 to L-30"},
      {"* * LX * *", "must be L, LW, or L-0 to L-30"},
      {"* * W * *", "a value is missing"},
      {"* * 1-5W * *", "is not a value"},
      {"L * * * *", "is not a value"},
      {"99999999999 * * * *", "is not a value"},
      {"@reboot", "the macros are"},
      {"@Daily", "the macros are"},
      {"@every", "like 1h30m"},
      {"@every soon", "like 1h30m"},
      {"@every 500ms", "whole seconds"},
      {"CRON_TZ=UTC 0 0 * * *", "time_zone"},
      {"TZ=UTC 0 0 * * *", "time_zone"},
      {"0 0 30 2 *", "no such day"},
      {"0 0 31 4,6,9,11 *", "no such day"},
  };
  for (const auto& [text, details] : cases) {
    EXPECT_THAT(problem(text), HasSubstr(std::string(details))) << text;
  }
}

TEST(Expression, UnknownTimeZone) {
  for (const std::string_view zone :
       {"", "Mars/Olympus", "europe/berlin", "../etc/passwd", "CEST"}) {
    EXPECT_THAT(problem("@daily", zone), HasSubstr("unknown_time_zone")) << zone;
  }
}

}  // namespace
}  // namespace weir::cron
