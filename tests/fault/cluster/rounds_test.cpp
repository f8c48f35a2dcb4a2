// Random kills (SIGKILL) of any process under load, round after round: nothing lost, nothing done
// twice, and what clients were told fits a sequential job queue. One short round by default;
// WEIR_FAULT_ROUNDS=20 runs so many of 50,000 jobs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <random>

#include "tests/fault/cluster/site.hpp"
#include "tests/fault/cluster/traffic.hpp"
#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

using testing::IsEmpty;

struct Rounds {
  std::size_t rounds = 1;
  std::size_t jobs = 3'000;
  std::size_t kills = 3;
};

Rounds rounds_of_this_run() {
  const char* rounds = std::getenv("WEIR_FAULT_ROUNDS");
  if (rounds == nullptr) return {};
  return {static_cast<std::size_t>(std::atoi(rounds)), 50'000, 8};
}

// Kills one process of the site, and starts it again.
std::string kill_one(Site& site, std::minstd_rand& random) {
  const std::size_t victim = random() % (site.coordinators() + NatsCluster::kNodes);
  if (victim < site.coordinators()) {
    site.coordinator(victim).kill();
    site.coordinator(victim).launch();
    return "w" + std::to_string(victim + 1);
  }
  const std::size_t node = victim - site.coordinators();
  site.nats().kill_node(node);
  site.nats().start_node(node);
  return "n" + std::to_string(node + 1);
}

TEST(Rounds, OfRandomKillsLoseAndDoubleNothing) {
  const Rounds plan = rounds_of_this_run();
  Site site(3);
  site.start();
  std::minstd_rand random(std::random_device{}());
  for (std::size_t round = 1; round <= plan.rounds; ++round) {
    ASSERT_TRUE(site.wait_whole());
    const auto began = History::now_us();
    Traffic traffic(site.ports(), site.key(),
                    {.queue = "round" + std::to_string(round),
                     .jobs = plan.jobs,
                     .batch = 20,
                     .submitters = 3,
                     .workers = 3,
                     .readers = 2});
    std::string killed;
    for (std::size_t kill = 0; kill < plan.kills; ++kill) {
      const std::size_t at = plan.jobs * (kill + 1) / (plan.kills + 1);
      EXPECT_TRUE(wait_until([&] { return traffic.completed() >= at; }, std::chrono::seconds(120)));
      killed += " " + kill_one(site, random);
    }
    EXPECT_TRUE(wait_until([&] { return traffic.submitted_all(); }, std::chrono::seconds(120)));
    EXPECT_TRUE(traffic.finish(std::chrono::seconds(120)));
    EXPECT_THAT(traffic.judge(), IsEmpty()) << "killed:" << killed;
    std::printf(
        "round %zu: %zu jobs, %.1f s, killed%s; %zu calls, %zu failed, %.1f s without a "
        "completion, 0 lost, 0 twice\n",
        round, traffic.accepted(), static_cast<double>(History::now_us() - began) / 1e6,
        killed.c_str(), traffic.calls(), traffic.failed_calls(),
        traffic.longest_gap(Act::complete));
    std::fflush(stdout);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace weir::test
