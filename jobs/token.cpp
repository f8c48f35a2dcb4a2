#include "jobs/token.hpp"

#include <array>
#include <charconv>

#include "pkg/base/ids.hpp"

namespace weir::jobs {
namespace {

void append_base36(std::string& out, std::int64_t number) {
  std::array<char, 16> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, 36).ptr;
  out.append(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
}

// Reads a number and what follows it: a dot, or the end when `last`.
std::optional<std::int64_t> take_number(std::string_view& text, char closing) {
  const auto end = closing == '\0' ? text.size() : text.find(closing);
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + end, number, 36);
  if (error != std::errc{} || stop != text.data() + end || number < 0) return std::nullopt;
  text.remove_prefix(closing == '\0' ? end : end + 1);
  return number;
}

}  // namespace

void append_token(std::string& out, const Token& token) {
  append_base36(out, token.row);
  out += '.';
  append_base36(out, token.fence);
  out += '.';
  append_base36(out, token.nonce);
}

std::string format_token(const Token& token) {
  std::string out;
  append_token(out, token);
  return out;
}

std::optional<Token> parse_token(std::string_view text) {
  const auto row = take_number(text, '.');
  if (!row) return std::nullopt;
  const auto fence = take_number(text, '.');
  if (!fence) return std::nullopt;
  const auto nonce = take_number(text, '\0');
  if (!nonce) return std::nullopt;
  return Token{*row, *fence, *nonce};
}

std::int64_t lease_nonce(std::uint64_t salt, std::int64_t row) {
  return static_cast<std::int64_t>(mix64(salt ^ mix64(static_cast<std::uint64_t>(row))) >> 2U);
}

}  // namespace weir::jobs
