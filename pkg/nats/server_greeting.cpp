#include "pkg/nats/server_greeting.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "pkg/json/view.hpp"

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

namespace {

// The JSON of the INFO line, checked.
Result<std::string> fetch_greeting(const std::string& url, Millis timeout) {
  const auto scheme = url.find("://");
  const std::string authority = scheme == std::string::npos ? url : url.substr(scheme + 3);
  const auto colon = authority.rfind(':');
  if (colon == std::string::npos)
    return Error{Code::invalid, "bad_nats_url", "The URL has no port", url};
  std::string host = authority.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);

  const MonoTime deadline = SystemClock().mono() + timeout;
  Socket socket;
  if (!connect_to(socket, host, authority.substr(colon + 1), deadline)) return unreachable(url);
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

bool is_clustered(const std::string& url, Millis timeout) {
  const auto greeting = fetch_greeting(url, timeout);
  return greeting && !json::View(*greeting).find("cluster").as_string().value_or("").empty();
}

}  // namespace weir::nats
