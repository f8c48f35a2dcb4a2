#include "pkg/cron/field.hpp"

#include <array>
#include <charconv>

namespace weir::cron {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                   "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> kDays{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};
constexpr int kSundayAgain = 7;

bool same_word(std::string_view text, std::string_view word) {
  if (text.size() != word.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char upper = text[i] >= 'a' && text[i] <= 'z' ? static_cast<char>(text[i] - 32) : text[i];
    if (upper != word[i]) return false;
  }
  return true;
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string bounds(const FieldSpec& spec) {
  return std::to_string(spec.low) + " to " + std::to_string(spec.high);
}

struct Range {
  int low;
  int high;
};

Result<Range> parse_range(const FieldSpec& spec, std::string_view text, bool stepped,
                          std::string_view item) {
  if (text == "*" || text == "?") {
    return Range{spec.low, spec.high == kSundayAgain ? kSundayAgain - 1 : spec.high};
  }
  const auto dash = text.find('-');
  WEIR_ASSIGN(const int low, parse_value(spec, text.substr(0, dash), item));
  if (dash == std::string_view::npos) {
    const int last = spec.high == kSundayAgain && low < kSundayAgain ? 6 : spec.high;
    return Range{low, stepped ? last : low};
  }
  WEIR_ASSIGN(int high, parse_value(spec, text.substr(dash + 1), item));
  if (spec.high == kSundayAgain && high == 0 && low > 0) high = kSundayAgain;
  if (high < low) return field_error(spec, item, "the range runs backwards");
  return Range{low, high};
}

}  // namespace

const FieldSpec kSecond{"second", 0, 59};
const FieldSpec kMinute{"minute", 0, 59};
const FieldSpec kHour{"hour", 0, 23};
const FieldSpec kDayOfMonth{"day of month", 1, 31};
const FieldSpec kMonth{"month", 1, 12, kMonths};
const FieldSpec kDayOfWeek{"day of week", 0, kSundayAgain, kDays};

Error field_error(const FieldSpec& spec, std::string_view item, const std::string& problem) {
  return Error{Code::invalid, "bad_cron", "The cron expression is not valid",
               std::string(spec.name) + " \"" + std::string(item.substr(0, 64)) + "\": " + problem};
}

Result<int> parse_value(const FieldSpec& spec, std::string_view text, std::string_view item) {
  for (std::size_t i = 0; i < spec.words.size(); ++i) {
    if (same_word(text, spec.words[i])) return spec.low + static_cast<int>(i);
  }
  const auto value = number(text);
  if (!value || text.front() == '-') {
    return field_error(spec, item, text.empty() ? "a value is missing" : "is not a value");
  }
  if (*value < spec.low || *value > spec.high) {
    return field_error(spec, item, "must be " + bounds(spec));
  }
  return *value;
}

Result<Bits> parse_item(const FieldSpec& spec, std::string_view item) {
  const auto slash = item.find('/');
  const bool stepped = slash != std::string_view::npos;
  WEIR_ASSIGN(const Range range, parse_range(spec, item.substr(0, slash), stepped, item));
  int step = 1;
  if (stepped) {
    const auto given = number(item.substr(slash + 1));
    const int widest = spec.high - spec.low;
    if (!given || *given < 1 || *given > widest) {
      return field_error(spec, item, "the step must be 1 to " + std::to_string(widest));
    }
    step = *given;
  }
  Bits bits = 0;
  for (int value = range.low; value <= range.high; value += step) {
    bits |= Bits{1} << static_cast<unsigned>(value);
  }
  return bits;
}

Result<Bits> parse_field(const FieldSpec& spec, std::string_view text) {
  Bits bits = 0;
  WEIR_TRY(for_each_item(text, [&](std::string_view item) -> Result<void> {
    WEIR_ASSIGN(const Bits more, parse_item(spec, item));
    bits |= more;
    return {};
  }));
  return bits;
}

}  // namespace weir::cron
