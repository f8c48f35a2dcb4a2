// WebSocketClient: what tests say over a WebSocket on loopback, made by hand so that it can also
// say what no proper client would. Not thread-safe: one client a thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/clock.hpp"

namespace weir::test {

struct WebSocketFrame {
  enum Kind : std::uint8_t { more = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };
  std::uint8_t kind = text;
  std::string payload = {};
  bool last = true;
  bool masked = true;
  std::uint8_t reserved = 0;  // RSV1..3, in the lowest bits

  std::string bytes() const;
  int close_code() const;  // of a close frame; 1005 when it says none
};

class WebSocketClient {
 public:
  // Connects and asks for the upgrade; `headers` are whole lines, each with its line break.
  WebSocketClient(std::uint16_t port, std::string_view path, std::string_view headers = "");
  ~WebSocketClient();
  WebSocketClient(const WebSocketClient&) = delete;
  WebSocketClient& operator=(const WebSocketClient&) = delete;

  // The head of the answer to the handshake, with its body when it is a refusal.
  const std::string& handshake() const { return handshake_; }
  int status() const;
  bool accepted() const;  // 101, with the right Sec-WebSocket-Accept

  void send_bytes(std::string_view bytes) const;
  void send(const WebSocketFrame& frame) const { send_bytes(frame.bytes()); }
  void say(std::string_view text) const { send({.payload = std::string(text)}); }

  // The next frame; nothing when the connection ended or none came in time.
  std::optional<WebSocketFrame> read(Millis limit = std::chrono::seconds(10));
  // The next text, answering pings; empty when a close frame or the end came first.
  std::string hear(Millis limit = std::chrono::seconds(10));
  // Frames until the close frame: its code; 0 when the connection ended without one.
  int read_close_code();
  bool ended();  // the server has closed the connection

 private:
  bool read_more(Millis limit);

  int fd_ = -1;
  bool ended_ = false;
  std::string input_;
  std::string handshake_;
};

}  // namespace weir::test
