// One of the processes of a site is killed or stopped under load, and later comes back. All clients
// go on, and what they were told fits a sequential job queue.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/fault/cluster/site.hpp"
#include "tests/fault/cluster/traffic.hpp"
#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

using testing::IsEmpty;

// One site for all tests: what one test broke, wait_whole() finds repaired before the next.
class OneFault : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    site_ = std::make_unique<Site>(2);
    site_->start();
  }
  static void TearDownTestSuite() { site_.reset(); }

  void SetUp() override {
    ASSERT_TRUE(site_->wait_whole());
    traffic_ = std::make_unique<Traffic>(
        site_->ports(), site_->key(),
        TrafficPlan{.queue = testing::UnitTest::GetInstance()->current_test_info()->name()});
    ASSERT_TRUE(wait_until([] { return traffic_->completed() > 100; }));
  }
  void TearDown() override { traffic_.reset(); }

  // Clients go on while something is away.
  static void expect_progress(std::size_t jobs = 100) {
    const auto before = traffic_->completed();
    EXPECT_TRUE(wait_until([&] { return traffic_->completed() > before + jobs; }));
  }
  static void expect_a_good_end() {
    EXPECT_TRUE(traffic_->finish(std::chrono::seconds(30)));
    EXPECT_THAT(traffic_->judge(), IsEmpty());
    std::printf("%zu jobs, %zu calls, %zu failed, %.1f s without a completion\n",
                traffic_->accepted(), traffic_->calls(), traffic_->failed_calls(),
                traffic_->longest_gap(Act::complete));
  }

  static std::unique_ptr<Site> site_;
  static std::unique_ptr<Traffic> traffic_;
};

std::unique_ptr<Site> OneFault::site_;
std::unique_ptr<Traffic> OneFault::traffic_;

TEST_F(OneFault, KillTheLogsLeader) {
  const auto node = site_->log_leader();
  site_->nats().kill_node(node);
  expect_progress();
  site_->nats().start_node(node);
  expect_progress();
  expect_a_good_end();
}

TEST_F(OneFault, StopTheLogsLeader) {
  const auto node = site_->log_leader();
  site_->nats().pause_node(node);
  expect_progress();
  site_->nats().resume_node(node);
  expect_progress();
  expect_a_good_end();
}

TEST_F(OneFault, KillAFollowerOfTheLog) {
  const auto node = (site_->log_leader() + 1) % NatsCluster::kNodes;
  site_->nats().kill_node(node);
  expect_progress();
  site_->nats().start_node(node);
  expect_progress();
  expect_a_good_end();
}

TEST_F(OneFault, StopAFollowerOfTheLog) {
  const auto node = (site_->log_leader() + 1) % NatsCluster::kNodes;
  site_->nats().pause_node(node);
  expect_progress();
  site_->nats().resume_node(node);
  expect_progress();
  expect_a_good_end();
}

TEST_F(OneFault, KillTheCoordinatorThatLeads) {
  const auto leader = site_->leader();
  ASSERT_TRUE(leader);
  site_->coordinator(*leader).kill();
  expect_progress();
  site_->coordinator(*leader).launch();
  expect_progress();
  expect_a_good_end();
}

TEST_F(OneFault, StopTheCoordinatorThatLeads) {
  const auto leader = site_->leader();
  ASSERT_TRUE(leader);
  site_->coordinator(*leader).pause();
  EXPECT_TRUE(wait_until([&] { return site_->leader() && site_->leader() != leader; }));
  expect_progress();
  site_->coordinator(*leader).resume();
  expect_progress();
  expect_a_good_end();
}

TEST_F(OneFault, KillACoordinatorThatFollows) {
  const auto follower = site_->follower();
  site_->coordinator(follower).kill();
  expect_progress();
  site_->coordinator(follower).launch();
  expect_progress();
  expect_a_good_end();
}

TEST_F(OneFault, StopACoordinatorThatFollows) {
  const auto follower = site_->follower();
  site_->coordinator(follower).pause();
  expect_progress();
  site_->coordinator(follower).resume();
  expect_progress();
  expect_a_good_end();
}

TEST_F(OneFault, ANatsServerLosesItsStore) {
  const auto node = site_->log_leader();
  site_->nats().kill_node(node);
  site_->nats().wipe_node(node);
  expect_progress();
  site_->nats().start_node(node);
  expect_progress();
  EXPECT_TRUE(site_->wait_whole()) << "it has its replica again";
  expect_a_good_end();
}

TEST_F(OneFault, ACoordinatorLosesItsData) {
  const auto leader = site_->leader();
  ASSERT_TRUE(leader);
  site_->coordinator(*leader).kill();
  site_->coordinator(*leader).wipe();
  expect_progress();
  site_->coordinator(*leader).launch();
  EXPECT_TRUE(site_->coordinator(*leader).wait_ready());
  expect_progress();
  expect_a_good_end();
}

TEST_F(OneFault, EverythingIsKilledAtOnce) {
  for (std::size_t i = 0; i < site_->coordinators(); ++i) site_->coordinator(i).kill();
  for (std::size_t i = 0; i < NatsCluster::kNodes; ++i) site_->nats().kill_node(i);
  for (std::size_t i = 0; i < NatsCluster::kNodes; ++i) site_->nats().start_node(i);
  for (std::size_t i = 0; i < site_->coordinators(); ++i) site_->coordinator(i).launch();
  expect_progress();
  expect_a_good_end();
}

}  // namespace
}  // namespace weir::test
