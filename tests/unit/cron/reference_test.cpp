// What other crons document. Each case names its source; vectors_test.cpp has what they test.
#include "tests/unit/cron/cron_text.hpp"

namespace weir::cron {
namespace {

struct Case {
  std::string_view source;
  std::string_view text;
  std::string_view after;
  std::vector<std::string> expected;
};

TEST(Reference, SameRunsAsOtherCrons) {
  const std::vector<Case> cases{
      {"crontab(5) of Vixie cron, EXAMPLE: five after midnight, every day",
       "5 0 * * *",
       "2026-11-21T00:05:00Z",
       {"2026-11-22T00:05:00Z"}},
      {"crontab(5), EXAMPLE: 2:15pm on the first of every month",
       "15 14 1 * *",
       "2026-11-21T00:00:00Z",
       {"2026-12-01T14:15:00Z", "2027-01-01T14:15:00Z"}},
      {"crontab(5), EXAMPLE: 10 pm on weekdays",
       "0 22 * * 1-5",
       "2026-11-20T22:00:00Z",
       {"2026-11-23T22:00:00Z"}},
      {"crontab(5), EXAMPLE: 23 minutes after midnight, 2am, 4am ..., everyday",
       "23 0-23/2 * * *",
       "2026-11-21T00:23:00Z",
       {"2026-11-21T02:23:00Z", "2026-11-21T04:23:00Z"}},
      {"crontab(5), EXAMPLE: at 5 after 4 every Sunday",
       "5 4 * * sun",
       "2026-11-21T00:00:00Z",
       {"2026-11-22T04:05:00Z", "2026-11-29T04:05:00Z"}},
      {"crontab(5), note: 4:30 am on the 1st and 15th of each month, plus every Friday",
       "30 4 1,15 * 5",
       "2026-11-01T00:00:00Z",
       {"2026-11-01T04:30:00Z", "2026-11-06T04:30:00Z", "2026-11-13T04:30:00Z",
        "2026-11-15T04:30:00Z"}},
      {"Quartz CronTrigger tutorial: the third Friday of every month at 10:15",
       "0 15 10 ? * 5#3",
       "2026-11-01T00:00:00Z",
       {"2026-11-20T10:15:00Z", "2026-12-18T10:15:00Z"}},
      {"Quartz CronTrigger tutorial: 10:15 on the last day of every month",
       "0 15 10 L * ?",
       "2026-11-01T00:00:00Z",
       {"2026-11-30T10:15:00Z"}},
      {"Quartz CronTrigger tutorial: 15W, and the 15th is a Saturday",
       "0 0 0 15W * ?",
       "2026-08-01T00:00:00Z",
       {"2026-08-14T00:00:00Z"}},
      {"Quartz CronTrigger tutorial: 1W, and the 1st is a Saturday",
       "0 0 0 1W * ?",
       "2026-07-02T00:00:00Z",
       {"2026-08-03T00:00:00Z"}},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(cron_runs(one.text, "UTC", one.after, one.expected.size()), one.expected)
        << one.source;
  }
}

}  // namespace
}  // namespace weir::cron
