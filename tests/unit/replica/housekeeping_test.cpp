// What the leader decides: when to tick (TickCore) and what to publish (EffectsCore).
#include <gtest/gtest.h>

#include "pkg/json/view.hpp"
#include "pkg/replica/effects_core.hpp"
#include "pkg/replica/proposals_core.hpp"

namespace weir::replica {
namespace {

using namespace std::chrono_literals;

class TickCoreTest : public testing::Test {
 protected:
  Now now() const { return {wall_, mono_}; }
  void pass(Millis time) {
    wall_ += time;
    mono_ += time;
  }
  TickCore core_{{"jobs", "keys"}};
  Timestamp wall_ = from_unix_ms(1'000'000);
  MonoTime mono_{1h};
};

TEST_F(TickCoreTest, TicksWhatIsDueOnceAtATime) {
  core_.set_log_time(wall_, mono_);
  core_.set_due(0, wall_ + 100ms);
  EXPECT_FALSE(core_.next(now()));
  EXPECT_EQ(core_.next_step(now()), mono_ + 100ms);
  pass(100ms);
  const auto tick = core_.next(now());
  ASSERT_TRUE(tick);
  EXPECT_EQ(tick->machine, 0U);
  EXPECT_EQ(tick->operation.name, "jobs.tick");
  EXPECT_EQ(tick->operation.body, "{}");
  EXPECT_FALSE(core_.next(now()));
  EXPECT_FALSE(core_.next_step(now()));
}

TEST_F(TickCoreTest, DueAgainAtOnceAfterBoundedWork) {
  core_.set_log_time(wall_, mono_);
  core_.set_due(1, wall_);
  ASSERT_TRUE(core_.next(now()));
  core_.on_reply(1, {}, mono_);
  EXPECT_TRUE(core_.next(now()));
}

TEST_F(TickCoreTest, AFastWallClockDoesNotMakeAStorm) {
  core_.set_log_time(wall_, mono_);
  core_.set_due(0, wall_ + 10s);
  wall_ += 1min;  // this node's clock steps ahead of the log's
  int ticks = 0;
  for (int i = 0; i < 1'000; ++i) {
    if (const auto tick = core_.next(now())) {
      ++ticks;
      core_.set_log_time(from_unix_ms(1'000'000) + i * 10ms, mono_);
      core_.on_reply(tick->machine, {}, mono_);
    }
    pass(10ms);
  }
  EXPECT_GE(ticks, 1);
  EXPECT_LE(ticks, 12);
}

TEST_F(TickCoreTest, ATimeThatStandsMakesNothingDue) {
  core_.set_standing(true);
  core_.set_log_time(wall_, mono_);
  core_.set_due(0, wall_ + 1s);
  mono_ += 1h;
  EXPECT_FALSE(core_.next(now()));
  EXPECT_FALSE(core_.next_step(now())) << "waiting does not help";
  wall_ += 1s;
  core_.set_log_time(wall_, mono_);
  EXPECT_TRUE(core_.next(now()));
}

TEST_F(TickCoreTest, AStepOfTheTimeEndsTheWaitForADifference) {
  core_.set_log_time(wall_, mono_);
  core_.set_due(0, wall_);
  ASSERT_TRUE(core_.next(now()));
  core_.set_due(0, wall_ + 24h);
  core_.on_reply(0, {}, mono_);
  wall_ += 24h;  // by a test clock
  core_.set_log_time(wall_, mono_);
  EXPECT_FALSE(core_.next(now())) << "it would have been early";
  core_.on_step();
  EXPECT_TRUE(core_.next(now()));
}

TEST_F(TickCoreTest, ASlowWallClockDoesNotDelay) {
  core_.set_log_time(wall_ + 1h, mono_);  // the log is an hour ahead of this node
  core_.set_due(0, wall_ + 1h + 1s);
  EXPECT_FALSE(core_.next(now()));
  pass(1s);
  EXPECT_TRUE(core_.next(now()));
}

TEST_F(TickCoreTest, RestsAfterAnError) {
  core_.set_due(0, wall_);
  ASSERT_TRUE(core_.next(now()));
  core_.on_reply(0, Error{Code::unavailable, "nats_unavailable", "", ""}, mono_);
  EXPECT_FALSE(core_.next(now()));
  ASSERT_TRUE(core_.next_step(now()));
  pass(200ms);
  EXPECT_TRUE(core_.next(now()));
}

class ProposalsCoreTest : public TickCoreTest {
 protected:
  std::vector<Operation> wanted_;
  std::vector<Timestamp> asked_;
  ProposalsCore proposals_{2, [this](std::size_t machine, Timestamp log_time) {
                             EXPECT_EQ(machine, 1U);
                             asked_.push_back(log_time);
                             return wanted_;
                           }};
};

TEST_F(ProposalsCoreTest, AsksWhenDueAndAgainWhenAllIsAnswered) {
  proposals_.set_log_time(wall_, mono_);
  proposals_.set_due(1, wall_ + 100ms);
  wanted_ = {{"jobs.a", "{}"}, {"jobs.b", "{}"}};
  EXPECT_FALSE(proposals_.next(now()));
  EXPECT_EQ(proposals_.next_step(now()), mono_ + 100ms);
  pass(100ms);
  const auto round = proposals_.next(now());
  ASSERT_TRUE(round);
  EXPECT_EQ(round->machine, 1U);
  EXPECT_EQ(round->operations.size(), 2U);
  proposals_.set_log_time(wall_, mono_);
  proposals_.on_reply(1, {}, mono_);
  EXPECT_FALSE(proposals_.next(now()));
  proposals_.on_reply(1, {}, mono_);
  EXPECT_TRUE(proposals_.next(now()));
}

TEST_F(ProposalsCoreTest, RestsWhenNothingCameOrSomethingFailed) {
  proposals_.set_log_time(wall_, mono_);
  proposals_.set_due(1, wall_);
  EXPECT_FALSE(proposals_.next(now()));
  EXPECT_FALSE(proposals_.next(now()));
  EXPECT_EQ(asked_.size(), 1U);
  pass(200ms);
  wanted_ = {{"jobs.a", "{}"}, {"jobs.b", "{}"}};
  ASSERT_TRUE(proposals_.next(now()));
  proposals_.on_reply(1, Error{Code::unavailable, "nats_unavailable", "", ""}, mono_);
  proposals_.on_reply(1, {}, mono_);
  EXPECT_FALSE(proposals_.next(now()));
  pass(200ms);
  EXPECT_TRUE(proposals_.next(now()));
}

TEST_F(ProposalsCoreTest, AFastWallClockIsNotTheLogsTime) {
  proposals_.set_log_time(wall_, mono_);
  proposals_.set_due(1, wall_ + 10s);
  wall_ += 1min;
  EXPECT_FALSE(proposals_.next(now()));
  ASSERT_EQ(asked_.size(), 1U);
  EXPECT_EQ(asked_[0], wall_ - 1min);
}

class FakeSink final : public EffectSink {
 public:
  std::size_t publish(std::span<const EffectMessage> messages) override {
    const std::size_t stored = std::min(messages.size(), room);
    for (std::size_t i = 0; i < stored; ++i) ids.push_back(messages[i].id);
    return stored;
  }
  std::size_t room = 1'000;
  std::vector<std::string> ids;
};

class EffectsCoreTest : public testing::Test {
 protected:
  std::vector<OwedEffect> read(EffectId after, std::size_t limit) const {
    std::vector<OwedEffect> out;
    for (const auto id : owed_) {
      if (id > after && out.size() < limit) out.push_back({id, {"s", "", "b"}});
    }
    return out;
  }
  std::vector<EffectId> owed_{{3, 0}, {3, 1}, {8, 0}};
  FakeSink sink_;
  EffectsCore core_{sink_,
                    [this](EffectId after, std::size_t limit) { return read(after, limit); }};
  MonoTime now_{1h};
};

TEST_F(EffectsCoreTest, PublishesInOrderThenProposesTheWatermark) {
  core_.set_id_prefix("jobs-0-");
  const auto watermark = core_.step(3, now_);
  EXPECT_EQ(sink_.ids, (std::vector<std::string>{"jobs-0-3.0", "jobs-0-3.1", "jobs-0-8.0"}));
  ASSERT_TRUE(watermark);
  EXPECT_EQ(watermark->name, "sys.effects_done");
  EXPECT_EQ(json::View(watermark->body).find("revision").as_int(), 8);
  EXPECT_EQ(json::View(watermark->body).find("ordinal").as_int(), 0);
  EXPECT_FALSE(core_.step(3, now_)) << "one watermark at a time";
  EXPECT_FALSE(core_.next_step(3));
  core_.on_watermark({}, now_);
  EXPECT_EQ(core_.done(), 3U);
  EXPECT_FALSE(core_.step(0, now_));
}

TEST_F(EffectsCoreTest, WhatWasNotStoredIsTriedAgainLater) {
  sink_.room = 1;
  ASSERT_TRUE(core_.step(3, now_));
  core_.on_watermark({}, now_);
  EXPECT_FALSE(core_.step(2, now_)) << "it rests first";
  const auto again = core_.next_step(2);
  ASSERT_TRUE(again);
  EXPECT_GT(*again, now_);
  sink_.room = 100;
  ASSERT_TRUE(core_.step(2, *again));
  EXPECT_EQ(sink_.ids, (std::vector<std::string>{"3.0", "3.1", "8.0"}));
}

TEST_F(EffectsCoreTest, AWatermarkThatWasLostIsProposedAgainWithoutPublishing) {
  ASSERT_TRUE(core_.step(3, now_));
  core_.on_watermark(Error{Code::deadline_exceeded, "outcome_unknown", "", ""}, now_);
  now_ += 1s;
  EXPECT_TRUE(core_.step(3, now_));
  EXPECT_EQ(sink_.ids.size(), 3U);
}

TEST_F(EffectsCoreTest, DoesNotSpinWhenThereIsNothingToDo) {
  ASSERT_TRUE(core_.step(3, now_));
  core_.on_watermark({}, now_);
  EXPECT_FALSE(core_.step(3, now_));
  ASSERT_TRUE(core_.next_step(3));
  EXPECT_GT(*core_.next_step(3), now_);
}

}  // namespace
}  // namespace weir::replica
