#include "pkg/kv/glob.hpp"

#include <cstdint>

namespace weir::kv {
namespace {

std::size_t character_bytes(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() && (static_cast<std::uint8_t>(text[end]) & 0xc0U) == 0x80U) ++end;
  return end - at;
}

}  // namespace

bool matches_glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // where the last `*` stands, and what it has eaten
  std::size_t eaten = 0;
  while (t < text.size()) {
    const char c = p < pattern.size() ? pattern[p] : '\0';
    const bool literal = c == '\\' && p + 1 < pattern.size();
    if (p < pattern.size() && c == '*') {
      star = p++;
      eaten = t;
    } else if (p < pattern.size() && c == '?') {
      ++p;
      t += character_bytes(text, t);
    } else if (p < pattern.size() && (literal ? pattern[p + 1] : c) == text[t]) {
      p += literal ? 2 : 1;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++eaten;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string literal_prefix(std::string_view pattern) {
  std::string prefix;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] == '*' || pattern[at] == '?') break;
    if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
    prefix += pattern[at];
  }
  return prefix;
}

}  // namespace weir::kv
