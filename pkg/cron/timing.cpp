#include "pkg/cron/timing.hpp"

#include <algorithm>

#include "pkg/base/time_text.hpp"

namespace weir::cron {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;

constexpr std::string_view kEvery = "@every";

std::string_view without_blanks_before(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text;
}

// The last whole second that is not later.
SysSeconds whole(Timestamp time) {
  return std::chrono::floor<seconds>(time);
}

}  // namespace

Result<Timing> Timing::from_cron(std::string_view text, std::string_view zone, Bounds bounds) {
  text = without_blanks_before(text);
  if (text.starts_with(kEvery)) {
    const auto interval = parse_duration(without_blanks_before(text.substr(kEvery.size())));
    if (!interval) {
      return Error{Code::invalid, "bad_interval", "The interval is not valid",
                   "after @every stands a duration like 1h30m"};
    }
    return from_interval(*interval, bounds);
  }
  WEIR_ASSIGN(auto expression, Expression::parse(text));
  WEIR_ASSIGN(auto found, Zone::find(zone));
  return Timing(Cron{expression, std::move(found)}, bounds);
}

Result<Timing> Timing::from_interval(Millis interval, Bounds bounds) {
  if (interval < kShortestInterval || interval > kLongestInterval || interval % 1s != 0ms) {
    return Error{Code::invalid, "bad_interval", "The interval is not valid",
                 "must be whole seconds, 1 s to 366 d"};
  }
  return Timing(std::chrono::duration_cast<seconds>(interval), bounds);
}

std::optional<SysSeconds> Timing::next_of_rule(SysSeconds after) const {
  if (const auto* cron = std::get_if<Cron>(&rule_)) {
    return cron->expression.next(cron->zone, after);
  }
  const seconds interval = std::get<seconds>(rule_);
  const SysSeconds anchor =
      bounds_.start ? std::chrono::ceil<seconds>(*bounds_.start) : SysSeconds{};
  if (after < anchor) {
    const seconds before = (anchor - after - 1s) / interval * interval;
    return anchor - before;
  }
  return anchor + ((after - anchor) / interval + 1) * interval;
}

std::optional<Timestamp> Timing::next(Timestamp after) const {
  if (bounds_.start) after = std::max(after, *bounds_.start - Millis{1});
  const auto time = next_of_rule(whole(after));
  if (!time || (bounds_.end && *time > *bounds_.end)) return std::nullopt;
  return Timestamp(*time);
}

std::vector<Timestamp> Timing::list(Timestamp after, Timestamp until, std::size_t limit) const {
  std::vector<Timestamp> out;
  while (out.size() < limit) {
    const auto time = next(after);
    if (!time || *time > until) return out;
    out.push_back(*time);
    after = *time;
  }
  return out;
}

}  // namespace weir::cron
