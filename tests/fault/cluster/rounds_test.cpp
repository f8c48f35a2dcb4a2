// Random kills (SIGKILL) of any process under load, round after round: nothing lost, nothing done
// twice, and what clients were told fits a sequential job queue. One short round by default;
// WEIR_FAULT_ROUNDS=20 runs so many of 50,000 jobs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>

#include "tests/fault/cluster/site.hpp"
#include "tests/fault/cluster/traffic.hpp"
#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

using testing::IsEmpty;

constexpr auto kLimit = std::chrono::seconds(120);

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

// What was killed, counted by the part that it played.
class Kills {
 public:
  explicit Kills(Site& site) : site_(site) {}

  // Kills one process of the site, and starts it again at once.
  void one(std::minstd_rand& random) {
    const std::size_t victim = random() % (site_.coordinators() + NatsCluster::kNodes);
    if (victim < site_.coordinators()) return coordinator(victim);
    nats(victim - site_.coordinators());
  }

  std::string text() const {
    std::string out;
    for (const auto& [part, count] : counts_) {
      out += (out.empty() ? "" : ", ") + std::to_string(count) + " " + part;
    }
    return out;
  }
  void add(const Kills& others) {
    for (const auto& [part, count] : others.counts_) counts_[part] += count;
  }

 private:
  void coordinator(std::size_t victim) {
    ++counts_[site_.leader() == victim ? "leading coordinator" : "other coordinator"];
    site_.coordinator(victim).kill();
    site_.coordinator(victim).launch();
  }
  void nats(std::size_t victim) {
    ++counts_[site_.find_log_leader() == victim ? "NATS leader of the log" : "other NATS server"];
    site_.nats().kill_node(victim);
    site_.nats().start_node(victim);
  }

  Site& site_;
  std::map<std::string, int> counts_;
};

// False when the round did not end as it must.
bool run_round(Site& site, const Rounds& plan, std::size_t number, std::minstd_rand& random,
               Kills& all) {
  EXPECT_TRUE(site.wait_whole());
  const auto began = History::now_us();
  Traffic traffic(site.ports(), site.key(),
                  {.queue = "round" + std::to_string(number),
                   .jobs = plan.jobs,
                   .batch = 20,
                   .submitters = 3,
                   .workers = 3,
                   .readers = 2});
  Kills kills(site);
  for (std::size_t kill = 0; kill < plan.kills; ++kill) {
    const std::size_t at = plan.jobs * (kill + 1) / (plan.kills + 1);
    EXPECT_TRUE(wait_until([&] { return traffic.completed() >= at; }, kLimit));
    kills.one(random);
  }
  EXPECT_TRUE(wait_until([&] { return traffic.submitted_all(); }, kLimit));
  EXPECT_TRUE(traffic.finish(kLimit));
  EXPECT_THAT(traffic.judge(), IsEmpty()) << "killed: " << kills.text();
  all.add(kills);
  const bool good = !testing::Test::HasFailure();
  std::printf(
      "round %zu: %zu jobs, %.1f s, killed %s; %zu calls, %zu failed, %.1f s without a "
      "completion; %s\n",
      number, traffic.accepted(), static_cast<double>(History::now_us() - began) / 1e6,
      kills.text().c_str(), traffic.calls(), traffic.failed_calls(),
      traffic.longest_gap(Act::complete), good ? "0 lost, 0 twice" : "FAILED");
  std::fflush(stdout);
  return good;
}

TEST(Rounds, OfRandomKillsLoseAndDoubleNothing) {
  const Rounds plan = rounds_of_this_run();
  const auto seed = std::random_device{}();
  std::printf("seed %u\n", seed);
  std::minstd_rand random(seed);
  Site site(3);
  site.start();
  Kills all(site);
  for (std::size_t round = 1; round <= plan.rounds; ++round) {
    if (!run_round(site, plan, round, random, all)) return;
  }
  std::printf("killed in all: %s\n", all.text().c_str());
}

}  // namespace
}  // namespace weir::test
