#include "api/http/exchange.hpp"

#include <gtest/gtest.h>

namespace weir::http {
namespace {

struct Connection final : Exchange::Owner {
  void answer(std::uint64_t number, Response response) override {
    answered = number;
    status = response.status;
  }
  std::uint64_t answered = 0;
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

}  // namespace
}  // namespace weir::http
