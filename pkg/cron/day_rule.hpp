// DayRule: the days of a cron expression, from its fields day of month and day of week.
//
// When both fields restrict, a day needs only one of them; when one begins with "*" or is "?", it
// needs both (crontab(5) of Vixie cron, and its entry.c for "begins with"). Beyond lists and
// ranges, with the meaning of Quartz (CronTrigger tutorial, "Special characters"):
//
//   day of month   L      the last day          L-3   three days before the last
//                  15W    the weekday (Monday to Friday) nearest to the 15th, in the same month
//                  LW     the last weekday      a day that a month lacks is not moved: 31W in June
//   day of week    5L     the last Friday       5#2   the second Friday; no fifth one: no day
#pragma once

#include <array>
#include <chrono>
#include <string_view>

#include "pkg/base/result.hpp"
#include "pkg/cron/field.hpp"

namespace weir::cron {

class DayRule {
 public:
  // Error: invalid / bad_cron.
  static Result<DayRule> parse(std::string_view day_of_month, std::string_view day_of_week);

  bool matches(std::chrono::local_days day) const;

 private:
  DayRule() = default;

  Result<void> add_month_item(std::string_view item);
  Result<void> add_week_item(std::string_view item);
  bool matches_month(std::chrono::year_month_day date) const;
  bool matches_week(std::chrono::year_month_day date, std::chrono::local_days day) const;

  Bits month_days_ = 0;        // 1 to 31
  Bits from_last_ = 0;         // days before the last, 0 to 30
  Bits nearest_weekday_ = 0;   // 1 to 31
  bool last_weekday_ = false;  // LW
  Bits week_days_ = 0;         // 0 to 6, Sunday is 0
  Bits last_week_days_ = 0;    // the last of the month
  std::array<Bits, 5> nth_{};  // the first, second, ... of the month
  bool either_ = false;        // both fields restrict
};

}  // namespace weir::cron
