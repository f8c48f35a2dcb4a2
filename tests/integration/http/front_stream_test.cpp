// Answers that go on, over real sockets.
#include "api/http/event_stream.hpp"
#include "tests/integration/http/front_fixture.hpp"

namespace weir::http {
namespace {

// The client's bytes until `text` is among them; everything when that never comes.
std::string read_until(RawClient& client, std::string_view text) {
  std::string seen;
  while (seen.find(text) == std::string::npos) {
    const auto more = client.read_some();
    if (more.empty()) break;
    seen += more;
  }
  return seen;
}

class StreamTest : public FrontTest {
 protected:
  void SetUp() override {
    FrontTest::SetUp();
    more_routes_.push_back({.method = "GET",
                            .pattern = "/events",
                            .lane = Lane::inline_,
                            .handler = [this](auto, const Responder& responder) {
                              auto stream = EventStream::open(
                                  responder, {.limits = limits_, .ping_after = ping_after_});
                              stream.queue()->on_closed([this] { ++closed_; });
                              const std::lock_guard lock(mutex_);
                              streams_.push_back(stream);
                            }});
  }
  void TearDown() override {
    {
      // A client can have its refusal before the handler is at its end.
      const std::lock_guard lock(mutex_);
      streams_.clear();
    }
    FrontTest::TearDown();
  }
  std::size_t opened() {
    const std::lock_guard lock(mutex_);
    return streams_.size();
  }
  EventStream stream(std::size_t index) {
    EXPECT_TRUE(test::wait_until([&] { return opened() > index; }));
    const std::lock_guard lock(mutex_);
    return streams_[index];
  }

  SubscriberQueue::Limits limits_;
  Millis ping_after_{15'000};
  std::deque<EventStream> streams_;
};

TEST_F(StreamTest, SendsEventsAsTheyComeAndEnds) {
  start();
  RawClient client(front_->port());
  client.send(get("/events"));
  auto events = stream(0);
  const auto head = read_until(client, "\r\n\r\n");
  EXPECT_NE(head.find("200 OK"), std::string::npos) << head;
  EXPECT_NE(head.find("Content-Type: text/event-stream"), std::string::npos) << head;
  EXPECT_NE(head.find("Transfer-Encoding: chunked"), std::string::npos) << head;
  EXPECT_NE(head.find("Cache-Control: no-store"), std::string::npos) << head;
  EXPECT_EQ(head.find("Content-Length"), std::string::npos) << head;
  EXPECT_TRUE(events.send(StreamEvent{.id = "1", .type = "a", .data = "x"}));
  EXPECT_EQ(read_until(client, "x\n\n\r\n"), "18\r\nid: 1\nevent: a\ndata: x\n\n\r\n");
  EXPECT_TRUE(events.send(StreamEvent{.data = "y"}));
  events.finish();
  EXPECT_EQ(read_until(client, "0\r\n\r\n"), "9\r\ndata: y\n\n\r\n0\r\n\r\n");
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(finished(200), 1);
  EXPECT_TRUE(test::wait_until([&] { return front_->stats().streams == 0; }));
}

TEST_F(StreamTest, ARequestInPiecesAndHttp10) {
  start();
  RawClient client(front_->port());
  for (const char c : std::string("GET /events HTTP/1.0\r\n\r\n")) client.send({&c, 1});
  auto events = stream(0);
  EXPECT_TRUE(events.send(StreamEvent{.data = "x"}));
  events.finish();
  const auto all = read_until(client, "never");
  EXPECT_EQ(all.find("chunked"), std::string::npos) << all;
  EXPECT_TRUE(all.ends_with("\r\n\r\ndata: x\n\n")) << all;
}

TEST_F(StreamTest, FillsSilenceWithPings) {
  ping_after_ = Millis{30};
  start();
  RawClient client(front_->port());
  client.send(get("/events"));
  stream(0);
  EXPECT_NE(read_until(client, ": ping\n\n\r\n8\r\n: ping\n\n").find(": ping"), std::string::npos);
}

TEST_F(StreamTest, HeadAndOtherMethods) {
  start();
  RawClient client(front_->port());
  client.send("HEAD /events HTTP/1.1\r\nHost: x\r\n\r\n" + get("/inline"));
  const auto head = client.read_answer(true);
  EXPECT_EQ(status_of(head), 200);
  EXPECT_NE(head.find("text/event-stream"), std::string::npos);
  EXPECT_EQ(head.find("Transfer-Encoding"), std::string::npos);
  EXPECT_EQ(status_of(client.read_answer()), 200) << "the connection goes on";
  EXPECT_TRUE(test::wait_until([&] { return closed_ == 1; })) << "nobody listens";
  EXPECT_EQ(status_of(ask("POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")), 405);
  EXPECT_EQ(front_->stats().streams_total, 0U);
}

TEST_F(StreamTest, ASlowReaderIsToldAndCostsBoundedMemory) {
  limits_ = {.max_bytes = 100'000, .max_frames = 1000};
  start();
  RawClient client(front_->port());
  client.send(get("/events"));
  auto events = stream(0);
  const std::string data(1000, 'x');
  int sent = 0;
  while (events.send(StreamEvent{.data = data})) ASSERT_LT(++sent, 100'000);
  EXPECT_LE(events.queue()->queued_bytes(), 100'000U);
  EXPECT_EQ(front_->stats().streams, 1U) << "what is queued is still sent";
  const auto all = read_until(client, "0\r\n\r\n");
  std::size_t came = 0;
  for (auto at = all.find("data: x"); at != std::string::npos; at = all.find("data: x", at + 1))
    ++came;
  EXPECT_EQ(came, static_cast<std::size_t>(sent));
  EXPECT_NE(all.find("event: overflow\n"), std::string::npos);
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(test::wait_until([&] { return front_->stats().streams_overflowed == 1; }));
}

TEST_F(StreamTest, WhoReadsNothingAtAllIsCut) {
  options_.request_deadline = Millis{200};
  limits_ = {.max_bytes = 100'000, .max_frames = 1000};
  start();
  RawClient client(front_->port());
  client.send(get("/events"));
  auto events = stream(0);
  const std::string data(1000, 'x');
  while (events.send(StreamEvent{.data = data})) {
  }
  EXPECT_TRUE(test::wait_until([&] { return closed_ == 1 && front_->stats().streams == 0; }));
}

TEST_F(StreamTest, NoticesThatTheClientIsGone) {
  start();
  {
    RawClient client(front_->port());
    client.send(get("/events"));
    stream(0);
    read_until(client, "\r\n\r\n");
  }
  EXPECT_TRUE(test::wait_until([&] { return closed_ == 1 && front_->stats().active == 0; }));
  EXPECT_FALSE(stream(0).send(StreamEvent{.data = "x"}));
}

TEST_F(StreamTest, StopEndsStreamsProperly) {
  options_.drain_timeout = Millis{20'000};
  start();
  RawClient client(front_->port());
  client.send(get("/events"));
  auto events = stream(0);
  EXPECT_TRUE(events.send(StreamEvent{.data = "last"}));
  const auto before = std::chrono::steady_clock::now();
  front_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(10));
  const auto all = read_until(client, "never");
  EXPECT_NE(all.find("data: last"), std::string::npos);
  EXPECT_TRUE(all.ends_with("0\r\n\r\n")) << all;
  EXPECT_FALSE(events.send(StreamEvent{.data = "x"})) << "after the front is gone";
}

TEST_F(StreamTest, MoreThanTheLimitAreRefused) {
  options_.max_streams = 1;
  start();
  RawClient client(front_->port());
  client.send(get("/events"));
  stream(0);
  read_until(client, "\r\n\r\n");
  const auto refused = ask(get("/events"));
  EXPECT_EQ(status_of(refused), 503);
  EXPECT_NE(refused.find("too_many_streams"), std::string::npos);
  EXPECT_NE(refused.find("Retry-After"), std::string::npos);
}

TEST_F(StreamTest, AThousandIdleStreamsCostLittleAndNoThread) {
  constexpr std::size_t kStreams = 1000;
  start();
  ask(get("/inline"));
  const auto before = resident_kb();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (std::size_t i = 0; i < kStreams; ++i) {
    clients.push_back(std::make_unique<RawClient>(front_->port()));
    clients.back()->send(get("/events"));
  }
  ASSERT_TRUE(test::wait_until([&] { return front_->stats().streams == kStreams; }));
  for (auto& client : clients) read_until(*client, "\r\n\r\n");
  const auto each = (resident_kb() - before) * 1024 / kStreams;
  RecordProperty("bytes_each", static_cast<int>(each));
  // Both ends are in this process. Sanitizers keep freed memory.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(each, (options_.tls ? 96U : 8U) * 1024);
#endif
  const auto frame = std::make_shared<const std::string>(event_frame({.data = "all"}));
  for (std::size_t i = 0; i < kStreams; ++i) EXPECT_TRUE(stream(i).send(frame));
  for (auto& client : clients) EXPECT_NE(read_until(*client, "all").find("all"), std::string::npos);
}

}  // namespace
}  // namespace weir::http
