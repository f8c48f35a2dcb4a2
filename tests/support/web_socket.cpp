#include "tests/support/web_socket.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace weir::test {
namespace {

// The example of RFC 6455, section 1.3.
constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
constexpr std::string_view kMask = "\x12\x34\x56\x78";
constexpr Millis kHandshakeLimit{10'000};

std::size_t content_length(std::string_view head) {
  const auto at = head.find("Content-Length: ");
  return at == std::string_view::npos ? 0 : std::stoul(std::string(head.substr(at + 16, 10)));
}

}  // namespace

std::string WebSocketFrame::bytes() const {
  std::string out;
  out += static_cast<char>((last ? 0x80 : 0) | reserved << 4 | kind);
  const int mask_bit = masked ? 0x80 : 0;
  const int length_bytes = payload.size() < 126 ? 0 : payload.size() < 65536 ? 2 : 8;
  const std::size_t marker =
      length_bytes == 0 ? payload.size() : std::size_t{length_bytes == 2 ? 126U : 127U};
  out += static_cast<char>(static_cast<std::size_t>(mask_bit) | marker);
  for (int at = length_bytes - 1; at >= 0; --at)
    out += static_cast<char>(payload.size() >> (8 * at));
  if (!masked) return out + payload;
  out += kMask;
  for (std::size_t i = 0; i < payload.size(); ++i)
    out += static_cast<char>(payload[i] ^ kMask[i % kMask.size()]);
  return out;
}

int WebSocketFrame::close_code() const {
  if (payload.size() < 2) return 1005;
  return static_cast<unsigned char>(payload[0]) * 256 + static_cast<unsigned char>(payload[1]);
}

WebSocketClient::WebSocketClient(std::uint16_t port, std::string_view path,
                                 std::string_view headers)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return;
  send_bytes("GET " + std::string(path) +
             " HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\n"
             "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
             std::string(kKey) + "\r\n" + std::string(headers) + "\r\n");
  std::size_t head_end = std::string::npos;
  while ((head_end = input_.find("\r\n\r\n")) == std::string::npos) {
    if (!read_more(kHandshakeLimit)) return;
  }
  const auto whole = head_end + 4 + content_length(std::string_view(input_).substr(0, head_end));
  while (input_.size() < whole && read_more(kHandshakeLimit)) {
  }
  handshake_ = input_.substr(0, whole);
  input_.erase(0, whole);
}

WebSocketClient::~WebSocketClient() {
  if (fd_ >= 0) ::close(fd_);
}

int WebSocketClient::status() const {
  return handshake_.size() > 12 ? std::stoi(handshake_.substr(9, 3)) : 0;
}

bool WebSocketClient::accepted() const {
  return status() == 101 && handshake_.find(kAccept) != std::string::npos;
}

void WebSocketClient::send_bytes(std::string_view bytes) const {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::optional<WebSocketFrame> WebSocketClient::read(Millis limit) {
  for (;;) {
    std::size_t at = 2;
    std::size_t length = input_.size() < 2 ? 0 : static_cast<unsigned char>(input_[1]) & 0x7fU;
    const std::size_t length_bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (length_bytes > 0 && input_.size() >= at + length_bytes) {
      length = 0;
      for (; at < 2 + length_bytes; ++at)
        length = length << 8U | static_cast<unsigned char>(input_[at]);
    }
    if (input_.size() >= 2 + length_bytes && input_.size() >= at + length) {
      const auto first = static_cast<unsigned char>(input_[0]);
      WebSocketFrame frame{.kind = static_cast<std::uint8_t>(first & 0x0fU),
                           .payload = input_.substr(at, length),
                           .last = (first & 0x80U) != 0,
                           .masked = (static_cast<unsigned char>(input_[1]) & 0x80U) != 0,
                           .reserved = static_cast<std::uint8_t>(first >> 4U & 7U)};
      input_.erase(0, at + length);
      return frame;
    }
    if (!read_more(limit)) return std::nullopt;
  }
}

std::string WebSocketClient::hear(Millis limit) {
  while (auto frame = read(limit)) {
    if (frame->kind == WebSocketFrame::text) return frame->payload;
    if (frame->kind == WebSocketFrame::ping)
      send({.kind = WebSocketFrame::pong, .payload = frame->payload});
    if (frame->kind == WebSocketFrame::close) break;
  }
  return {};
}

int WebSocketClient::read_close_code() {
  while (const auto frame = read()) {
    if (frame->kind == WebSocketFrame::close) return frame->close_code();
  }
  return 0;
}

bool WebSocketClient::ended() {
  while (read_more(kHandshakeLimit)) {
  }
  return ended_;
}

bool WebSocketClient::read_more(Millis limit) {
  pollfd wait{fd_, POLLIN, 0};
  if (::poll(&wait, 1, static_cast<int>(limit.count())) != 1) return false;
  char buffer[16384];
  const auto got = ::recv(fd_, buffer, sizeof buffer, 0);
  ended_ = got <= 0;
  if (got > 0) input_.append(buffer, static_cast<std::size_t>(got));
  return got > 0;
}

}  // namespace weir::test
