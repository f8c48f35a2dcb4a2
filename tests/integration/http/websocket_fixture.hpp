// A front with a route to a WebSocket that answers what it hears.
#pragma once

#include "api/http/websocket.hpp"
#include "tests/integration/http/front_fixture.hpp"
#include "tests/support/web_socket.hpp"

namespace weir::http {

using test::WebSocketClient;
using test::WebSocketFrame;

class WebSocketTest : public FrontTest {
 protected:
  static constexpr int kNoCode = 1005;

  void SetUp() override {
    FrontTest::SetUp();
    socket_options_.lagged_text = [](std::uint64_t dropped) {
      return "lagged " + std::to_string(dropped);
    };
    socket_options_.on_message = [](const WebSocket& socket, std::string text) {
      socket.send("heard " + text);
    };
    more_routes_.push_back({.method = "GET",
                            .pattern = "/ws",
                            .lane = Lane::inline_,
                            .max_body_bytes = 0,
                            .upgrade = true,
                            .handler = [this](auto request, const Responder& responder) {
                              if (request->query_value("no"))
                                return responder.send({.status = 401, .body = "no"});
                              auto options = socket_options_;
                              options.on_closed = [this] { ++closed_; };
                              auto socket = WebSocket::open(responder, std::move(options));
                              const std::lock_guard lock(mutex_);
                              sockets_.push_back(std::move(socket));
                            }});
  }
  void TearDown() override {
    {
      const std::lock_guard lock(mutex_);
      sockets_.clear();
    }
    FrontTest::TearDown();
  }

  WebSocketClient connect(std::string_view headers = "") const {
    return WebSocketClient(front_->port(), "/ws", headers);
  }
  std::size_t opened() {
    const std::lock_guard lock(mutex_);
    return sockets_.size();
  }
  WebSocket socket(std::size_t index) {
    EXPECT_TRUE(test::wait_until([&] { return opened() > index; }));
    const std::lock_guard lock(mutex_);
    return sockets_[index];
  }

  WebSocket::Options socket_options_;
  std::deque<WebSocket> sockets_;
};

}  // namespace weir::http
