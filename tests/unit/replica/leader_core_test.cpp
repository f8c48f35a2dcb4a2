#include "pkg/replica/leader_core.hpp"

#include <gtest/gtest.h>

namespace weir::replica {
namespace {

using namespace std::chrono_literals;

class MemoryLeases final : public LeaseStore {
 public:
  Result<std::optional<LeaseRecord>> read() override {
    if (down) return Error{Code::unavailable, "nats_unavailable", "", ""};
    return record;
  }
  Result<std::uint64_t> write(const std::string& holder, std::uint64_t expected) override {
    if (down) return Error{Code::unavailable, "nats_unavailable", "", ""};
    if ((record ? record->revision : 0) != expected) {
      return Error{Code::conflict, "lease_changed", "", ""};
    }
    record = LeaseRecord{holder, ++revision};
    if (lose_answer) return Error{Code::deadline_exceeded, "nats_timeout", "", ""};
    return revision;
  }
  bool down = false;
  bool lose_answer = false;
  std::uint64_t revision = 0;
  std::optional<LeaseRecord> record;
};

class LeaderCoreTest : public testing::Test {
 protected:
  static LeaderCore::Options options(const char* holder) { return {.holder = holder}; }
  // Both step whenever they want to, for a while.
  void run(Millis time) {
    for (const MonoTime end = now_ + time; now_ < end; now_ += 50ms) {
      a_.step(now_);
      b_.step(now_);
    }
  }
  MemoryLeases store_;
  LeaderCore a_{options("a"), store_};
  LeaderCore b_{options("b"), store_};
  MonoTime now_{1h};
};

TEST_F(LeaderCoreTest, OneWinsAndKeepsIt) {
  run(1min);
  EXPECT_TRUE(a_.leads(now_));
  EXPECT_FALSE(b_.leads(now_));
  EXPECT_EQ(store_.record->holder, "a");
}

TEST_F(LeaderCoreTest, ADeadLeaderIsReplacedAfterItsTtlAndNotBefore) {
  run(5s);
  const MonoTime died = now_;
  while (!b_.leads(now_) && now_ < died + 1min) {
    b_.step(now_);
    now_ += 10ms;
  }
  EXPECT_GE(now_ - died, 3s);
  EXPECT_LT(now_ - died, 5s);
  EXPECT_FALSE(a_.leads(now_)) << "it stopped by its own steady clock";
}

TEST_F(LeaderCoreTest, AReturnedOldLeaderIsFenced) {
  run(5s);
  for (const MonoTime end = now_ + 20s; now_ < end; now_ += 50ms) b_.step(now_);
  ASSERT_TRUE(b_.leads(now_));
  a_.step(now_);
  EXPECT_FALSE(a_.leads(now_));
  run(20s);
  EXPECT_TRUE(b_.leads(now_));
  EXPECT_FALSE(a_.leads(now_));
}

// However that came about: not a moment longer than it takes to be told.
TEST_F(LeaderCoreTest, AReplacedLeaderStopsWhenItIsTold) {
  run(5s);
  ASSERT_TRUE(a_.leads(now_));
  ASSERT_TRUE(store_.write("b", store_.record->revision));
  while (store_.record->holder == "b" && a_.leads(now_) && now_ < MonoTime{2h}) {
    a_.step(now_);
    now_ += 10ms;
  }
  EXPECT_FALSE(a_.leads(now_));
  EXPECT_LE(now_ - MonoTime{1h}, 5s + options("a").renew + 10ms);
}

TEST_F(LeaderCoreTest, ResigningHandsOverAtOnce) {
  run(5s);
  a_.resign();
  EXPECT_FALSE(a_.leads(now_));
  now_ += 1s;
  b_.step(now_);
  EXPECT_TRUE(b_.leads(now_));
  b_.resign();
  b_.resign();
}

// At every moment at most one leads.
TEST_F(LeaderCoreTest, HandedOverToTheHeirAndToNobodyElse) {
  run(5s);
  ASSERT_TRUE(a_.leads(now_));
  EXPECT_EQ(b_.hand_over("c").error().reason, "not_leader");
  EXPECT_EQ(b_.claim(now_).error().reason, "lease_held");
  ASSERT_TRUE(a_.hand_over("c"));
  EXPECT_FALSE(a_.leads(now_));
  EXPECT_EQ(b_.claim(now_).error().reason, "lease_held") << "it is the heir's";
  LeaderCore c(options("c"), store_);
  ASSERT_TRUE(c.claim(now_));
  EXPECT_TRUE(c.leads(now_));
  ASSERT_TRUE(c.claim(now_)) << "it has it already";
  run(1s);
  c.step(now_);
  EXPECT_TRUE(c.leads(now_));
  EXPECT_FALSE(a_.leads(now_) || b_.leads(now_));
}

TEST_F(LeaderCoreTest, AnHeirThatNeverComesIsReplaced) {
  run(5s);
  ASSERT_TRUE(a_.hand_over("gone"));
  run(10s);
  EXPECT_NE(a_.leads(now_), b_.leads(now_));
}

TEST_F(LeaderCoreTest, ByForceItLeadsWhenTheOtherCannotAnyMore) {
  ManualClock clock;
  a_.step(clock.mono());
  ASSERT_TRUE(a_.leads(clock.mono()));
  clock.advance(900ms);
  ASSERT_TRUE(b_.take(clock));
  const MonoTime taken = clock.mono();
  // The one before hears nothing: it does not step.
  while (!b_.leads(clock.mono())) {
    ASSERT_LT(clock.mono() - taken, 3s);
    clock.advance(10ms);
    b_.step(clock.mono());
    ASSERT_FALSE(a_.leads(clock.mono()) && b_.leads(clock.mono()));
  }
  EXPECT_FALSE(a_.leads(clock.mono()));
  a_.step(clock.mono());
  EXPECT_FALSE(a_.leads(clock.mono())) << "fenced: its write is refused";
  for (int i = 0; i < 100; ++i) {
    clock.advance(100ms);
    a_.step(clock.mono());
    b_.step(clock.mono());
    ASSERT_TRUE(b_.leads(clock.mono()));
    ASSERT_FALSE(a_.leads(clock.mono()));
  }
}

TEST_F(LeaderCoreTest, ByForceAFreeLeaseLeadsAtOnce) {
  ManualClock clock;
  ASSERT_TRUE(b_.take(clock));
  EXPECT_TRUE(b_.leads(clock.mono()));
  store_.down = true;
  EXPECT_EQ(a_.take(clock).error().reason, "nats_unavailable");
  EXPECT_EQ(a_.claim(clock.mono()).error().reason, "nats_unavailable");
}

TEST_F(LeaderCoreTest, WithoutTheStoreItStopsLeadingInTime) {
  run(5s);
  store_.down = true;
  run(4500ms);
  EXPECT_FALSE(a_.leads(now_));
  store_.down = false;
  run(10s);
  EXPECT_NE(a_.leads(now_), b_.leads(now_));
}

TEST_F(LeaderCoreTest, AWriteWithoutAnAnswerIsFoundAgain) {
  store_.lose_answer = true;
  a_.step(now_);
  EXPECT_FALSE(a_.leads(now_));
  store_.lose_answer = false;
  now_ += 2s;
  a_.step(now_);
  EXPECT_TRUE(a_.leads(now_));
}

}  // namespace
}  // namespace weir::replica
