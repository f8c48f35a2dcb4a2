#include "api/http/upgrade.hpp"

#include <algorithm>
#include <string_view>

#include "api/http/refusals.hpp"

namespace weir::http {
namespace {

constexpr std::size_t kKeyLength = 24;  // 16 bytes in base64

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_text(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, {}, lower, lower);
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// In any header of that name, for each may hold a part of the list.
bool lists_token(const Request& request, std::string_view header, std::string_view token) {
  for (const auto& [name, value] : request.headers) {
    if (name != header) continue;
    std::string_view rest = value;
    for (;;) {
      const auto comma = rest.find(',');
      if (same_text(trim(rest.substr(0, comma)), token)) return true;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

bool is_key(std::string_view text) {
  const auto in_alphabet = [](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  };
  return text.size() == kKeyLength && text.ends_with("==") &&
         std::ranges::all_of(text.substr(0, kKeyLength - 2), in_alphabet);
}

std::string_view handshake_problem(const Request& request, bool http11) {
  if (request.method != "GET" || !http11) return "the handshake is a GET of HTTP/1.1";
  if (!lists_token(request, "upgrade", "websocket")) return "send Upgrade: websocket";
  if (!lists_token(request, "connection", "upgrade")) return "send Connection: Upgrade";
  if (request.header("sec-websocket-version") != "13") return "send Sec-WebSocket-Version: 13";
  if (!is_key(request.header("sec-websocket-key")))
    return "Sec-WebSocket-Key must be 16 bytes in base64";
  return {};
}

bool may_open(const Request& request, const std::vector<std::string>& allowed_origins) {
  const auto origin = request.header("origin");
  if (origin.empty()) return true;
  for (const auto& allowed : allowed_origins) {
    if (allowed == "*" || same_text(origin, allowed)) return true;
  }
  const auto scheme = origin.find("://");
  return scheme != std::string_view::npos &&
         same_text(origin.substr(scheme + 3), request.header("host"));
}

}  // namespace

std::optional<Response> refuse_upgrade(const Request& request, bool http11,
                                       const std::vector<std::string>& allowed_origins,
                                       const FrontHooks& hooks) {
  const auto problem = handshake_problem(request, http11);
  if (!problem.empty()) return upgrade_required(problem, request.id, hooks);
  if (!may_open(request, allowed_origins))
    return hooks.error_response(origin_not_allowed(request.header("origin")), request.id);
  return std::nullopt;
}

}  // namespace weir::http
