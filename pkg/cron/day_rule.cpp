#include "pkg/cron/day_rule.hpp"

#include <charconv>

namespace weir::cron {
namespace {

using std::chrono::days;
using std::chrono::local_days;
using std::chrono::year_month_day;

constexpr unsigned kSaturday = 6;

bool starts_open(std::string_view field) {
  return field.starts_with('*') || field.starts_with('?');
}

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

bool ends_with_letter(std::string_view item, char letter) {
  return !item.empty() && upper(item.back()) == letter;
}

unsigned week_day(local_days day) {
  return std::chrono::weekday(day).c_encoding();
}

unsigned last_day(year_month_day date) {
  const auto last = date.year() / date.month() / std::chrono::last;
  return static_cast<unsigned>(last.day());
}

// The day of the month on which a run for the `wanted` day happens: the nearest Monday to Friday.
unsigned nearest_weekday(year_month_day date, unsigned wanted) {
  const unsigned last = last_day(date);
  const auto on = local_days(date.year() / date.month() / std::chrono::day(wanted));
  if (week_day(on) == kSaturday) return wanted == 1 ? 3 : wanted - 1;
  if (week_day(on) == 0) return wanted == last ? wanted - 2 : wanted + 1;
  return wanted;
}

Bits bit(int value) {
  return Bits{1} << static_cast<unsigned>(value);
}

}  // namespace

Result<DayRule> DayRule::parse(std::string_view day_of_month, std::string_view day_of_week) {
  DayRule rule;
  WEIR_TRY(for_each_item(day_of_month,
                         [&](std::string_view item) { return rule.add_month_item(item); }));
  WEIR_TRY(
      for_each_item(day_of_week, [&](std::string_view item) { return rule.add_week_item(item); }));
  rule.either_ = !starts_open(day_of_month) && !starts_open(day_of_week);
  return rule;
}

Result<void> DayRule::add_month_item(std::string_view item) {
  const bool from_last = !item.empty() && upper(item.front()) == 'L';
  if (from_last && item.size() == 2 && ends_with_letter(item, 'W')) {
    last_weekday_ = true;
    return {};
  }
  if (from_last) {
    int before = 0;
    const char* end = item.data() + item.size();
    const bool plain = item.size() == 1;
    if (!plain) {
      const auto parsed = std::from_chars(item.data() + 2, end, before);
      const bool good = item.size() > 2 && item[1] == '-' && parsed.ptr == end &&
                        parsed.ec == std::errc{} && before >= 0 && before <= 30;
      if (!good) return field_error(kDayOfMonth, item, "must be L, LW, or L-0 to L-30");
    }
    from_last_ |= bit(before);
    return {};
  }
  if (ends_with_letter(item, 'W')) {
    WEIR_ASSIGN(const int day, parse_value(kDayOfMonth, item.substr(0, item.size() - 1), item));
    nearest_weekday_ |= bit(day);
    return {};
  }
  WEIR_ASSIGN(const Bits bits, parse_item(kDayOfMonth, item));
  month_days_ |= bits;
  return {};
}

Result<void> DayRule::add_week_item(std::string_view item) {
  if (const auto hash = item.find('#'); hash != std::string_view::npos) {
    WEIR_ASSIGN(const int day, parse_value(kDayOfWeek, item.substr(0, hash), item));
    const auto nth = item.substr(hash + 1);
    if (nth.size() != 1 || nth[0] < '1' || nth[0] > '5') {
      return field_error(kDayOfWeek, item, "after # stands 1 to 5");
    }
    nth_[static_cast<std::size_t>(nth[0] - '1')] |= bit(day % 7);
    return {};
  }
  if (item.size() == 1 && ends_with_letter(item, 'L')) {
    return field_error(kDayOfWeek, item, "L needs a day before it: 5L is the last Friday");
  }
  if (ends_with_letter(item, 'L')) {
    WEIR_ASSIGN(const int day, parse_value(kDayOfWeek, item.substr(0, item.size() - 1), item));
    last_week_days_ |= bit(day % 7);
    return {};
  }
  WEIR_ASSIGN(Bits bits, parse_item(kDayOfWeek, item));
  if (has_bit(bits, 7)) bits |= 1U;
  week_days_ |= bits & 0x7FU;
  return {};
}

bool DayRule::matches(local_days day) const {
  const year_month_day date(day);
  const bool month = matches_month(date);
  const bool week = matches_week(date, day);
  return either_ ? month || week : month && week;
}

bool DayRule::matches_month(year_month_day date) const {
  const auto day = static_cast<unsigned>(date.day());
  const unsigned last = last_day(date);
  if (has_bit(month_days_, day) || has_bit(from_last_, last - day)) return true;
  if (last_weekday_ && nearest_weekday(date, last) == day) return true;
  if (nearest_weekday_ == 0) return false;
  for (unsigned wanted = 1; wanted <= last; ++wanted) {
    if (has_bit(nearest_weekday_, wanted) && nearest_weekday(date, wanted) == day) return true;
  }
  return false;
}

bool DayRule::matches_week(year_month_day date, local_days on) const {
  const auto day = static_cast<unsigned>(date.day());
  const unsigned week = week_day(on);
  if (has_bit(week_days_, week)) return true;
  if (has_bit(last_week_days_, week) && day + 7 > last_day(date)) return true;
  return has_bit(nth_[(day - 1) / 7], week);
}

}  // namespace weir::cron
