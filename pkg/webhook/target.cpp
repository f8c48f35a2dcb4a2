#include "pkg/webhook/target.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace weir::webhook {
namespace {

constexpr std::size_t kMaxHostBytes = 253;

Error bad_url(std::string_view why) {
  return Error{Code::invalid, "bad_webhook_url", "The URL is not one for webhooks",
               std::string(why)};
}

bool is_plain(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return c > ' ' && c < '\x7f' && c != '"' && c != '\\' && c != '<'; });
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool starts_with_word(std::string_view text, std::string_view word) {
  return text.size() >= word.size() &&
         std::ranges::equal(text.substr(0, word.size()), word, {}, lower);
}

bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= kMaxHostBytes && std::ranges::all_of(host, [](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

bool is_v6(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

// Takes the host off `authority`; what is left is the port with its colon, or nothing.
bool take_host(std::string_view& authority, std::string& host) {
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return false;
    host = authority.substr(1, end - 1);
    authority.remove_prefix(end + 1);
    return is_v6(host);
  }
  const auto end = std::min(authority.find(':'), authority.size());
  host = authority.substr(0, end);
  std::ranges::transform(host, host.begin(), lower);
  authority.remove_prefix(end);
  return is_host_name(host);
}

bool take_port(std::string_view text, std::uint16_t& port) {
  if (text.empty()) return true;
  if (!text.starts_with(':')) return false;
  text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

}  // namespace

std::string Target::authority() const {
  const bool v6 = host.find(':') != std::string::npos;
  std::string out = v6 ? "[" + host + "]" : host;
  if (port != (tls ? 443 : 80)) out += ":" + std::to_string(port);
  return out;
}

Result<Target> parse_target(std::string_view url) {
  if (url.size() > kMaxUrlBytes) return bad_url("must have at most 2048 bytes");
  if (!is_plain(url)) return bad_url("must be ASCII without spaces; encode the rest with %");
  Target out;
  out.tls = starts_with_word(url, "https://");
  if (!out.tls && !starts_with_word(url, "http://")) {
    return bad_url("must begin with https:// or http://");
  }
  url.remove_prefix(out.tls ? 8 : 7);
  if (url.find('#') != std::string_view::npos) return bad_url("must have no fragment (#)");
  const auto end = std::min(url.find_first_of("/?"), url.size());
  auto authority = url.substr(0, end);
  if (authority.find('@') != std::string_view::npos) {
    return bad_url("must have no user or password: the signature says who sends");
  }
  if (!take_host(authority, out.host)) return bad_url("must name a host");
  out.port = out.tls ? 443 : 80;
  if (!take_port(authority, out.port)) return bad_url("must have a port from 1 to 65535");
  out.path = url.substr(end);
  if (!out.path.starts_with('/')) out.path.insert(0, "/");
  return out;
}

}  // namespace weir::webhook
