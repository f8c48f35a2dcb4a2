// The yardstick of `weir bench` against every NATS server there is.
#include <gtest/gtest.h>

#include "cmd/weir/bench/bench_nats.hpp"
#include "cmd/weir/bench/nats_wire.hpp"
#include "tests/support/nats_server.hpp"

namespace weir::cli {
namespace {

class Yardstick : public testing::TestWithParam<std::string> {};

TEST_P(Yardstick, PublishesFetchesAndCleansUp) {
  test::NatsServer server(GetParam());
  server.start();
  const auto target = nats_target(server.url());
  ASSERT_TRUE(target);
  const auto result = bench_yardstick({.target = *target, .messages = 3'210});
  ASSERT_TRUE(result) << describe(result.error());
  EXPECT_GT(result->publish_per_second, 0);
  EXPECT_GT(result->fetch_ack_per_second, 0);
  EXPECT_LT(result->end_to_end_per_second, result->publish_per_second);

  const auto wire = NatsWire::connect(*target);
  ASSERT_TRUE(wire);
  const auto streams = (*wire)->request("$JS.API.STREAM.NAMES", "");
  ASSERT_TRUE(streams);
  EXPECT_EQ(streams->find("BENCH_"), std::string::npos) << *streams;
}

INSTANTIATE_TEST_SUITE_P(Servers, Yardstick, testing::ValuesIn(test::nats_server_programs()),
                         [](const auto& tested) {
                           return "Server" + std::to_string(tested.index);
                         });

TEST(YardstickAway, SaysWhenNatsIsAway) {
  const auto result = bench_yardstick({.target = {.host = "127.0.0.1", .port = 1}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, "nats_unavailable");
}

}  // namespace
}  // namespace weir::cli
