// One of two coordinators loses its network to NATS, or has a bad one, under load. What clients
// were told fits a sequential job queue.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/fault/cluster/traffic.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/tcp_proxy.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using testing::IsEmpty;

class Network : public testing::Test {
 protected:
  void SetUp() override {
    nats_.start();
    near_.start();
    far_.start();
    traffic_ = std::make_unique<Traffic>(std::vector{far_.port(), near_.port()}, near_.key(),
                                         TrafficPlan{});
    ASSERT_TRUE(wait_until([&] { return traffic_->completed() > 100; }));
  }
  bool far_is_well() const {
    return far_.client().get("/health").json().find("status").as_string() == "healthy";
  }
  void expect_progress() const {
    const auto before = traffic_->completed();
    EXPECT_TRUE(wait_until([&] { return traffic_->completed() > before + 100; }));
  }
  void expect_a_good_end() const {
    EXPECT_TRUE(wait_until([&] { return far_is_well(); })) << far_.log();
    expect_progress();
    EXPECT_TRUE(traffic_->finish(std::chrono::seconds(20)));
    EXPECT_THAT(traffic_->judge(), IsEmpty());
    std::printf("%zu jobs, %zu calls, %zu failed, %.1f s without a completion\n",
                traffic_->accepted(), traffic_->calls(), traffic_->failed_calls(),
                traffic_->longest_gap(Act::complete));
  }

  NatsServer nats_;
  TcpProxy proxy_{nats_.port()};
  WeirServer near_{{.nats_url = nats_.url()}};
  WeirServer far_{
      {.key = near_.key(), .nats_url = "nats://127.0.0.1:" + std::to_string(proxy_.port())}};
  std::unique_ptr<Traffic> traffic_;
};

TEST_F(Network, IsCut) {
  proxy_.cut();
  EXPECT_TRUE(wait_until([&] { return !far_is_well(); }));
  expect_progress();
  const auto kept = far_.client().post("/v1/jobs", R"({"queue":"other","id":"kept"})");
  EXPECT_EQ(kept.status, 202) << kept.body;
  proxy_.pass();
  expect_a_good_end();
  EXPECT_TRUE(wait_until([&] { return near_.client().get("/v1/jobs/kept").status == 200; }));
}

TEST_F(Network, IsCutAgainAndAgain) {
  for (int i = 0; i < 10; ++i) {
    proxy_.cut();
    ASSERT_TRUE(wait_until([&] { return proxy_.connections() == 0; }));
    proxy_.pass();
    ASSERT_TRUE(wait_until([&] { return proxy_.connections() > 0; }));
  }
  expect_a_good_end();
}

TEST_F(Network, IsSlow) {
  proxy_.pass(Millis{100});
  expect_progress();
  EXPECT_TRUE(far_is_well());
  proxy_.pass();
  expect_a_good_end();
}

// Nothing says that anything is wrong, except that no answer comes.
TEST_F(Network, IsABlackHole) {
  proxy_.hole();
  EXPECT_TRUE(wait_until([&] { return !far_is_well(); }));
  expect_progress();
  proxy_.pass();
  expect_a_good_end();
}

}  // namespace
}  // namespace weir::test
