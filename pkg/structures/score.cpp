#include "pkg/structures/score.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

namespace weir::structures {
namespace {

std::optional<double> parse_text(std::string_view text) {
  if (text == "inf" || text == "+inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  const bool digits_first = !text.empty() && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
  if (!digits_first) return std::nullopt;
  double out = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return std::isfinite(out) ? std::optional<double>(out) : std::nullopt;
}

}  // namespace

std::int64_t encode_score(double score) {
  const auto bits = std::bit_cast<std::int64_t>(score == 0 ? 0.0 : score);
  return bits >= 0 ? bits : bits ^ std::numeric_limits<std::int64_t>::max();
}

double decode_score(std::int64_t encoded) {
  return std::bit_cast<double>(encoded >= 0 ? encoded
                                            : encoded ^ std::numeric_limits<std::int64_t>::max());
}

std::optional<double> parse_score(json::View value) {
  if (!value.is_string()) return value.as_double();
  return parse_text(value.as_string().value_or(""));
}

std::optional<std::int64_t> parse_bound(json::View value, Bound side) {
  std::optional<double> score;
  bool exclusive = false;
  if (value.is_string()) {
    const std::string text = value.as_string().value_or("");
    exclusive = text.starts_with('(');
    score = parse_text(std::string_view(text).substr(exclusive ? 1 : 0));
  } else {
    score = value.as_double();
  }
  if (!score) return std::nullopt;
  const std::int64_t encoded = encode_score(*score);
  if (!exclusive) return encoded;
  return side == Bound::lower ? encoded + 1 : encoded - 1;
}

void write_score(json::Writer& out, double score) {
  if (std::isinf(score)) {
    out.value(score > 0 ? "inf" : "-inf");
  } else {
    out.value(score);
  }
}

}  // namespace weir::structures
