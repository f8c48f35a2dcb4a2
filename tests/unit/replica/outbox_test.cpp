// Operations that come while the log is away.
#include "pkg/replica/outbox.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

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
  // The outbox hands over, and the log does not answer.
  void begin_draining(int count) {
    ASSERT_TRUE(node_.start());
    log_.set_connected(false);
    keep(count);
    log_.hold_acks(true);
    log_.set_connected(true);
    ASSERT_TRUE(wait_until([&] { return !log_.entries().empty(); }));
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
  node_.longest_hold = 50ms;
  begin_draining(20);
  keep(1);  // kept too, although the log is there
  log_.hold_acks(false);
  expect_drained();
}

TEST_F(OutboxTest, AnswersAreHeldUntilItIsEmpty) {
  begin_draining(20);
  auto one = node_.begin(add_operation("k", 1));
  auto refused = node_.begin({"toy.refuse", "{}"});
  auto two = node_.begin(add_operation("k", 1));
  ASSERT_TRUE(wait_until([&] { return waiting() == 23; }));
  EXPECT_EQ(two.wait_for(50ms), std::future_status::timeout);
  log_.hold_acks(false);
  const auto first = one.get();
  EXPECT_EQ(waiting(), 0U) << "answered too early";
  ASSERT_TRUE(first) << describe(first.error());
  EXPECT_FALSE(first->kept);
  EXPECT_EQ(first->json, "21");
  EXPECT_EQ(first->revision, log_.info()->last);
  EXPECT_EQ(refused.get().error().reason, "refused");
  EXPECT_EQ(two.get()->json, "22");
}

// The entry that carries it is stored, but the answer of the log is lost.
TEST_F(OutboxTest, AHeldAnswerIsThatOfTheEntryThatWasApplied) {
  begin_draining(5);
  auto one = node_.begin(add_operation("k", 1));
  ASSERT_TRUE(wait_until([&] { return waiting() == 6; }));
  log_.lose_acks(2);
  log_.hold_acks(false);
  const auto reply = one.get();
  ASSERT_TRUE(reply) << describe(reply.error());
  EXPECT_FALSE(reply->kept);
  EXPECT_EQ(reply->json, "6");
  kept_ = 6;
  expect_drained();
}

// A NATS whose disk is full is there, and stores nothing.
TEST_F(OutboxTest, NothingIsHeldWhileTheLogTakesNothing) {
  ASSERT_TRUE(node_.start());
  log_.set_connected(false);
  keep(1);
  log_.lose_publishes(1'000'000);
  log_.set_connected(true);
  EXPECT_TRUE(wait_until([&] { return log_.message_ids().size() > 1; }));
  const auto began = std::chrono::steady_clock::now();
  keep(20);
  EXPECT_LT(std::chrono::steady_clock::now() - began, node_.longest_hold);
  log_.lose_publishes(0);
  expect_drained();
}

TEST_F(OutboxTest, HeldAnswersAreGivenWhenItEnds) {
  auto outbox = Outbox::open({.path = node_.dir.file("outbox.db"), .proposer = "p"}, log_, clock_,
                             {[] { return true; }, [] { return Revision{0}; }});
  ASSERT_TRUE(outbox) << describe(outbox.error());
  (*outbox)->start();
  std::atomic<bool> kept{false};
  (*outbox)->keep_in_turn(add_operation("k", 1),
                          [&](const Result<Reply>& reply) { kept = reply && reply->kept; });
  ASSERT_TRUE(wait_until([&] { return !log_.entries().empty(); }));
  EXPECT_FALSE(kept) << "it is not applied yet";
  (*outbox)->stop();
  EXPECT_TRUE(kept);
}

// Each asks again as soon as it is answered: what comes is slowed down to what goes.
TEST_F(OutboxTest, BecomesEmptyAlthoughEverybodyGoesOn) {
  ASSERT_TRUE(node_.start());
  log_.set_connected(false);
  keep(500);
  std::atomic<bool> stop{false};
  std::atomic<int> asked{0};
  std::atomic<int> direct{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      while (!stop) {
        const auto reply = node_.ask_or_keep(add_operation("k", 1));
        EXPECT_TRUE(reply);
        ++asked;
        direct += reply && !reply->kept ? 1 : 0;
      }
    });
  }
  log_.set_connected(true);
  EXPECT_TRUE(wait_until([&] { return waiting() == 0 && direct > 100; }));
  stop = true;
  for (auto& client : clients) client.join();
  kept_ += asked;
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

TEST_F(OutboxTest, TakesOverWhatAFullLogRefuses) {
  ASSERT_TRUE(node_.start());
  log_.set_full(true);
  keep(20);
  EXPECT_EQ(waiting(), 20U);
  log_.set_full(false);
  expect_drained();
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

// Who is answered may lose power the moment after.
TEST_F(OutboxAlone, AnOperationIsAnsweredWhenItIsOnTheDisk) {
  log_.set_connected(false);
  std::promise<std::uint64_t> on_disk;
  outbox_->keep(add_operation("k", 1), [&](const Result<Reply>&) {
    auto file = OutboxFile::open({.path = dir_.file("outbox.db"), .proposer = "n1-outbox"});
    on_disk.set_value(file ? (*file)->content()->operations : 0);
  });
  EXPECT_EQ(on_disk.get_future().get(), 1U);
}

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
