#include "api/admin/assessment.hpp"

#include <gtest/gtest.h>

#include "api/admin/rates.hpp"

namespace weir::api {
namespace {

const Timestamp kNow = from_unix_ms(1'700'000'000'000);

replica::Health well() {
  replica::Health health;
  health.log_connected = true;
  health.applying = true;
  health.applied = health.log_last = 10;
  return health;
}

SystemFacts facts(bool fresh, Millis age) {
  SystemFacts out;
  out.fresh = fresh;
  out.problem = fresh ? "" : "no answer within 300 ms";
  out.taken_at = kNow - age;
  return out;
}

TEST(Assessment, AllIsWell) {
  const auto a = assess(well(), facts(true, Millis{0}), kNow);
  EXPECT_EQ(a.overall, State::ok);
  EXPECT_TRUE(a.can_read && a.can_write);
  for (const auto& component : a.components) EXPECT_EQ(component.state, State::ok);
}

TEST(Assessment, WithoutNatsItReadsButDoesNotWrite) {
  auto health = well();
  health.log_connected = false;
  const auto a = assess(health, std::nullopt, kNow);
  EXPECT_EQ(a.overall, State::down);
  EXPECT_TRUE(a.can_read);
  EXPECT_FALSE(a.can_write);
  EXPECT_EQ(a.component("queue_system").state, State::down);
  EXPECT_EQ(a.component("replica").state, State::ok);
  EXPECT_FALSE(a.problem.empty());
}

TEST(Assessment, ASlowAnswerDegradesALongSilenceIsDown) {
  EXPECT_EQ(assess(well(), facts(false, Millis{1000}), kNow).overall, State::degraded);
  const auto silent = assess(well(), facts(false, Millis{6000}), kNow);
  EXPECT_EQ(silent.overall, State::down);
  EXPECT_EQ(silent.problem, "no answer within 300 ms");
}

TEST(Assessment, AStoppedReplicaIsDown) {
  auto health = well();
  health.applying = false;
  health.problem = "unknown operation";
  const auto a = assess(health, std::nullopt, kNow);
  EXPECT_EQ(a.overall, State::down);
  EXPECT_FALSE(a.can_read);
  EXPECT_EQ(a.component("nats").state, State::ok);
}

TEST(Assessment, CatchingUpAndLaggingAreDegraded) {
  auto catching_up = well();
  catching_up.applying = false;
  EXPECT_EQ(assess(catching_up, std::nullopt, kNow).overall, State::degraded);
  EXPECT_FALSE(assess(catching_up, std::nullopt, kNow).can_write);
  auto behind = well();
  behind.log_last = 100'000;
  EXPECT_EQ(assess(behind, std::nullopt, kNow).component("replication").state, State::degraded);
}

TEST(Assessment, AnotherReplicaThatDiffersDegradesAndIsNamed) {
  auto health = well();
  health.digest.differing = "n7";
  const auto a = assess(health, std::nullopt, kNow);
  EXPECT_EQ(a.component("replication").state, State::degraded);
  EXPECT_NE(a.component("replication").problem.find("n7"), std::string::npos);
  EXPECT_TRUE(a.can_write);
}

TEST(Assessment, StructuresDegradeTheWholeAndNoMore) {
  const auto with = [](const replica::Health& data) {
    auto out = assess(well(), facts(true, Millis{0}), kNow);
    add_structures(out, data);
    return out;
  };
  EXPECT_EQ(with(well()).overall, State::ok);
  EXPECT_EQ(with(well()).component("structures").state, State::ok);
  auto stopped = well();
  stopped.applying = false;
  stopped.problem = "unknown operation";
  EXPECT_EQ(with(stopped).component("structures").state, State::down);
  EXPECT_EQ(with(stopped).overall, State::degraded);
  EXPECT_EQ(with(stopped).problem, "unknown operation");
  EXPECT_TRUE(with(stopped).can_write);
  auto behind = well();
  behind.log_last = 100'000;
  EXPECT_EQ(with(behind).component("structures").state, State::degraded);
  EXPECT_EQ(with(behind).overall, State::degraded);
}

TEST(RateSampler, LooksBackOneToTwoPeriods) {
  ManualClock clock;
  RateSampler sampler(clock.mono());
  replica::Totals totals;
  EXPECT_EQ(sampler.rates(clock.mono(), totals).operations_applied, 0);
  const auto step = [&](std::uint64_t operations) {
    clock.advance(kSamplePeriod);
    totals.operations_applied += operations;
    sampler.sample(clock.mono(), totals);
  };
  step(5000);
  step(0);
  EXPECT_DOUBLE_EQ(sampler.rates(clock.mono() + std::chrono::seconds(5), totals).operations_applied,
                   0);
  step(500);
  EXPECT_DOUBLE_EQ(sampler.rates(clock.mono(), totals).operations_applied, 100);
}

}  // namespace
}  // namespace weir::api
