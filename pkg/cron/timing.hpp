// Timing: when a schedule runs: a cron expression in a time zone, or an interval; from a start
// until an end. Whole seconds.
//
// An interval counts from the start, or from 1970-01-01T00:00:00Z when there is none: when it runs
// does not depend on when it was made. It knows no time zone and no change of the clocks.
// Immutable. Thread-safe.
#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/cron/expression.hpp"

namespace weir::cron {

inline constexpr Millis kShortestInterval{1'000};
inline constexpr Millis kLongestInterval{std::chrono::hours(24 * 366)};

class Timing {
 public:
  struct Bounds {
    std::optional<Timestamp> start;  // no run before
    std::optional<Timestamp> end;    // no run after
  };

  // `text` is an expression or "@every 1h30m". Errors: invalid / bad_cron, bad_interval,
  // unknown_time_zone.
  static Result<Timing> from_cron(std::string_view text, std::string_view zone, Bounds bounds);
  // Error: invalid / bad_interval.
  static Result<Timing> from_interval(Millis interval, Bounds bounds);

  // The first run later than `after`; empty when there is none.
  std::optional<Timestamp> next(Timestamp after) const;
  // The first runs later than `after` and not later than `until`, at most `limit`.
  std::vector<Timestamp> list(Timestamp after, Timestamp until, std::size_t limit) const;

 private:
  struct Cron {
    Expression expression;
    Zone zone;
  };
  using Rule = std::variant<Cron, std::chrono::seconds>;

  Timing(Rule rule, Bounds bounds) : rule_(std::move(rule)), bounds_(bounds) {}
  std::optional<SysSeconds> next_of_rule(SysSeconds after) const;

  Rule rule_;
  Bounds bounds_;
};

}  // namespace weir::cron
