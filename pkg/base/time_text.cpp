#include "pkg/base/time_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <limits>

namespace weir {
namespace {

// What four digits of a year can say.
constexpr Timestamp kFirstTime = std::chrono::sys_days{std::chrono::year{0} / 1 / 1};
constexpr Timestamp kLastTime =
    std::chrono::sys_days{std::chrono::year{10'000} / 1 / 1} - std::chrono::milliseconds{1};

Error bad_time(std::string_view text) {
  return Error{Code::invalid, "bad_time", "not an RFC 3339 time",
               "got \"" + std::string(text) + "\", want 2026-11-21T10:30:00.000Z"};
}

Error bad_duration(std::string_view text) {
  return Error{Code::invalid, "bad_duration", "not a duration",
               "got \"" + std::string(text) + "\", want for example 1h30m, 45s or 250ms"};
}

bool digits(std::string_view text, std::size_t at, std::size_t count, int& out) {
  if (at + count > text.size()) return false;
  out = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    out = out * 10 + (text[i] - '0');
  }
  return true;
}

void append_padded(std::string& out, int value, int width) {
  std::array<char, 12> buffer{};
  int at = width;
  for (int i = 0; i < width; ++i) {
    buffer[static_cast<std::size_t>(--at)] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(buffer.data(), static_cast<std::size_t>(width));
}

}  // namespace

void append_rfc3339(std::string& out, Timestamp time) {
  time = std::clamp(time, kFirstTime, kLastTime);
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const auto in_day = static_cast<int>((time - day).count());
  append_padded(out, static_cast<int>(date.year()), 4);
  out += '-';
  append_padded(out, static_cast<int>(static_cast<unsigned>(date.month())), 2);
  out += '-';
  append_padded(out, static_cast<int>(static_cast<unsigned>(date.day())), 2);
  out += 'T';
  append_padded(out, in_day / 3'600'000, 2);
  out += ':';
  append_padded(out, in_day / 60'000 % 60, 2);
  out += ':';
  append_padded(out, in_day / 1000 % 60, 2);
  out += '.';
  append_padded(out, in_day % 1000, 3);
  out += 'Z';
}

std::string format_rfc3339(Timestamp time) {
  std::string out;
  out.reserve(24);
  append_rfc3339(out, time);
  return out;
}

std::string format_http_date(Timestamp time) {
  static constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed",
                                                         "Thu", "Fri", "Sat"};
  static constexpr std::array<std::string_view, 12> kMonths{
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  time = std::clamp(time, kFirstTime, kLastTime);
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const auto in_day = static_cast<int>((time - day).count());
  std::string out;
  out.append(kDays[std::chrono::weekday(day).c_encoding()]).append(", ");
  append_padded(out, static_cast<int>(static_cast<unsigned>(date.day())), 2);
  out.append(" ").append(kMonths[static_cast<unsigned>(date.month()) - 1]).append(" ");
  append_padded(out, static_cast<int>(date.year()), 4);
  out += ' ';
  append_padded(out, in_day / 3'600'000, 2);
  out += ':';
  append_padded(out, in_day / 60'000 % 60, 2);
  out += ':';
  append_padded(out, in_day / 1000 % 60, 2);
  return out.append(" GMT");
}

Result<Timestamp> parse_rfc3339(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  const bool shape = text.size() >= 20 && digits(text, 0, 4, year) && text[4] == '-' &&
                     digits(text, 5, 2, month) && text[7] == '-' && digits(text, 8, 2, day) &&
                     (text[10] == 'T' || text[10] == 't' || text[10] == ' ') &&
                     digits(text, 11, 2, hour) && text[13] == ':' && digits(text, 14, 2, minute) &&
                     text[16] == ':' && digits(text, 17, 2, second);
  if (!shape || hour > 23 || minute > 59 || second > 60) return bad_time(text);
  std::size_t at = 19;
  int fraction_ms = 0;
  if (text[at] == '.') {
    ++at;
    int scale = 100;
    const std::size_t first = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      fraction_ms += (text[at] - '0') * scale;
      scale /= 10;
      ++at;
    }
    if (at == first || at - first > 9) return bad_time(text);
  }
  int offset_minutes = 0;
  if (at + 1 == text.size() && (text[at] == 'Z' || text[at] == 'z')) {
    offset_minutes = 0;
  } else if (at + 6 == text.size() && (text[at] == '+' || text[at] == '-') && text[at + 3] == ':') {
    int offset_hour = 0, offset_minute = 0;
    if (!digits(text, at + 1, 2, offset_hour) || !digits(text, at + 4, 2, offset_minute) ||
        offset_hour > 23 || offset_minute > 59) {
      return bad_time(text);
    }
    offset_minutes = (offset_hour * 60 + offset_minute) * (text[at] == '-' ? -1 : 1);
  } else {
    return bad_time(text);
  }
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return bad_time(text);
  return Timestamp{std::chrono::sys_days{date}} + std::chrono::hours{hour} +
         std::chrono::minutes{minute - offset_minutes} + std::chrono::seconds{second} +
         Millis{fraction_ms};
}

Result<Millis> parse_duration(std::string_view text) {
  std::int64_t total = 0;
  std::size_t at = 0;
  bool any = false;
  while (at < text.size()) {
    if (text[at] == ' ' && any) {
      ++at;
      continue;
    }
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), number);
    if (error != std::errc{} || number < 0 || text[at] == '-') return bad_duration(text);
    at = static_cast<std::size_t>(end - text.data());
    std::size_t unit_end = at;
    while (unit_end < text.size() && text[unit_end] >= 'a' && text[unit_end] <= 'z') ++unit_end;
    const auto unit = text.substr(at, unit_end - at);
    std::int64_t factor = 0;
    if (unit == "ms") factor = 1;
    if (unit == "s") factor = 1000;
    if (unit == "m") factor = 60'000;
    if (unit == "h") factor = 3'600'000;
    if (unit == "d") factor = 86'400'000;
    if (unit == "w") factor = 604'800'000;
    std::int64_t part = 0;
    if (factor == 0 || __builtin_mul_overflow(number, factor, &part) ||
        __builtin_add_overflow(total, part, &total)) {
      return bad_duration(text);
    }
    at = unit_end;
    any = true;
  }
  if (!any) return bad_duration(text);
  return Millis{total};
}

std::string format_duration(Millis duration) {
  const std::int64_t ms = duration.count();
  // Millis::min() has no positive twin.
  if (ms < 0) return "-" + format_duration(Millis{-std::max(ms, -Millis::max().count())});
  if (ms < 1000) return std::to_string(ms) + "ms";
  struct Unit {
    std::int64_t size;
    const char* name;
  };
  constexpr std::array<Unit, 4> kUnits{
      {{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1000, "s"}}};
  std::string out;
  std::int64_t rest = ms;
  for (std::size_t i = 0; i < kUnits.size(); ++i) {
    if (rest < kUnits[i].size) continue;
    out += std::to_string(rest / kUnits[i].size) + kUnits[i].name;
    rest %= kUnits[i].size;
    if (i + 1 < kUnits.size() && rest >= kUnits[i + 1].size) {
      out += std::to_string(rest / kUnits[i + 1].size) + kUnits[i + 1].name;
    }
    break;
  }
  return out;
}

}  // namespace weir
