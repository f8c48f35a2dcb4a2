#include "pkg/cron/expression.hpp"

#include <array>
#include <bit>
#include <string>
#include <utility>
#include <vector>

namespace weir::cron {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using std::chrono::local_days;
using std::chrono::seconds;

constexpr Bits kEveryHour = (Bits{1} << 24U) - 1;
// The days of the week fall on the same dates again after 28 years, or 40 around a year like 2100
// that is no leap year: who matches no day by then never does.
constexpr std::chrono::years kLongestWait{41};
constexpr int kMinuteSeconds = 60;
constexpr int kHourSeconds = 3'600;

Error bad_cron(std::string details) {
  return Error{Code::invalid, "bad_cron", "The cron expression is not valid", std::move(details)};
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (;;) {
    const auto begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return words;
    const auto end = text.find_first_of(" \t", begin);
    words.push_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return words;
    text.remove_prefix(end);
  }
}

// crontab(5) of Vixie cron, "Extensions".
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kMacros{
    {{"@yearly", "0 0 1 1 *"},
     {"@annually", "0 0 1 1 *"},
     {"@monthly", "0 0 1 * *"},
     {"@weekly", "0 0 * * 0"},
     {"@daily", "0 0 * * *"},
     {"@midnight", "0 0 * * *"},
     {"@hourly", "0 * * * *"}}};

Result<std::string_view> expand(std::string_view text) {
  if (!text.starts_with('@')) return text;
  for (const auto& [macro, meaning] : kMacros) {
    if (text == macro) return meaning;
  }
  return bad_cron(
      "\"" + std::string(text.substr(0, 64)) +
      "\": the macros are @yearly, @monthly, @weekly, @daily, @hourly and @every 1h30m");
}

// The lowest value of the set that is at least `from`.
std::optional<int> at_least(Bits bits, int from) {
  if (from > 63) return std::nullopt;
  const Bits rest = bits >> static_cast<unsigned>(from);
  if (rest == 0) return std::nullopt;
  return from + std::countr_zero(rest);
}

}  // namespace

Result<Expression> Expression::parse(std::string_view text) {
  auto words = words_of(text);
  if (words.size() == 1) {
    WEIR_ASSIGN(const auto meaning, expand(words[0]));
    words = words_of(meaning);
  }
  if (!words.empty() && words[0].find('=') != std::string_view::npos) {
    return bad_cron("a time zone does not belong here: it has a field of its own, time_zone");
  }
  if (words.size() != 5 && words.size() != 6) {
    return bad_cron(
        "must have 5 fields (minute, hour, day of month, month, day of week) or 6 "
        "(second first), not " +
        std::to_string(words.size()));
  }
  if (words.size() == 5) words.insert(words.begin(), "0");
  WEIR_ASSIGN(auto rule, DayRule::parse(words[3], words[5]));
  Expression out(rule);
  WEIR_ASSIGN(out.seconds_, parse_field(kSecond, words[0]));
  WEIR_ASSIGN(out.minutes_, parse_field(kMinute, words[1]));
  WEIR_ASSIGN(out.hours_, parse_field(kHour, words[2]));
  WEIR_ASSIGN(out.months_, parse_field(kMonth, words[4]));
  if (!out.next_match(LocalSeconds{})) return bad_cron("there is no such day in any year");
  return out;
}

std::optional<SysSeconds> Expression::next(const Zone& zone, SysSeconds after) const {
  return hours_ == kEveryHour ? next_elapsed(zone, after) : next_on_clock(zone, after);
}

std::optional<SysSeconds> Expression::next_on_clock(const Zone& zone, SysSeconds after) const {
  LocalSeconds from = zone.to_local(after) + 1s;
  for (;;) {
    const auto match = next_match(from);
    if (!match) return std::nullopt;
    if (const auto time = zone.first_moment(*match); time > after) return time;
    from = *match + 1s;  // the second time that the wall clock shows it
  }
}

std::optional<SysSeconds> Expression::next_elapsed(const Zone& zone, SysSeconds after) const {
  SysSeconds from = after + 1s;
  for (;;) {
    const auto period = zone.period_at(from);
    const auto match = next_match(LocalSeconds(from.time_since_epoch() + period.offset));
    if (!match) return std::nullopt;
    const SysSeconds time(match->time_since_epoch() - period.offset);
    if (time < period.end) return time;
    from = period.end;
  }
}

std::optional<LocalSeconds> Expression::next_match(LocalSeconds from) const {
  auto day = std::chrono::floor<days>(from);
  auto in_day = static_cast<int>((from - day).count());
  const auto last_year = std::chrono::year_month_day(day).year() + kLongestWait;
  for (;;) {
    const std::chrono::year_month_day date(day);
    if (date.year() > last_year) return std::nullopt;
    if (!has_bit(months_, static_cast<unsigned>(date.month()))) {
      day = local_days((date.year() / date.month() + std::chrono::months(1)) / 1);
      in_day = 0;
      continue;
    }
    if (days_.matches(day)) {
      if (const auto time = next_in_day(in_day)) return day + seconds(*time);
    }
    day += days(1);
    in_day = 0;
  }
}

// Seconds since midnight, at least `from`.
std::optional<int> Expression::next_in_day(int from) const {
  int hour = from / kHourSeconds;
  int minute = from % kHourSeconds / kMinuteSeconds;
  int second = from % kMinuteSeconds;
  for (;;) {
    const auto next_hour = at_least(hours_, hour);
    if (!next_hour) return std::nullopt;
    if (*next_hour > hour) minute = second = 0;
    hour = *next_hour;
    const auto next_minute = at_least(minutes_, minute);
    if (next_minute && *next_minute > minute) second = 0;
    if (next_minute) {
      if (const auto next_second = at_least(seconds_, second)) {
        return hour * kHourSeconds + *next_minute * kMinuteSeconds + *next_second;
      }
      minute = *next_minute + 1;
    } else {
      ++hour;
      minute = 0;
    }
    second = 0;
  }
}

}  // namespace weir::cron
