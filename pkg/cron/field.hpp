// One field of a cron expression: a list of values, ranges and steps.
//
//   field = item {"," item}        item = ("*" | "?" | value | value "-" value) ["/" step]
//
// A value with a step but without an end means "until the highest": 5/15 in minutes is 5,20,35,50
// (robfig/cron, doc.go, "Slashes"). A range does not run backwards; only Sunday may end one
// (FRI-SUN). A step is at most the width of the field: a larger one is a mistake.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "pkg/base/result.hpp"

namespace weir::cron {

struct FieldSpec {
  std::string_view name;  // for messages: "minute"
  int low;
  int high;
  std::span<const std::string_view> words = {};  // three letters each, from `low`; MON, JAN
};

extern const FieldSpec kSecond, kMinute, kHour, kDayOfMonth, kMonth, kDayOfWeek;

// A set of values below 64, one bit each.
using Bits = std::uint64_t;

constexpr bool has_bit(Bits bits, unsigned value) {
  return ((bits >> value) & 1U) != 0;
}

// Error: invalid / bad_cron, naming field and item.
Error field_error(const FieldSpec& spec, std::string_view item, const std::string& problem);
// A number or a word. In days of the week 7 stays 7 here.
Result<int> parse_value(const FieldSpec& spec, std::string_view text, std::string_view item);
// One item of the list.
Result<Bits> parse_item(const FieldSpec& spec, std::string_view item);
Result<Bits> parse_field(const FieldSpec& spec, std::string_view text);

// Calls `each` for the parts between commas, until one fails.
template <class Each>
Result<void> for_each_item(std::string_view text, Each each) {
  for (;;) {
    const auto comma = text.find(',');
    if (auto done = each(text.substr(0, comma)); !done) return done;
    if (comma == std::string_view::npos) return {};
    text.remove_prefix(comma + 1);
  }
}

}  // namespace weir::cron
