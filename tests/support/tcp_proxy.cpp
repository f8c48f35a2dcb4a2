#include "tests/support/tcp_proxy.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "pkg/base/assert.hpp"

namespace weir::test {
namespace {

constexpr int kStepMs = 5;  // how soon a change of mode and what is delayed are looked at
constexpr std::size_t kMaxChunks = 256;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void prepare(int socket) {
  ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const linger reset{1, 0};  // close() resets: what is on its way is lost
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

bool over(ssize_t done) {
  return done == 0 || (done < 0 && errno != EAGAIN && errno != EINTR);
}

}  // namespace

TcpProxy::TcpProxy(std::uint16_t target)
    : target_(target), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  WEIR_ASSERT(listener_ >= 0);
  auto address = loopback(0);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  WEIR_ASSERT(::bind(listener_, any, size) == 0 && ::listen(listener_, 64) == 0);
  WEIR_ASSERT(::getsockname(listener_, any, &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

TcpProxy::~TcpProxy() {
  stopping_ = true;
  thread_.join();
  for (const auto& link : links_) close(link);
  ::close(listener_);
}

void TcpProxy::pass(Millis delay) {
  delay_ = delay;
  mode_ = Mode::pass;
}

void TcpProxy::cut() {
  mode_ = Mode::cut;
}

void TcpProxy::hole() {
  mode_ = Mode::hole;
}

void TcpProxy::close(const Link& link) {
  ::close(link.forth.from);
  ::close(link.forth.to);
}

void TcpProxy::accept_one() {
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  WEIR_ASSERT(server >= 0);
  const auto address = loopback(target_);
  const bool connected =
      mode_ != Mode::cut &&
      ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  prepare(client);
  prepare(server);
  const Link link{.forth = {.from = client, .to = server}, .back = {.from = server, .to = client}};
  if (!connected) return close(link);
  links_.push_back(link);
}

bool TcpProxy::receive(Flow& flow) const {
  if (flow.waiting.size() >= kMaxChunks) return true;
  std::array<char, 65'536> buffer;
  const ssize_t got = ::recv(flow.from, buffer.data(), buffer.size(), 0);
  if (over(got)) return false;
  if (got <= 0) return true;
  flow.waiting.push_back({std::chrono::steady_clock::now() + delay_.load(),
                          {buffer.data(), static_cast<std::size_t>(got)}});
  return true;
}

bool TcpProxy::deliver(Flow& flow) {
  const auto now = std::chrono::steady_clock::now();
  while (!flow.waiting.empty() && flow.waiting.front().due <= now) {
    auto& bytes = flow.waiting.front().bytes;
    const ssize_t sent = ::send(flow.to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (over(sent)) return false;
    if (sent < 0) return true;
    bytes.erase(0, static_cast<std::size_t>(sent));
    if (bytes.empty()) flow.waiting.pop_front();
  }
  return true;
}

void TcpProxy::run() {
  std::vector<pollfd> wanted;
  while (!stopping_) {
    const Mode mode = mode_;
    wanted.assign(1, {listener_, POLLIN, 0});
    if (mode == Mode::pass) {
      for (const auto& link : links_) {
        if (link.forth.waiting.size() < kMaxChunks) wanted.push_back({link.forth.from, POLLIN, 0});
        if (link.back.waiting.size() < kMaxChunks) wanted.push_back({link.back.from, POLLIN, 0});
      }
    }
    ::poll(wanted.data(), wanted.size(), kStepMs);
    if ((wanted.front().revents & POLLIN) != 0) accept_one();
    if (mode == Mode::hole) continue;
    links_.remove_if([&](Link& link) {
      const bool alive = mode == Mode::pass && receive(link.forth) && receive(link.back) &&
                         deliver(link.forth) && deliver(link.back);
      if (!alive) close(link);
      return !alive;
    });
    connections_ = links_.size();
  }
}

}  // namespace weir::test
