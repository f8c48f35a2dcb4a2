#include "cmd/weir/bench/bench_http.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include "cmd/weir/bench/tcp.hpp"
#include "pkg/config/loader.hpp"

namespace weir::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

Error lost(const char* why) {
  return {Code::unavailable, "connection_lost", "the server closed a connection of the bench", why};
}

Error bad_answer(const char* why) {
  return {Code::internal, "bad_answer", "the bench does not understand an answer", why};
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// The value of a header in an answer's head, or empty. `name` in lower case.
std::string_view header(std::string_view head, std::string_view name) {
  std::size_t line = head.find("\r\n");
  while (line != std::string_view::npos && line + 2 < head.size()) {
    const std::size_t start = line + 2;
    line = head.find("\r\n", start);
    const auto text = head.substr(start, line == std::string_view::npos ? line : line - start);
    if (text.size() <= name.size() || text[name.size()] != ':') continue;
    bool same = true;
    for (std::size_t i = 0; i < name.size() && same; ++i) same = lower(text[i]) == name[i];
    if (!same) continue;
    auto value = text.substr(name.size() + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    return value;
  }
  return {};
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<BenchTarget> bench_target(const std::string& server, const std::string& key) {
  constexpr std::string_view kScheme = "http://";
  const auto bad = Error{Code::invalid, "bad_server_url", "bench wants http://HOST:PORT",
                         "got \"" + server + "\"; TLS is not measured"};
  if (!server.starts_with(kScheme)) return bad;
  const auto address = config::parse_address(std::string_view(server).substr(kScheme.size()));
  if (!address) return bad;
  return BenchTarget{address->host, address->port, key};
}

std::string bench_request(const BenchTarget& target, std::string_view method, std::string_view path,
                          std::string_view body) {
  std::string out;
  out.reserve(256 + body.size());
  out.append(method).append(" ").append(path).append(" HTTP/1.1\r\nHost: ").append(target.host);
  out.append(":").append(std::to_string(target.port)).append("\r\n");
  if (!target.key.empty()) out.append("Authorization: Bearer ").append(target.key).append("\r\n");
  out.append("Content-Type: application/json\r\nContent-Length: ");
  out.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  return out;
}

Result<std::unique_ptr<BenchConnection>> BenchConnection::open(const BenchTarget& target) {
  const int fd = connect_tcp(target.host, target.port);
  if (fd < 0) {
    return Error{Code::unavailable, "unreachable",
                 "cannot reach " + target.host + ":" + std::to_string(target.port) +
                     ": is `weir serve` running?",
                 std::strerror(errno)};
  }
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  return std::unique_ptr<BenchConnection>(new BenchConnection(fd));
}

BenchConnection::~BenchConnection() {
  ::close(fd_);
}

Result<void> BenchConnection::send(std::string_view request) {
  output_.append(request);
  return flush();
}

Result<void> BenchConnection::flush() {
  while (!output_.empty()) {
    const auto sent = ::send(fd_, output_.data(), output_.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return {};
    if (sent < 0) return lost(std::strerror(errno));
    output_.erase(0, static_cast<std::size_t>(sent));
  }
  return {};
}

Result<std::optional<BenchAnswer>> BenchConnection::receive() {
  input_.erase(0, std::exchange(consumed_, 0));
  constexpr std::size_t kChunk = 64 << 10;
  while (true) {
    const std::size_t before = input_.size();
    input_.resize(before + kChunk);
    const auto got = ::recv(fd_, input_.data() + before, kChunk, 0);
    input_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return lost("in the middle of a run");
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != EAGAIN) return lost(std::strerror(errno));
    if (got < 0 || static_cast<std::size_t>(got) < kChunk) break;
  }
  return parse();
}

Result<std::optional<BenchAnswer>> BenchConnection::parse() {
  const std::string_view text(input_);
  const auto end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return std::optional<BenchAnswer>();
  const auto head = text.substr(0, end);
  const auto status = parse_number<int>(head.size() < 12 ? "" : head.substr(9, 3));
  const auto length = parse_number<std::size_t>(header(head, "content-length"));
  if (!head.starts_with("HTTP/1.1 ") || !status) return bad_answer("no HTTP/1.1 status line");
  if (!length) return bad_answer("no Content-Length");
  if (text.size() < end + 4 + *length) return std::optional<BenchAnswer>();
  consumed_ = end + 4 + *length;
  return std::optional<BenchAnswer>(BenchAnswer{*status, text.substr(end + 4, *length)});
}

Result<BenchAnswer> BenchConnection::ask(std::string_view request, Millis limit) {
  const auto give_up = SteadyClock::now() + limit;
  WEIR_TRY(send(request));
  while (true) {
    const auto left = std::chrono::ceil<Millis>(give_up - SteadyClock::now());
    if (left.count() <= 0) {
      return Error{Code::deadline_exceeded, "no_answer", "the server does not answer", ""};
    }
    const auto events = static_cast<short>(POLLIN | (wants_write() ? POLLOUT : 0));
    pollfd waiting{fd_, events, 0};
    ::poll(&waiting, 1, static_cast<int>(left.count()));
    WEIR_TRY(flush());
    if ((waiting.revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
    WEIR_ASSIGN(const auto answer, receive());
    if (answer) return *answer;
  }
}

namespace {

// One connection in the loop of run_scripts().
struct Lane {
  std::unique_ptr<BenchConnection> connection;
  BenchScript* script = nullptr;
  SteadyClock::time_point sent;
  bool watches_write = false;
};

class Loop {
 public:
  Loop(const BenchTarget& target, std::vector<std::uint32_t>* latencies_us)
      : target_(target), latencies_us_(latencies_us), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~Loop() { ::close(epoll_); }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Result<void> run(std::span<BenchScript* const> scripts, const std::function<bool()>& done) {
    lanes_.resize(scripts.size());
    for (std::size_t i = 0; i < scripts.size(); ++i) {
      lanes_[i].script = scripts[i];
      WEIR_ASSIGN(lanes_[i].connection, BenchConnection::open(target_));
      epoll_event event{EPOLLIN, {.u64 = i}};
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, lanes_[i].connection->fd(), &event);
    }
    live_ = lanes_.size();
    for (std::size_t i = 0; i < lanes_.size(); ++i) WEIR_TRY(start(i));
    std::array<epoll_event, 64> events;
    while (live_ > 0 && !done()) {
      const int count =
          ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 30'000);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        return Error{Code::deadline_exceeded, "bench_stuck", "nothing happened for 30 s",
                     "`weir status` shows how the server is"};
      }
      for (int i = 0; i < count; ++i)
        WEIR_TRY(handle(events[static_cast<std::size_t>(i)].data.u64));
    }
    return {};
  }

 private:
  Result<void> start(std::size_t index) {
    auto& lane = lanes_[index];
    request_.clear();
    if (!lane.script->next(request_)) {
      ::epoll_ctl(epoll_, EPOLL_CTL_DEL, lane.connection->fd(), nullptr);
      --live_;
      return {};
    }
    lane.sent = SteadyClock::now();
    WEIR_TRY(lane.connection->send(request_));
    watch(index);
    return {};
  }

  void watch(std::size_t index) {
    auto& lane = lanes_[index];
    if (lane.watches_write == lane.connection->wants_write()) return;
    lane.watches_write = !lane.watches_write;
    epoll_event event{lane.watches_write ? EPOLLIN | EPOLLOUT : std::uint32_t{EPOLLIN},
                      {.u64 = index}};
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, lane.connection->fd(), &event);
  }

  Result<void> handle(std::size_t index) {
    auto& lane = lanes_[index];
    if (lane.connection->wants_write()) {
      WEIR_TRY(lane.connection->flush());
      watch(index);
    }
    WEIR_ASSIGN(const auto answer, lane.connection->receive());
    if (!answer) return {};
    if (latencies_us_ != nullptr) {
      const auto took = SteadyClock::now() - lane.sent;
      latencies_us_->push_back(static_cast<std::uint32_t>(
          std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    }
    WEIR_TRY(lane.script->take(*answer));
    return start(index);
  }

  const BenchTarget& target_;
  std::vector<std::uint32_t>* latencies_us_;
  int epoll_;
  std::vector<Lane> lanes_;
  std::size_t live_ = 0;
  std::string request_;
};

}  // namespace

Result<void> run_scripts(const BenchTarget& target, std::span<BenchScript* const> scripts,
                         const std::function<bool()>& done,
                         std::vector<std::uint32_t>* latencies_us) {
  Loop loop(target, latencies_us);
  return loop.run(scripts, done);
}

}  // namespace weir::cli
