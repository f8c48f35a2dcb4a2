// WebSockets over real connections, with clients that behave.
#include "tests/integration/http/websocket_fixture.hpp"

namespace weir::http {
namespace {

TEST_F(WebSocketTest, TakesMessagesAndAnswersThem) {
  start();
  auto client = connect("X-Request-Id: r-1\r\n");
  ASSERT_TRUE(client.accepted()) << client.handshake();
  EXPECT_NE(client.handshake().find("X-Request-Id: r-1"), std::string::npos);
  EXPECT_EQ(client.handshake().find("Sec-WebSocket-Extensions"), std::string::npos);
  EXPECT_EQ(finished(101), 1);
  client.say("one");
  client.say("");
  EXPECT_EQ(client.hear(), "heard one");
  EXPECT_EQ(client.hear(), "heard ");
  EXPECT_TRUE(socket(0).send("unasked"));
  EXPECT_EQ(client.hear(), "unasked");
  client.send({.kind = WebSocketFrame::ping, .payload = "p"});
  const auto pong = client.read();
  ASSERT_TRUE(pong);
  EXPECT_EQ(pong->kind, WebSocketFrame::pong);
  EXPECT_EQ(pong->payload, "p");
  EXPECT_FALSE(pong->masked) << "servers do not mask";
}

TEST_F(WebSocketTest, AMessageInPieces) {
  start();
  auto client = connect();
  client.send({.kind = WebSocketFrame::text, .payload = "a", .last = false});
  client.send({.kind = WebSocketFrame::ping, .payload = "between"});
  client.send({.kind = WebSocketFrame::more, .payload = "b", .last = false});
  // The last one byte by byte.
  for (const char c : WebSocketFrame{.kind = WebSocketFrame::more, .payload = "c"}.bytes())
    client.send_bytes({&c, 1});
  EXPECT_EQ(client.read()->kind, WebSocketFrame::pong);
  EXPECT_EQ(client.hear(), "heard abc");
}

TEST_F(WebSocketTest, MessagesComeOneAtATimeAndInOrder) {
  constexpr int kMessages = 500;
  std::atomic<int> now{0};
  std::atomic<int> most{0};
  socket_options_.on_message = [&](const WebSocket& socket, std::string text) {
    most = std::max(most.load(), ++now);
    socket.send(std::move(text));
    --now;
  };
  start();
  auto client = connect();
  for (int i = 0; i < kMessages; ++i) client.say(std::to_string(i));
  for (int i = 0; i < kMessages; ++i) ASSERT_EQ(client.hear(), std::to_string(i));
  EXPECT_EQ(most, 1);
}

TEST_F(WebSocketTest, TheClientCloses) {
  start();
  auto client = connect();
  client.send({.kind = WebSocketFrame::close, .payload = std::string("\x03\xe8", 2) + "bye"});
  EXPECT_EQ(client.read_close_code(), 1000);
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(test::wait_until([&] { return closed_ == 1 && front_->stats().sockets == 0; }));
  EXPECT_FALSE(socket(0).send("x"));
  EXPECT_TRUE(socket(0).closed());
  EXPECT_EQ(front_->stats().sockets_total, 1U);
}

TEST_F(WebSocketTest, TheServerCloses) {
  start();
  auto client = connect();
  EXPECT_TRUE(socket(0).send("last"));
  socket(0).close(CloseCode::policy_violation, "the key was revoked" + std::string(200, '.'));
  EXPECT_FALSE(socket(0).send("late"));
  EXPECT_EQ(client.hear(), "last");
  const auto goodbye = client.read();
  ASSERT_TRUE(goodbye);
  EXPECT_EQ(goodbye->close_code(), 1008);
  EXPECT_EQ(goodbye->payload.size(), 125U);
  client.send({.kind = WebSocketFrame::close, .payload = goodbye->payload.substr(0, 2)});
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(test::wait_until([&] { return closed_ == 1; }));
}

TEST_F(WebSocketTest, NoticesThatTheClientIsGone) {
  start();
  { auto client = connect(); }
  EXPECT_TRUE(test::wait_until([&] { return closed_ == 1 && front_->stats().active == 0; }));
}

TEST_F(WebSocketTest, PingsAndGivesUpOnWhoNeverAnswers) {
  socket_options_.ping_after = Millis{100};
  socket_options_.ping_text = [](Timestamp) { return std::string("are you there"); };
  start();
  auto silent = connect();
  auto polite = connect();
  int pings = 0;
  int texts = 0;
  int code = 0;
  while (const auto frame = silent.read()) {
    pings += frame->kind == WebSocketFrame::ping ? 1 : 0;
    texts += frame->payload == "are you there" ? 1 : 0;
    if (frame->kind == WebSocketFrame::close) code = frame->close_code();
    if (frame->kind == WebSocketFrame::ping) {
      // What the other one does meanwhile: it answers.
      EXPECT_EQ(polite.hear(), "are you there");
      polite.send({.kind = WebSocketFrame::pong});
    }
  }
  EXPECT_EQ(code, 1001);
  EXPECT_EQ(pings, 3);
  EXPECT_EQ(texts, 3);
  EXPECT_EQ(polite.hear(), "are you there") << "it still lives";
}

TEST_F(WebSocketTest, StopEndsSocketsProperly) {
  socket_options_.on_message = [this](const WebSocket& socket, std::string) {
    ++blocked_;
    released_.wait(false);
    socket.send("answered");
  };
  options_.drain_timeout = Millis{20'000};
  start();
  auto client = connect();
  client.say("work");
  ASSERT_TRUE(test::wait_until([&] { return blocked_ == 1; }));
  std::thread stopper([this] { front_->stop(); });
  release();
  EXPECT_EQ(client.hear(), "answered") << "the message under way is answered";
  EXPECT_EQ(client.read_close_code(), 1001);
  client.send({.kind = WebSocketFrame::close, .payload = std::string("\x03\xe9", 2)});
  stopper.join();
  EXPECT_FALSE(socket(0).send("x")) << "after the front is gone";
  EXPECT_EQ(closed_, 1);
}

TEST_F(WebSocketTest, StopDoesNotWaitForWhoDoesNotAnswer) {
  options_.drain_timeout = Millis{200};
  start();
  auto client = connect();
  front_->stop();
  EXPECT_EQ(client.read_close_code(), 1001);
  EXPECT_TRUE(client.ended());
}

TEST_F(WebSocketTest, AThousandIdleSocketsCostLittleAndNoThread) {
  constexpr std::size_t kSockets = 1000;
  start();
  ask(get("/inline"));
  const auto before = resident_kb();
  std::vector<std::unique_ptr<WebSocketClient>> clients;
  for (std::size_t i = 0; i < kSockets; ++i)
    clients.push_back(std::make_unique<WebSocketClient>(front_->port(), "/ws"));
  ASSERT_TRUE(test::wait_until([&] { return front_->stats().sockets == kSockets; }));
  const auto each = (resident_kb() - before) * 1024 / kSockets;
  RecordProperty("bytes_each", static_cast<int>(each));
  // Both ends are in this process. Sanitizers keep freed memory.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(each, 8U * 1024);
#endif
  const auto frame = std::make_shared<const std::string>("all");
  for (std::size_t i = 0; i < kSockets; ++i)
    EXPECT_EQ(socket(i).offer(frame), SubscriberQueue::Offered::queued);
  for (auto& client : clients) EXPECT_EQ(client->hear(), "all");
}

}  // namespace
}  // namespace weir::http
