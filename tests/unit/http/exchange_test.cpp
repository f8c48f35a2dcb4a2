#include "api/http/exchange.hpp"

#include <gtest/gtest.h>

namespace weir::http {
namespace {

struct Connection final : Exchange::Owner {
  void answer(std::uint64_t number, Response response) override {
    answered = number;
    status = response.status;
  }
  void stream(std::uint64_t number, StreamStart) override { streamed = number; }
  void socket(std::uint64_t number, WebSocketStart) override { opened = number; }
  std::uint64_t answered = 0;
  std::uint64_t streamed = 0;
  std::uint64_t opened = 0;
  int status = 0;
};

struct ExchangeTest : testing::Test {
  std::shared_ptr<Exchange> exchange() {
    return std::make_shared<Exchange>(connection, 7, "r", hooks, gate);
  }
  std::shared_ptr<Connection> connection = std::make_shared<Connection>();
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  std::shared_ptr<const FrontHooks> hooks = std::make_shared<const FrontHooks>(
      FrontHooks{.error_response = [](const Error&, std::string_view) {
        return Response{.status = 500, .body = ""};
      }});
};

TEST_F(ExchangeTest, AnswersOnceAnd500WhenItIsDropped) {
  {
    const auto first = exchange();
    first->send({.status = 201, .body = ""});
    first->send({.status = 202, .body = ""});
    EXPECT_EQ(connection->status, 201);
    EXPECT_EQ(connection->answered, 7U);
  }
  EXPECT_EQ(connection->status, 201);
  exchange().reset();
  EXPECT_EQ(connection->status, 500);
}

// A handler's thread may answer after the front is gone: nothing of the front may be touched then.
TEST_F(ExchangeTest, NothingPassesAClosedGate) {
  const auto late = exchange();
  gate->close();
  late->send({.status = 200, .body = ""});
  EXPECT_EQ(connection->answered, 0U);
}

TEST_F(ExchangeTest, TellsAParkedHandlerThatTheClientIsGone) {
  const auto parked = exchange();
  int told = 0;
  parked->on_closed([&told] { ++told; });
  EXPECT_TRUE(parked->closed());
  EXPECT_EQ(told, 1);
  parked->send({.status = 200, .body = ""});
  EXPECT_EQ(connection->answered, 0U) << "nobody is there to read it";
}

TEST_F(ExchangeTest, AStreamIsAnAnswer) {
  auto queue = std::make_shared<SubscriberQueue>(SubscriberQueue::Limits{});
  const auto first = exchange();
  first->open_stream({.queue = queue, .ping_frame = "", .overflow_frame = ""});
  EXPECT_EQ(connection->streamed, 7U);
  EXPECT_FALSE(queue->closed());
  first->send({});
  EXPECT_EQ(connection->answered, 0U);
}

TEST_F(ExchangeTest, AStreamThatNobodyTakesIsAbandoned) {
  for (const bool late : {true, false}) {
    auto queue = std::make_shared<SubscriberQueue>(SubscriberQueue::Limits{});
    const auto answered = exchange();
    if (late) answered->send({});
    if (!late) gate->close();
    answered->open_stream({.queue = queue, .ping_frame = "", .overflow_frame = ""});
    EXPECT_TRUE(queue->closed());
    EXPECT_EQ(connection->streamed, 0U);
  }
}

TEST_F(ExchangeTest, ASocketIsAnAnswerAndAbandonedWhenNobodyTakesIt) {
  const auto state = std::make_shared<WebSocketState>(SubscriberQueue::Limits{}, nullptr);
  const auto first = exchange();
  first->open_socket({.state = state, .options = {}});
  EXPECT_EQ(connection->opened, 7U);
  EXPECT_FALSE(state->queue.closed());
  connection->opened = 0;
  first->open_socket({.state = state, .options = {}});
  EXPECT_TRUE(state->queue.closed());
  EXPECT_EQ(connection->opened, 0U);
}

}  // namespace
}  // namespace weir::http
