#include "pkg/json/view.hpp"

#include <charconv>
#include <cmath>
#include <cstring>

namespace weir::json {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

std::string_view trim_left(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && is_space(text[at])) ++at;
  return text.substr(at);
}

// `text` starts with a quote; returns the index past the closing quote.
std::size_t skip_string(std::string_view text) {
  std::size_t from = 1;
  while (from < text.size()) {
    const void* hit = std::memchr(text.data() + from, '"', text.size() - from);
    if (hit == nullptr) return text.size();
    const auto quote = static_cast<std::size_t>(static_cast<const char*>(hit) - text.data());
    std::size_t slashes = 0;
    while (quote - slashes > 1 && text[quote - slashes - 1] == '\\') ++slashes;
    if (slashes % 2 == 0) return quote + 1;
    from = quote + 1;
  }
  return text.size();
}

// `text` starts with a value; returns the index past it.
std::size_t skip_value(std::string_view text) {
  if (text.empty()) return 0;
  if (text[0] == '"') return skip_string(text);
  if (text[0] != '{' && text[0] != '[') {
    std::size_t at = 0;
    while (at < text.size() && text[at] != ',' && text[at] != '}' && text[at] != ']' &&
           !is_space(text[at])) {
      ++at;
    }
    return at;
  }
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size();) {
    switch (text[at]) {
      case '"':
        at += skip_string(text.substr(at));
        continue;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (--depth == 0) return at + 1;
        break;
      default:
        break;
    }
    ++at;
  }
  return text.size();
}

void append_utf8(std::string& out, std::uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xc0U | (point >> 6U));
    out += static_cast<char>(0x80U | (point & 0x3fU));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xe0U | (point >> 12U));
    out += static_cast<char>(0x80U | ((point >> 6U) & 0x3fU));
    out += static_cast<char>(0x80U | (point & 0x3fU));
  } else {
    out += static_cast<char>(0xf0U | (point >> 18U));
    out += static_cast<char>(0x80U | ((point >> 12U) & 0x3fU));
    out += static_cast<char>(0x80U | ((point >> 6U) & 0x3fU));
    out += static_cast<char>(0x80U | (point & 0x3fU));
  }
}

std::uint32_t hex4(std::string_view text, std::size_t at) {
  std::uint32_t value = 0;
  if (at + 4 <= text.size()) std::from_chars(text.data() + at, text.data() + at + 4, value, 16);
  return value;
}

}  // namespace

View::View(std::string_view text) {
  text = trim_left(text);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  text_ = text;
}

Kind View::kind() const {
  if (text_.empty()) return Kind::missing;
  switch (text_[0]) {
    case '{':
      return Kind::object;
    case '[':
      return Kind::array;
    case '"':
      return Kind::string;
    case 't':
    case 'f':
      return Kind::boolean;
    case 'n':
      return Kind::null;
    default:
      return Kind::number;
  }
}

std::optional<bool> View::as_bool() const {
  if (text_ == "true") return true;
  if (text_ == "false") return false;
  return std::nullopt;
}

std::optional<std::int64_t> View::as_int() const {
  if (kind() != Kind::number) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
  if (error == std::errc{} && end == text_.data() + text_.size()) return value;
  const auto real = as_double();
  // 2^53: beyond it a double no longer names one whole number.
  if (real && *real == std::floor(*real) && std::abs(*real) <= 9007199254740992.0) {
    return static_cast<std::int64_t>(*real);
  }
  return std::nullopt;
}

std::optional<double> View::as_double() const {
  if (kind() != Kind::number) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
  if (end != text_.data() + text_.size()) return std::nullopt;
  // check() lets no overflow pass, so what is out of range is too small to tell from zero.
  if (error == std::errc::result_out_of_range) return 0.0;
  if (error != std::errc{}) return std::nullopt;
  return value;
}

std::optional<std::string_view> View::as_plain_string() const {
  if (kind() != Kind::string || text_.size() < 2) return std::nullopt;
  const auto inside = text_.substr(1, text_.size() - 2);
  if (inside.find('\\') != std::string_view::npos) return std::nullopt;
  return inside;
}

std::optional<std::string> View::as_string() const {
  if (kind() != Kind::string || text_.size() < 2) return std::nullopt;
  return unescape(text_.substr(1, text_.size() - 2));
}

View View::find(std::string_view key) const {
  for (const auto& member : members()) {
    const bool escaped = member.raw_key.find('\\') != std::string_view::npos;
    if (escaped ? member.key() == key : member.raw_key == key) return member.value;
  }
  return View();
}

Members View::members() const {
  if (kind() != Kind::object || text_.size() < 2) return Members(std::string_view());
  return Members(text_.substr(1, text_.size() - 2));
}

Elements View::elements() const {
  if (kind() != Kind::array || text_.size() < 2) return Elements(std::string_view());
  return Elements(text_.substr(1, text_.size() - 2));
}

std::string Member::key() const {
  return unescape(raw_key);
}

void Members::Iterator::advance() {
  rest_ = trim_left(rest_);
  if (!rest_.empty() && rest_[0] == ',') rest_ = trim_left(rest_.substr(1));
  if (rest_.size() < 2 || rest_[0] != '"') {
    done_ = true;
    return;
  }
  const std::size_t key_end = skip_string(rest_);
  current_.raw_key = rest_.substr(1, key_end - 2);
  rest_ = trim_left(rest_.substr(key_end));
  if (!rest_.empty() && rest_[0] == ':') rest_ = trim_left(rest_.substr(1));
  const std::size_t value_end = skip_value(rest_);
  current_.value = View(rest_.substr(0, value_end));
  rest_ = rest_.substr(value_end);
}

void Elements::Iterator::advance() {
  rest_ = trim_left(rest_);
  if (!rest_.empty() && rest_[0] == ',') rest_ = trim_left(rest_.substr(1));
  if (rest_.empty()) {
    done_ = true;
    return;
  }
  const std::size_t end = skip_value(rest_);
  if (end == 0) {
    done_ = true;
    return;
  }
  current_ = View(rest_.substr(0, end));
  rest_ = rest_.substr(end);
}

std::string unescape(std::string_view inside) {
  std::string out;
  out.reserve(inside.size());
  for (std::size_t at = 0; at < inside.size(); ++at) {
    if (inside[at] != '\\' || at + 1 >= inside.size()) {
      out += inside[at];
      continue;
    }
    ++at;
    switch (inside[at]) {
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'u': {
        std::uint32_t point = hex4(inside, at + 1);
        at += 4;
        const bool high = point >= 0xd800 && point < 0xdc00;
        if (high && at + 2 < inside.size() && inside[at + 1] == '\\' && inside[at + 2] == 'u') {
          const std::uint32_t low = hex4(inside, at + 3);
          if (low >= 0xdc00 && low < 0xe000) {
            point = 0x10000 + ((point - 0xd800) << 10U) + (low - 0xdc00);
            at += 6;
          }
        }
        if (point >= 0xd800 && point < 0xe000) point = 0xfffd;  // a lone surrogate has no UTF-8
        append_utf8(out, point);
        break;
      }
      default:
        out += inside[at];
        break;  // quote, backslash, slash
    }
  }
  return out;
}

bool is_utf8(std::string_view text) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t at = 0;
  while (at < text.size()) {
    const unsigned char lead = bytes[at];
    if (lead < 0x80) {
      ++at;
      continue;
    }
    std::size_t more = 0;
    std::uint32_t point = 0;
    std::uint32_t least = 0;
    if ((lead & 0xe0U) == 0xc0U) {
      more = 1;
      point = lead & 0x1fU;
      least = 0x80;
    } else if ((lead & 0xf0U) == 0xe0U) {
      more = 2;
      point = lead & 0x0fU;
      least = 0x800;
    } else if ((lead & 0xf8U) == 0xf0U) {
      more = 3;
      point = lead & 0x07U;
      least = 0x10000;
    } else
      return false;
    if (at + more >= text.size()) return false;
    for (std::size_t i = 1; i <= more; ++i) {
      if ((bytes[at + i] & 0xc0U) != 0x80U) return false;
      point = (point << 6U) | (bytes[at + i] & 0x3fU);
    }
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return false;
    at += more + 1;
  }
  return true;
}

}  // namespace weir::json
