#include "cmd/weir/bench/nats_wire.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "cmd/weir/bench/tcp.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::cli {
namespace {

constexpr std::size_t kLargeOutput = 64 << 10;
constexpr int kSilenceMs = 10'000;
constexpr std::string_view kReplies = "_INBOX.weir-bench-request";

Error gone(const std::string& why) {
  return {Code::unavailable, "nats_unavailable", "no connection to NATS", why};
}

std::size_t to_size(std::string_view text) {
  std::size_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// The words of a MSG or HMSG line, up to six.
struct Words {
  std::array<std::string_view, 6> word;
  std::size_t count = 0;
  explicit Words(std::string_view line) {
    while (!line.empty() && count < word.size()) {
      const auto end = std::min(line.find(' '), line.size());
      if (end > 0) word[count++] = line.substr(0, end);
      line.remove_prefix(std::min(end + 1, line.size()));
    }
  }
};

}  // namespace

Result<std::unique_ptr<NatsWire>> NatsWire::connect(const NatsTarget& target) {
  const int fd = connect_tcp(target.host, target.port);
  if (fd < 0) {
    return gone("cannot reach " + target.host + ":" + std::to_string(target.port));
  }
  std::unique_ptr<NatsWire> wire(new NatsWire(fd));
  WEIR_TRY(wire->handshake(target));
  return wire;
}

NatsWire::~NatsWire() {
  ::close(fd_);
}

Result<void> NatsWire::handshake(const NatsTarget& target) {
  WEIR_ASSIGN(const auto info, line());
  if (!info.starts_with("INFO ") || !json::check(info.substr(5))) return gone("it is no NATS");
  const json::View fields(info.substr(5));
  version_ = fields.find("version").as_string().value_or("");
  if (fields.find("tls_required").as_bool().value_or(false)) {
    return gone("it wants TLS, which the yardstick does not speak");
  }
  json::Writer connect;
  connect.begin_object().member("verbose", false).member("pedantic", false);
  connect.member("headers", true).member("no_responders", true).member("name", "weir bench");
  connect.member("lang", "c++").member("version", WEIR_VERSION);
  if (!target.user.empty()) connect.member("user", target.user).member("pass", target.password);
  if (!target.token.empty()) connect.member("auth_token", target.token);
  connect.end_object();
  output_ = "CONNECT " + connect.take() + "\r\nPING\r\n";
  WEIR_TRY(flush());
  while (true) {
    WEIR_ASSIGN(const auto answer, line());
    if (answer == "PONG") break;
    if (answer.starts_with("-ERR")) {
      return Error{Code::unauthenticated, "nats_auth", "NATS refused the connection",
                   std::string(answer)};
    }
  }
  return subscribe(kReplies, 1);
}

Result<void> NatsWire::publish(std::string_view subject, std::string_view reply,
                               std::string_view data) {
  output_.append("PUB ").append(subject).append(" ");
  if (!reply.empty()) output_.append(reply).append(" ");
  output_.append(std::to_string(data.size())).append("\r\n").append(data).append("\r\n");
  return output_.size() >= kLargeOutput ? flush() : Result<void>();
}

Result<void> NatsWire::subscribe(std::string_view subject, unsigned id) {
  output_.append("SUB ").append(subject).append(" ").append(std::to_string(id)).append("\r\n");
  return {};
}

Result<void> NatsWire::flush() {
  std::string_view rest = output_;
  while (!rest.empty()) {
    const auto sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return gone(std::strerror(errno));
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  output_.clear();
  return {};
}

Result<void> NatsWire::read_more() {
  constexpr std::size_t kChunk = 128 << 10;
  WEIR_TRY(flush());
  input_.erase(0, std::exchange(at_, 0));
  pollfd waiting{fd_, POLLIN, 0};
  if (::poll(&waiting, 1, kSilenceMs) == 0) {
    return Error{Code::deadline_exceeded, "nats_timeout", "NATS was silent for 10 s", ""};
  }
  const std::size_t before = input_.size();
  input_.resize(before + kChunk);
  const auto got = ::recv(fd_, input_.data() + before, kChunk, 0);
  input_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return got > 0 || errno == EINTR ? Result<void>() : gone("closed by the server");
}

Result<std::string_view> NatsWire::line() {
  std::size_t end = input_.find("\r\n", at_);
  while (end == std::string::npos) {
    WEIR_TRY(read_more());
    end = input_.find("\r\n", at_);
  }
  const auto text = std::string_view(input_).substr(at_, end - at_);
  at_ = end + 2;
  return text;
}

Result<void> NatsWire::need(std::size_t bytes) {
  while (input_.size() - at_ < bytes) WEIR_TRY(read_more());
  return {};
}

Result<WireMessage> NatsWire::next() {
  while (true) {
    WEIR_ASSIGN(const auto text, line());
    if (text == "PING") {
      output_ += "PONG\r\n";
      continue;
    }
    if (text.starts_with("-ERR")) return gone(std::string(text));
    const bool headed = text.starts_with("HMSG ");
    if (!headed && !text.starts_with("MSG ")) continue;
    words_ = text;
    const Words words(words_);
    // MSG subject sid [reply] size; HMSG subject sid [reply] head_size size
    const std::size_t fixed = headed ? 5 : 4;
    if (words.count < fixed) return gone("a malformed message");
    const auto size = to_size(words.word[words.count - 1]);
    const auto head = headed ? std::min(to_size(words.word[words.count - 2]), size) : 0;
    WEIR_TRY(need(size + 2));
    const auto whole = std::string_view(input_).substr(at_, size);
    at_ += size + 2;
    return WireMessage{words.word[1], words.count > fixed ? words.word[3] : std::string_view{},
                       whole.substr(0, head), whole.substr(head)};
  }
}

Result<std::string> NatsWire::request(std::string_view subject, std::string_view data) {
  WEIR_TRY(publish(subject, kReplies, data));
  while (true) {
    WEIR_ASSIGN(const auto message, next());
    if (message.subject != kReplies) continue;
    if (!message.head.empty() && message.data.empty()) return gone("JetStream is not enabled");
    return std::string(message.data);
  }
}

}  // namespace weir::cli
