#include "jobs/list_place.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "jobs/status.hpp"

namespace weir::jobs {
namespace {

// Keys are any bytes: two hexadecimal digits each.
void append_hex(std::string& out, std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    out += kDigits[value >> 4U];
    out += kDigits[value & 15U];
  }
}

std::optional<std::string> parse_hex(std::string_view text) {
  std::string out;
  if (text.size() % 2 != 0) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data() + i, text.data() + i + 2, value, 16);
    if (error != std::errc{} || end != text.data() + i + 2) return std::nullopt;
    out += static_cast<char>(value);
  }
  return out;
}

}  // namespace

std::string format_place(const Place& place) {
  std::string out;
  for (const auto part : {place.status, place.queue, place.priority, place.at, place.row}) {
    if (!out.empty()) out += '-';
    out += std::to_string(part);
  }
  if (!place.key.empty() || !place.target.empty()) {
    out += '-';
    append_hex(out, place.key);
  }
  if (!place.target.empty()) {
    out += '-';
    append_hex(out, place.target);
  }
  return out;
}

std::optional<Place> parse_place(std::string_view text) {
  std::array<std::int64_t, 5> parts{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parts[i]);
    if (error != std::errc{} || parts[i] < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (i + 1 == parts.size()) break;
    if (text.empty() || text[0] != '-') return std::nullopt;
    text.remove_prefix(1);
  }
  std::optional<std::string> key = "";
  std::optional<std::string> target = "";
  if (!text.empty() && text[0] == '-') {
    const auto second = std::min(text.find('-', 1), text.size());
    key = parse_hex(text.substr(1, second - 1));
    if (second < text.size()) target = parse_hex(text.substr(second + 1));
  }
  if ((!text.empty() && text[0] != '-') || !key || !target ||
      parts[0] > static_cast<std::int64_t>(kStatusCount) || parts[2] > kMaxPriority) {
    return std::nullopt;
  }
  return Place{parts[0], parts[1],        parts[2],           parts[3],
               parts[4], std::move(*key), std::move(*target), true};
}

}  // namespace weir::jobs
