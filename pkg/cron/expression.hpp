// Expression: a cron expression of 5 fields (minute, hour, day of month, month, day of week) or 6
// (seconds first), or a macro: @yearly (@annually), @monthly, @weekly, @daily (@midnight), @hourly.
//
// When the clocks change (docs/schedules.md has the table):
//   - An expression whose hours leave none out runs whenever the wall clock shows a time that
//     matches: a time that is skipped has no run, one that comes twice has two.
//   - Any other expression names times of the day: one that is skipped runs at the first moment
//     after the gap (several of them once), one that comes twice runs the first time only.
//
// Immutable. Thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "pkg/base/result.hpp"
#include "pkg/cron/day_rule.hpp"
#include "pkg/cron/zone.hpp"

namespace weir::cron {

class Expression {
 public:
  // Errors: invalid / bad_cron, also for an expression that never matches (30 February).
  static Result<Expression> parse(std::string_view text);

  // The first run later than `after`; empty when there is none.
  std::optional<SysSeconds> next(const Zone& zone, SysSeconds after) const;

 private:
  explicit Expression(DayRule days) : days_(days) {}

  std::optional<LocalSeconds> next_match(LocalSeconds from) const;
  std::optional<int> next_in_day(int from) const;
  std::optional<SysSeconds> next_on_clock(const Zone& zone, SysSeconds after) const;
  std::optional<SysSeconds> next_elapsed(const Zone& zone, SysSeconds after) const;

  Bits seconds_ = 0;
  Bits minutes_ = 0;
  Bits hours_ = 0;
  Bits months_ = 0;
  DayRule days_;
};

}  // namespace weir::cron
