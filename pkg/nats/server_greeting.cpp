#include "pkg/nats/server_greeting.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "pkg/json/view.hpp"
#include "pkg/nats/connection.hpp"

namespace weir::nats {
namespace {

constexpr std::size_t kMaxGreetingBytes = 64 * 1024;

struct Socket {
  int fd = -1;
  ~Socket() {
    if (fd >= 0) ::close(fd);
  }
};

Error unreachable(const std::string& url) {
  return Error{Code::unavailable, "nats_unavailable", "NATS is not reachable", url};
}

bool wait_for(int fd, short events, MonoTime deadline) {
  const auto left = std::chrono::duration_cast<Millis>(deadline - SystemClock().mono()).count();
  pollfd poll_fd{fd, events, 0};
  return left > 0 && ::poll(&poll_fd, 1, static_cast<int>(left)) == 1;
}

bool connect_to(Socket& socket, const std::string& host, const std::string& port,
                MonoTime deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, ::freeaddrinfo);
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    Socket candidate{::socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (candidate.fd < 0) continue;
    ::connect(candidate.fd, at->ai_addr, at->ai_addrlen);
    int failure = -1;
    socklen_t length = sizeof failure;
    if (wait_for(candidate.fd, POLLOUT, deadline) &&
        ::getsockopt(candidate.fd, SOL_SOCKET, SO_ERROR, &failure, &length) == 0 && failure == 0) {
      std::swap(socket.fd, candidate.fd);
      return true;
    }
  }
  return false;
}

}  // namespace

Result<HostPort> parse_server_url(std::string_view url) {
  const auto scheme = url.find("://");
  const std::string_view authority =
      scheme == std::string_view::npos ? url : url.substr(scheme + 3);
  const auto bracket = authority.find(']');  // of an IPv6 address, which has colons of its own
  const auto colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  HostPort out{std::string(authority.substr(0, has_port ? colon : authority.size())),
               has_port ? std::string(authority.substr(colon + 1)) : "4222"};
  if (bracket != std::string_view::npos && out.host.front() == '[' && out.host.back() == ']') {
    out.host = out.host.substr(1, out.host.size() - 2);
  }
  const bool digits = out.port.find_first_not_of("0123456789") == std::string::npos;
  const bool good = !out.host.empty() && out.host.find_first_of(" /@[]") == std::string::npos;
  if (good && digits && !out.port.empty()) return out;
  return Error{Code::invalid, "bad_nats_url", "Not the URL of a NATS server",
               without_credentials(url)};
}

namespace {

// The JSON of the INFO line, checked.
Result<std::string> fetch_greeting(const std::string& url, Millis timeout) {
  WEIR_ASSIGN(const HostPort server, parse_server_url(url));
  const MonoTime deadline = SystemClock().mono() + timeout;
  Socket socket;
  if (!connect_to(socket, server.host, server.port, deadline)) return unreachable(url);
  std::string greeting;
  while (greeting.find('\n') == std::string::npos) {
    std::array<char, 4096> buffer;
    if (greeting.size() > kMaxGreetingBytes || !wait_for(socket.fd, POLLIN, deadline))
      return unreachable(url);
    const auto got = ::recv(socket.fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) return unreachable(url);
    greeting.append(buffer.data(), static_cast<std::size_t>(got));
  }
  const auto brace = greeting.find('{');
  if (!greeting.starts_with("INFO") || brace == std::string::npos) return unreachable(url);
  const std::string_view text =
      std::string_view(greeting).substr(brace, greeting.rfind('}') + 1 - brace);
  if (!json::check(text)) return unreachable(url);
  return std::string(text);
}

}  // namespace

Result<std::string> fetch_server_version(const std::string& url, Millis timeout) {
  WEIR_ASSIGN(const std::string greeting, fetch_greeting(url, timeout));
  return json::View(greeting).find("version").as_string().value_or("");
}

}  // namespace weir::nats
