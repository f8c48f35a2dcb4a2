// Operations that come while the log is away.
#include "pkg/replica/outbox.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "tests/support/wait.hpp"
#include "tests/unit/replica/node.hpp"

namespace weir::replica {
namespace {

using test::wait_until;

class OutboxTest : public testing::Test {
 protected:
  OutboxTest() { node_.outbox_bytes = 1U << 20U; }

  // Gives the name of the i-th operation: order shows in the values of one register.
  void keep(int count) {
    for (int i = 0; i < count; ++i) {
      const auto reply = node_.ask_or_keep(add_operation("k", 1));
      ASSERT_TRUE(reply) << describe(reply.error());
      EXPECT_TRUE(reply->kept);
    }
    kept_ += count;
  }
  std::int64_t value(const std::string& key = "k") {
    std::int64_t out = 0;
    const auto read = node_.instance->read([&](sqlite::Database& db) -> Result<void> {
      auto query = db.prepare("SELECT value FROM toy_values WHERE key=?1");
      query.bind(1, key);
      if (query.step()) out = query.int64(0);
      return {};
    });
    EXPECT_TRUE(read);
    return out;
  }
  std::uint64_t waiting() { return node_.instance->health().outbox.operations; }
  void expect_drained() {
    EXPECT_TRUE(wait_until([&] { return waiting() == 0; })) << waiting();
    EXPECT_TRUE(wait_until([&] { return value() == kept_; })) << value();
    EXPECT_EQ(node_.instance->health().outbox.bytes, 0U);
  }

  SystemClock clock_;
  test::MemoryLog log_{clock_};
  MemoryLeases leases_;
  MemoryEffects effects_;
  Node node_{log_, leases_, effects_};
  std::int64_t kept_ = 0;
};

TEST_F(OutboxTest, IsNotUsedWhileTheLogIsThere) {
  ASSERT_TRUE(node_.start());
  const auto reply = node_.ask_or_keep(add_operation("k", 5));
  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->kept);
  EXPECT_EQ(reply->json, "5");
}

TEST_F(OutboxTest, KeepsWhatComesWhileTheLogIsAwayAndAppendsItInOrder) {
  ASSERT_TRUE(node_.start());
  log_.set_connected(false);
  keep(100);
  EXPECT_EQ(waiting(), 100U);
  EXPECT_EQ(value(), 0);
  EXPECT_EQ(node_.reason(add_operation("k", 1)), "nats_unavailable") << "what needs an answer";
  log_.set_connected(true);
  expect_drained();
  EXPECT_EQ(node_.instance->health().outbox.drained, 100U);
  const auto live = node_.ask_or_keep(add_operation("k", 1));
  ASSERT_TRUE(live);
  EXPECT_FALSE(live->kept);
  EXPECT_EQ(live->json, "101");
}

TEST_F(OutboxTest, WhatIsNotFitForTheLogIsNotKept) {
  ASSERT_TRUE(node_.start());
  log_.set_connected(false);
  EXPECT_FALSE(node_.ask_or_keep({"toy.add", "[1,"}));
  EXPECT_EQ(waiting(), 0U);
}

TEST_F(OutboxTest, WhatWasAcceptedSaysSoInTheLog) {
  ASSERT_TRUE(node_.start());
  log_.set_connected(false);
  auto operation = add_operation("k", 1);
  operation.when_kept = "\"accepted\":true,";
  const auto reply = node_.ask_or_keep(operation);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->json, operation.body) << "its client sees what it asked";
  kept_ = 1;
  log_.set_connected(true);
  expect_drained();
  const auto last = log_.get(log_.info()->last);
  ASSERT_TRUE(last);
  EXPECT_NE(last->data.find("{\"accepted\":true,"), std::string::npos) << last->data;
}

TEST_F(OutboxTest, SurvivesARestartWhileTheLogIsStillAway) {
  ASSERT_TRUE(node_.start());
  log_.set_connected(false);
  keep(30);
  node_.instance->stop();
  node_.start_wait = 50ms;
  ASSERT_TRUE(node_.start());
  EXPECT_EQ(waiting(), 30U);
  keep(10);
  log_.set_connected(true);
  expect_drained();
}

// Every acknowledgement of the drain is lost, some entries are stored twice: each is applied once.
TEST_F(OutboxTest, AppendsAgainAndIsAppliedOnce) {
  ASSERT_TRUE(node_.start());
  log_.set_connected(false);
  keep(50);
  log_.lose_acks(2);
  log_.lose_publishes(2);
  log_.forget_ids();
  log_.set_connected(true);
  expect_drained();
}

TEST_F(OutboxTest, WhatComesWhileItDrainsStandsBehind) {
  ASSERT_TRUE(node_.start());
  log_.set_connected(false);
  keep(20);
  log_.hold_acks(true);
  log_.set_connected(true);
  ASSERT_TRUE(wait_until([&] { return !log_.entries().empty(); }));
  keep(1);  // kept too, although the log is there
  log_.hold_acks(false);
  expect_drained();
}

TEST_F(OutboxTest, IsBoundedAndLosesNothingWhenFull) {
  node_.outbox_bytes = 10'000;
  ASSERT_TRUE(node_.start());
  log_.set_connected(false);
  Result<Reply> last = Reply{};
  while (last) {
    last = node_.ask_or_keep(add_operation("k", 1));
    if (last) ++kept_;
    ASSERT_LT(kept_, 1'000);
  }
  EXPECT_EQ(last.error().code, Code::out_of_space);
  EXPECT_EQ(last.error().reason, "outbox_full");
  EXPECT_GT(kept_, 50);
  log_.set_connected(true);
  expect_drained();
  log_.set_connected(false);
  keep(1);
}

// What was on its way when the log went is kept, not refused.
TEST_F(OutboxTest, TakesOverWhatTheLogDidNotTake) {
  node_.timeout = 300ms;
  ASSERT_TRUE(node_.start());
  log_.lose_publishes(1'000'000);
  const auto reply = node_.ask_or_keep(add_operation("k", 1));
  ASSERT_TRUE(reply) << describe(reply.error());
  EXPECT_TRUE(reply->kept);
  ++kept_;
  log_.lose_publishes(0);
  expect_drained();
}

// An outbox alone: the test says what is applied.
class OutboxAlone : public testing::Test {
 protected:
  OutboxAlone() { open(); }

  void open() {
    outbox_.reset();
    auto opened = Outbox::open(
        {.path = dir_.file("outbox.db"), .proposer = "n1-outbox"}, log_, clock_,
        {.may_drain = [] { return true; }, .applied = [this] { return applied_.load(); }});
    ASSERT_TRUE(opened) << describe(opened.error());
    outbox_ = std::move(*opened);
    outbox_->start();
  }
  void keep() {
    std::promise<Result<Reply>> answer;
    outbox_->keep(add_operation("k", 1),
                  [&answer](Result<Reply> reply) { answer.set_value(std::move(reply)); });
    ASSERT_TRUE(answer.get_future().get());
  }
  bool drains() {
    return wait_until([this] { return outbox_->empty(); });
  }

  ManualClock clock_;
  test::MemoryLog log_{clock_};
  test::TempDir dir_;
  std::atomic<Revision> applied_{0};
  std::unique_ptr<Outbox> outbox_;
};

TEST_F(OutboxAlone, AnEntryIsForgottenOnlyWhenItIsApplied) {
  keep();
  ASSERT_TRUE(wait_until([this] { return log_.entries().size() == 1; }));
  outbox_->stop();
  EXPECT_EQ(outbox_->health().operations, 1U) << "the log acknowledged it; nobody has applied it";
  open();
  EXPECT_EQ(outbox_->health().operations, 1U) << "nor is it gone from the file";
  applied_ = 1;
  EXPECT_TRUE(drains());
  EXPECT_EQ(outbox_->health().bytes, 0U);
  const auto ids = log_.message_ids();
  ASSERT_EQ(ids.size(), 2U);
  EXPECT_EQ(ids[0], ids[1]) << "the same entry, so that it is applied once";
  open();
  EXPECT_TRUE(outbox_->empty());
}

// The log took it, lost it again, and another entry stands at its revision.
TEST_F(OutboxAlone, AnEntryThatTheLogLostIsAppendedAgain) {
  keep();
  ASSERT_TRUE(wait_until([this] { return log_.entries().size() == 1; }));
  const auto lost = log_.entries().front();
  log_.set_connected(false);
  log_.truncate(0);
  log_.forget_ids();
  log_.append_raw("another");
  log_.set_connected(true);
  applied_ = 1;
  ASSERT_TRUE(wait_until([this] { return log_.entries().size() == 2; }));
  EXPECT_EQ(log_.entries().back(), lost);
  EXPECT_FALSE(outbox_->empty());
  applied_ = 2;
  EXPECT_TRUE(drains());
}

// However long it takes: what is not applied is appended again, never given up.
TEST_F(OutboxAlone, AnEntryThatIsNotAppliedIsAppendedAgainAndAgain) {
  keep();
  ASSERT_TRUE(wait_until([this] {
    clock_.advance(1s);
    return log_.message_ids().size() >= 3;
  }));
  EXPECT_EQ(outbox_->health().operations, 1U);
  EXPECT_EQ(log_.entries().size(), 1U);
  applied_ = 1;
  EXPECT_TRUE(drains());
}

}  // namespace
}  // namespace weir::replica
