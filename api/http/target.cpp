#include "api/http/target.hpp"

#include "pkg/json/view.hpp"

namespace weir::http {
namespace {

Error bad_target(const char* why) {
  return Error{Code::bad_request, "bad_target", "The request target is malformed", why};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Plus : std::uint8_t { is_plus, is_space };

Result<std::string> decode(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '%') {
      const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
      const int low = at + 2 < text.size() ? hex_digit(text[at + 2]) : -1;
      if (high < 0 || low < 0)
        return bad_target("a percent sign needs two hexadecimal digits behind it");
      c = static_cast<char>(high * 16 + low);
      at += 2;
    } else if (c == '+' && plus == Plus::is_space) {
      c = ' ';
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return bad_target("control characters are not allowed");
    out += c;
  }
  if (!json::is_utf8(out)) return bad_target("it is not valid UTF-8");
  return out;
}

Result<void> parse_query(std::string_view text, Target& target) {
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    WEIR_ASSIGN(std::string name, decode(pair.substr(0, equals), Plus::is_space));
    const auto raw =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    WEIR_ASSIGN(std::string value, decode(raw, Plus::is_space));
    target.query.emplace_back(std::move(name), std::move(value));
  }
  return {};
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
  if (text.empty() || text[0] != '/') return bad_target("it must start with a slash");
  Target target;
  const auto question = text.find('?');
  auto rest = text.substr(1, question == std::string_view::npos ? question : question - 1);
  for (bool more = !rest.empty(); more;) {
    const auto slash = rest.find('/');
    WEIR_ASSIGN(std::string segment, decode(rest.substr(0, slash), Plus::is_plus));
    if (segment == "." || segment == "..") return bad_target("dot segments are not allowed");
    target.path += "/" + segment;
    target.segments.push_back(std::move(segment));
    more = slash != std::string_view::npos;
    if (more) rest = rest.substr(slash + 1);
  }
  if (target.path.empty()) target.path = "/";
  if (question != std::string_view::npos) WEIR_TRY(parse_query(text.substr(question + 1), target));
  return target;
}

}  // namespace weir::http
