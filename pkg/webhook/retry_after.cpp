#include "pkg/webhook/retry_after.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace weir::webhook {
namespace {

constexpr std::int64_t kMostSeconds = 366LL * 24 * 3'600;
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || value < 0) return std::nullopt;
  return value;
}

// "Sun, 06 Nov 1994 08:49:37 GMT", the one form that is sent today.
std::optional<Timestamp> parse_date(std::string_view text) {
  if (text.size() != 29 || text.substr(25) != " GMT") return std::nullopt;
  const auto day = number(text.substr(5, 2));
  const auto* const month = std::ranges::find(kMonths, text.substr(8, 3));
  const auto year = number(text.substr(12, 4));
  const auto hour = number(text.substr(17, 2));
  const auto minute = number(text.substr(20, 2));
  const auto second = number(text.substr(23, 2));
  if (!day || month == kMonths.end() || !year || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{
      std::chrono::year(static_cast<int>(*year)),
      std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
      std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

}  // namespace

Millis parse_retry_after(std::string_view text, Timestamp now) {
  if (const auto seconds = number(text)) {
    return std::chrono::seconds(std::min(*seconds, kMostSeconds));
  }
  const auto date = parse_date(text);
  if (!date) return Millis{0};
  return std::clamp<Millis>(*date - now, Millis{0}, std::chrono::seconds(kMostSeconds));
}

}  // namespace weir::webhook
