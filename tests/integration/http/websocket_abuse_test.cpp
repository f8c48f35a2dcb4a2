// WebSockets with clients that do not behave: handshakes, frames, and reading too slowly.
#include "tests/integration/http/websocket_fixture.hpp"

namespace weir::http {
namespace {

constexpr std::string_view kHandshake =
    "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

struct Refusal {
  std::string_view name;
  std::string_view line;
  std::string_view replaced;  // in the handshake
  std::string_view by;
  int status;
  std::string_view reason;
};

TEST_F(WebSocketTest, HandshakesThatAreRefused) {
  options_.allowed_origins = {"https://app.example.com"};
  start();
  const std::string_view get_line = "GET /ws HTTP/1.1";
  const std::vector<Refusal> cases = {
      {"plain GET", get_line, "Upgrade: websocket\r\n", "", 426, "upgrade_required"},
      {"another protocol", get_line, "Upgrade: websocket", "Upgrade: h2c", 426, "upgrade_required"},
      {"not asked for", get_line, "Connection: Upgrade", "Connection: close", 426,
       "upgrade_required"},
      {"an old version", get_line, "Version: 13", "Version: 8", 426, "upgrade_required"},
      {"a short key", get_line, "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIA==", 426, "upgrade_required"},
      {"no base64", get_line, "dGhlIHNhbXBsZSBub25jZQ==", "d-hlIHNhbXBsZSBub25jZQ==", 426,
       "upgrade_required"},
      {"HTTP/1.0", "GET /ws HTTP/1.0", "", "", 426, "upgrade_required"},
      {"POST", "POST /ws HTTP/1.1", "", "", 405, "method_not_allowed"},
      {"a body", get_line, "Host", "Content-Length: 3\r\nHost", 413, "body_too_large"},
      {"a strange page", get_line, "Host", "Origin: https://evil.example.com\r\nHost", 403,
       "origin_not_allowed"},
      {"no page at all", get_line, "Host", "Origin: null\r\nHost", 403, "origin_not_allowed"},
      {"the handler's no", "GET /ws?no=1 HTTP/1.1", "", "", 401, ""},
  };
  for (const auto& refused : cases) {
    std::string request = std::string(refused.line) + "\r\n" + std::string(kHandshake) + "\r\n";
    if (!refused.replaced.empty())
      request.replace(request.find(refused.replaced), refused.replaced.size(), refused.by);
    const auto answer = ask(request);
    EXPECT_EQ(status_of(answer), refused.status) << refused.name << ": " << answer;
    EXPECT_NE(answer.find(refused.reason), std::string::npos) << refused.name << ": " << answer;
    if (refused.status == 426) {
      EXPECT_NE(answer.find("\r\nUpgrade: websocket\r\n"), std::string::npos) << answer;
      EXPECT_NE(answer.find("\r\nSec-WebSocket-Version: 13\r\n"), std::string::npos) << answer;
    }
  }
  RawClient head(front_->port());
  head.send("HEAD /ws HTTP/1.1\r\n" + std::string(kHandshake) + "\r\n");
  EXPECT_EQ(status_of(head.read_answer(true)), 426);
  EXPECT_EQ(front_->stats().sockets_total, 0U);
}

TEST_F(WebSocketTest, PagesThatMay) {
  options_.allowed_origins = {"https://app.example.com"};
  start();
  EXPECT_TRUE(connect("Origin: https://APP.example.com\r\n").accepted());
  EXPECT_TRUE(connect("Origin: http://localhost\r\n").accepted()) << "this server's own address";
  EXPECT_EQ(connect("Origin: http://localhost:81\r\n").status(), 403);
}

TEST_F(WebSocketTest, AnybodyMayWhenAllOriginsAreAllowed) {
  options_.allowed_origins = {"*"};
  start();
  EXPECT_TRUE(connect("Origin: https://evil.example.com\r\n").accepted());
}

TEST_F(WebSocketTest, FramesBeforeTheAnswerAreRefused) {
  start();
  const auto frame = WebSocketFrame{.payload = "early"}.bytes();
  const auto answer = ask("GET /ws HTTP/1.1\r\n" + std::string(kHandshake) + "\r\n" + frame);
  EXPECT_EQ(status_of(answer), 400) << answer;
  EXPECT_TRUE(test::wait_until([&] { return closed_ == 1; })) << "the handler is told";
}

TEST_F(WebSocketTest, MoreThanTheLimitAreRefused) {
  options_.max_sockets = 1;
  start();
  auto first = connect();
  ASSERT_TRUE(first.accepted());
  auto second = connect();
  EXPECT_EQ(second.status(), 503);
  EXPECT_NE(second.handshake().find("too_many_sockets"), std::string::npos);
  EXPECT_NE(second.handshake().find("Retry-After"), std::string::npos);
}

struct BadFrames {
  std::string_view name;
  std::vector<WebSocketFrame> frames;
  int code;
};

TEST_F(WebSocketTest, BadFramesEndTheSocketWithTheRightCode) {
  using Frame = WebSocketFrame;
  socket_options_.max_message_bytes = 1000;
  start();
  const std::string big(600, 'x');
  const std::vector<BadFrames> cases = {
      {"binary", {{.kind = Frame::binary, .payload = "x"}}, 1003},
      {"not masked", {{.payload = "x", .masked = false}}, 1002},
      {"reserved bit", {{.payload = "x", .reserved = 4}}, 1002},
      {"unknown data frame", {{.kind = 3}}, 1002},
      {"unknown control frame", {{.kind = 11}}, 1002},
      {"more of nothing", {{.kind = Frame::more, .payload = "x"}}, 1002},
      {"a message in a message", {{.payload = "x", .last = false}, {.payload = "y"}}, 1002},
      {"a ping in pieces", {{.kind = Frame::ping, .last = false}}, 1002},
      {"a long ping", {{.kind = Frame::ping, .payload = std::string(126, 'p')}}, 1002},
      {"half a close code", {{.kind = Frame::close, .payload = "x"}}, 1002},
      {"a code that is not sent",
       {{.kind = Frame::close, .payload = std::string("\x03\xed", 2)}},
       1002},
      {"not UTF-8", {{.payload = "\xc3\x28"}}, 1007},
      {"a surrogate", {{.payload = "\xed\xa0\x80"}}, 1007},
      {"half a character", {{.payload = "\xe2\x82"}}, 1007},
      {"half a character in pieces",
       {{.payload = "\xe2", .last = false}, {.kind = Frame::more, .payload = "\x82"}},
       1007},
      {"too large", {{.payload = big + big}}, 1009},
      {"too large in pieces",
       {{.payload = big, .last = false}, {.kind = Frame::more, .payload = big}},
       1009},
  };
  int ends = 0;
  for (const auto& bad : cases) {
    auto client = connect();
    for (const auto& frame : bad.frames) client.send(frame);
    EXPECT_EQ(client.read_close_code(), bad.code) << bad.name;
    client.send({.kind = Frame::close, .payload = std::string("\x03\xe8", 2)});
    EXPECT_TRUE(client.ended()) << bad.name;
    ++ends;
    EXPECT_TRUE(test::wait_until([&] { return closed_ == ends; })) << bad.name;
  }
  auto client = connect();
  client.send_bytes(std::string("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04", 14));
  EXPECT_EQ(client.read_close_code(), 1009) << "a length that nobody can mean";
}

TEST_F(WebSocketTest, AHandlerThatThrowsEndsTheSocket) {
  socket_options_.on_message = [](const WebSocket&, const std::string&) {
    throw std::runtime_error("x");
  };
  start();
  auto client = connect();
  client.say("x");
  EXPECT_EQ(client.read_close_code(), 1011);
}

// A client that asks and asks and does not read the answers is not read from, and loses nothing.
TEST_F(WebSocketTest, AnswersWaitForTheClient) {
  constexpr int kMessages = 3000;
  socket_options_.limits = {.max_bytes = 100'000, .max_frames = 1000};
  socket_options_.on_message = [](const WebSocket& socket, const std::string& text) {
    socket.send(text + std::string(10'000, '.'));
  };
  start();
  auto client = connect();
  std::thread asker([&client] {
    for (int i = 0; i < kMessages; ++i)
      client.send({.payload = std::to_string(i) + " " + std::string(2000, '?')});
  });
  for (int i = 0; i < kMessages; ++i) {
    const auto answer = client.hear();
    ASSERT_EQ(answer.substr(0, answer.find(' ')), std::to_string(i));
  }
  asker.join();
  EXPECT_EQ(front_->stats().sockets_overflowed, 0U);
}

TEST_F(WebSocketTest, WhatHappensByItselfIsDroppedAndCounted) {
  socket_options_.limits = {.max_bytes = 100'000, .max_frames = 1000};
  start();
  auto client = connect();
  const auto server = socket(0);
  const std::string filler(1000, '.');
  std::size_t offered = 0;
  std::size_t dropped = 0;
  while (dropped < 5) {
    ASSERT_LT(offered, 100'000U);
    const auto frame = std::make_shared<const std::string>(std::to_string(offered++) + filler);
    dropped += server.offer(frame) == SubscriberQueue::Offered::dropped ? 1U : 0U;
  }
  std::size_t heard = 0;
  for (;;) {
    const auto text = client.hear();
    if (text == "lagged 5") break;
    ASSERT_EQ(text, std::to_string(heard++) + filler) << "before the gap all is there";
  }
  EXPECT_EQ(heard + dropped, offered);
  EXPECT_EQ(server.offer(std::make_shared<const std::string>("on")),
            SubscriberQueue::Offered::queued);
  EXPECT_EQ(client.hear(), "on");
  client.send({.kind = WebSocketFrame::close});
  EXPECT_TRUE(test::wait_until([&] { return front_->stats().sockets_dropped == dropped; }));
}

TEST_F(WebSocketTest, MoreAnswersThanMayWaitEndTheSocket) {
  socket_options_.limits = {.max_bytes = 100'000, .max_frames = 1000};
  start();
  auto client = connect();
  const std::string text(1000, '.');
  for (int sent = 0; socket(0).send(text); ++sent) ASSERT_LT(sent, 100'000);
  EXPECT_EQ(client.read_close_code(), 1013);
  EXPECT_EQ(front_->stats().sockets_overflowed, 1U);
}

TEST_F(WebSocketTest, WhoReadsNothingAtAllIsCut) {
  options_.request_deadline = Millis{200};
  socket_options_.limits = {.max_bytes = 100'000, .max_frames = 1000};
  start();
  auto client = connect();
  const auto frame = std::make_shared<const std::string>(std::string(1000, '.'));
  EXPECT_TRUE(test::wait_until([&] {
    for (int i = 0; i < 500; ++i) socket(0).offer(frame);
    return closed_ == 1 && front_->stats().sockets == 0;
  }));
  EXPECT_EQ(socket(0).offer(frame), SubscriberQueue::Offered::gone);
}

}  // namespace
}  // namespace weir::http
