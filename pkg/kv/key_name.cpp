#include "pkg/kv/key_name.hpp"

#include <cstdint>

#include "pkg/json/view.hpp"

namespace weir::kv {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";
constexpr std::size_t kEscapeBytes = 3;

bool fits(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '/' || c == '_' || c == '=' || c == '.';
}

int hex_digit(char c) {
  const auto at = kHex.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

// Where in a name something stands.
struct Place {
  bool first = false;
  bool after_dot = false;
};

Place place_after(std::string_view before) {
  return {before.empty(), !before.empty() && before.back() == '.'};
}

// Whether an '=' before `rest` reads as an escape: two digits of a byte that is written so here.
bool is_escape(std::string_view rest, Place place) {
  if (rest.size() < 2 || hex_digit(rest[0]) < 0 || hex_digit(rest[1]) < 0) return false;
  const char byte = static_cast<char>(hex_digit(rest[0]) * 16 + hex_digit(rest[1]));
  const auto behind = rest.substr(2);
  if (byte == '.') return place.first || place.after_dot || behind.empty();
  // An '=' is written so only where it would read as an escape itself.
  if (byte == '=') return is_escape(behind, place);
  return !fits(byte);
}

}  // namespace

Result<void> check_key(std::string_view key) {
  const auto bad = [](std::string details) {
    return Error{Code::invalid,
                 "bad_key",
                 "The key is not acceptable.",
                 details,
                 {{"key", std::move(details)}}};
  };
  if (key.empty()) return bad("must not be empty");
  if (key.size() > kMaxKeyBytes) return bad("at most " + std::to_string(kMaxKeyBytes) + " bytes");
  if (!json::is_utf8(key)) return bad("must be UTF-8");
  if (key.find('\0') != std::string_view::npos) return bad("must not hold NUL");
  return {};
}

std::string encode_key(std::string_view key) {
  std::string out;
  out.reserve(key.size() + 8);
  for (std::size_t at = 0; at < key.size(); ++at) {
    const char c = key[at];
    const auto place = place_after(out);
    const bool last = at + 1 == key.size();
    const bool escaped = c == '.'   ? place.first || place.after_dot || last
                         : c == '=' ? is_escape(key.substr(at + 1), place)
                                    : !fits(c);
    if (!escaped) {
      out += c;
      continue;
    }
    const auto byte = static_cast<std::uint8_t>(c);
    out += '=';
    out += kHex[byte >> 4U];
    out += kHex[byte & 15U];
  }
  return out;
}

std::string decode_key(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (name[at] != '=' || !is_escape(name.substr(at + 1), place_after(name.substr(0, at)))) {
      out += name[at];
      continue;
    }
    out += static_cast<char>(hex_digit(name[at + 1]) * 16 + hex_digit(name[at + 2]));
    at += kEscapeBytes - 1;
  }
  return out;
}

}  // namespace weir::kv
