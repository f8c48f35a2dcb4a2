// Publishing with acknowledgements: each publish is answered exactly once, whatever happens.
#include "tests/integration/nats/link.hpp"

#include <atomic>
#include <future>

#include "pkg/nats/publisher.hpp"

namespace weir::nats {
namespace {

class PublisherTest : public OnEveryServer {
 protected:
  void SetUp() override {
    start();
    connection_ = connected();
    ASSERT_TRUE(JetStream(connection_).ensure_stream({.name = "S", .subjects = {"s"}}));
    auto made = Publisher::make(connection_);
    ASSERT_TRUE(made);
    publisher_ = std::move(*made);
  }
  Result<PublishAck> publish(const std::string& id, Millis limit = 10s,
                             const std::string& subject = "s") {
    auto answer = std::make_shared<std::promise<Result<PublishAck>>>();
    publisher_->publish(subject, id, "data", SystemClock().mono() + limit,
                        [answer](Result<PublishAck> ack) { answer->set_value(std::move(ack)); });
    return answer->get_future().get();
  }

  std::shared_ptr<Connection> connection_;
  std::unique_ptr<Publisher> publisher_;
};

TEST_P(PublisherTest, AnIdIsStoredOnce) {
  const auto first = publish("id-1");
  ASSERT_TRUE(first) << describe(first.error());
  EXPECT_EQ(first->sequence, 1U);
  EXPECT_FALSE(first->duplicate);
  const auto again = publish("id-1");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->sequence, 1U);
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(publish("id-2")->sequence, 2U);
}

TEST_P(PublisherTest, ASubjectWithoutAStreamIsRefused) {
  const auto refused = publish("id", 5s, "nowhere");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "no_responders");
}

// A silent server: the outcome is unknown, and the same id repeated later is stored once.
TEST_P(PublisherTest, ARepeatAfterAnUnknownOutcomeIsStoredOnce) {
  server_->suspend();
  const auto unknown = publish("id-1", 300ms);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::deadline_exceeded) << describe(unknown.error());
  server_->resume();
  ASSERT_TRUE(wait_until([&] { return publish("id-1", 2s).has_value(); }));
  const auto info = JetStream(connection_).stream_info("S");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->messages, 1U);
}

TEST_P(PublisherTest, EveryPublishIsAnsweredWhenTheServerDies) {
  constexpr int kPublishes = 2'000;
  std::atomic<int> answered{0};
  std::atomic<int> stored{0};
  for (int i = 0; i < kPublishes; ++i) {
    if (i == kPublishes / 2) server_->kill();
    publisher_->publish("s", "id-" + std::to_string(i), "data", SystemClock().mono() + 5s,
                        [&](const Result<PublishAck>& ack) {
                          ++answered;
                          if (ack) ++stored;
                        });
  }
  EXPECT_TRUE(wait_until([&] { return answered == kPublishes; }));
  EXPECT_LE(stored, kPublishes / 2);
  server_->start();
  ASSERT_TRUE(connection_->wait_connected(20s));
  EXPECT_TRUE(wait_until([&] { return publish("after").has_value(); }));
  // What was acknowledged to us is there. (A killed process, unlike lost power, loses nothing that
  // the kernel has.)
  const auto info = JetStream(connection_).stream_info("S");
  ASSERT_TRUE(info);
  EXPECT_GE(info->messages, static_cast<std::uint64_t>(stored) + 1);
}

WEIR_ON_EVERY_SERVER(PublisherTest);

}  // namespace
}  // namespace weir::nats
