// Every message in order, once, whatever happens to the server or to the consumer on it.
#include "tests/integration/nats/link.hpp"

#include <atomic>
#include <mutex>
#include <new>

#include "pkg/nats/ordered_consumer.hpp"

namespace weir::nats {
namespace {

class OrderedConsumerTest : public OnEveryServer {
 protected:
  void SetUp() override {
    start();
    connection_ = connected();
    ASSERT_TRUE(jetstream().ensure_stream({.name = "S", .subjects = {"s"}}));
  }
  JetStream jetstream() const { return JetStream(connection_); }

  void publish(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(wait_until([&] {
        return jetstream()
            .publish("s", std::to_string(published_ + 1),
                     {{"Nats-Msg-Id", std::to_string(published_ + 1)}})
            .has_value();
      }));
      ++published_;
    }
  }
  std::unique_ptr<OrderedConsumer> consume(std::uint64_t from) {
    return OrderedConsumer::start(connection_, "S", from, [this](const OrderedMessage& message) {
      const std::lock_guard lock(mutex_);
      seen_.push_back(message.sequence);
      EXPECT_EQ(message.data, std::to_string(message.sequence));
      EXPECT_GT(message.time_ns, 0);
    });
  }
  // Everything from `from` on has come, in order, once.
  void expect_all_from(std::uint64_t from) {
    const auto expected = static_cast<std::uint64_t>(published_) + 1 - from;
    EXPECT_TRUE(wait_until([&] {
      const std::lock_guard lock(mutex_);
      return seen_.size() >= expected;
    }));
    const std::lock_guard lock(mutex_);
    ASSERT_EQ(seen_.size(), expected);
    for (std::size_t i = 0; i < seen_.size(); ++i) ASSERT_EQ(seen_[i], from + i);
  }

  std::shared_ptr<Connection> connection_;
  int published_ = 0;
  std::mutex mutex_;
  std::vector<std::uint64_t> seen_;
};

TEST_P(OrderedConsumerTest, BeginsAtASequence) {
  publish(20);
  const auto consumer = consume(11);
  publish(5);
  expect_all_from(11);
}

TEST_P(OrderedConsumerTest, GoesOnAfterTheServerWasKilled) {
  const auto consumer = consume(1);
  publish(50);
  expect_all_from(1);
  server_->kill();
  server_->start();
  publish(50);
  expect_all_from(1);
}

// An operator, or a server that cleans up, deletes the consumer behind its back.
TEST_P(OrderedConsumerTest, GoesOnAfterItsConsumerWasDeleted) {
  const auto consumer = consume(1);
  publish(10);
  expect_all_from(1);
  const auto names = jetstream().call("CONSUMER.NAMES.S", "{}");
  ASSERT_TRUE(names) << describe(names.error());
  for (const auto name : json::View(*names).find("consumers").elements()) {
    ASSERT_TRUE(
        jetstream().call("CONSUMER.DELETE.S." + name.as_string().value_or(""), "").has_value());
  }
  publish(10);
  expect_all_from(1);
}

// A message too many or too few: what does not fit the sequence is not handed on, and the consumer
// begins anew behind the last that did.
TEST_P(OrderedConsumerTest, AGapIsNotHandedOn) {
  const auto consumer = consume(1);
  publish(10);
  expect_all_from(1);
  const auto list = jetstream().call("CONSUMER.LIST.S", "{}");
  ASSERT_TRUE(list) << describe(list.error());
  std::string inbox;
  for (const auto known : json::View(*list).find("consumers").elements()) {
    inbox = known.find("config").find("deliver_subject").as_string().value_or("");
  }
  ASSERT_FALSE(inbox.empty());
  ASSERT_TRUE(connection_->publish(inbox, "$JS.ACK.S.c.1.99.13.1700000000000000000.0", "forged"));
  publish(10);
  expect_all_from(1);
}

TEST_P(OrderedConsumerTest, AMessageThatCouldNotBeHandledComesAgain) {
  publish(5);
  std::atomic<int> tries{0};
  std::atomic<std::uint64_t> last{0};
  const auto consumer =
      OrderedConsumer::start(connection_, "S", 1, [&](const OrderedMessage& message) {
        if (message.sequence == 3 && ++tries == 1) throw std::bad_alloc();
        EXPECT_EQ(message.sequence, last + 1);
        last = message.sequence;
      });
  EXPECT_TRUE(wait_until([&] { return last == 5; }));
  EXPECT_EQ(tries, 2);
}

TEST_P(OrderedConsumerTest, WaitsWhileTheServerIsSilent) {
  const auto consumer = consume(1);
  publish(10);
  server_->suspend();
  server_->resume();
  publish(10);
  expect_all_from(1);
}

TEST_P(OrderedConsumerTest, BeginsAtTheFirstThatIsLeft) {
  publish(20);
  ASSERT_TRUE(jetstream().purge_below("S", 6));
  const auto consumer = consume(1);
  expect_all_from(6);
}

WEIR_ON_EVERY_SERVER(OrderedConsumerTest);

}  // namespace
}  // namespace weir::nats
