#include "pkg/replica/local_instance.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "tests/support/wait.hpp"
#include "tests/unit/replica/node.hpp"

namespace weir::replica {
namespace {

using test::wait_until;

class LocalInstanceTest : public testing::Test {
 protected:
  SystemClock clock_;
  test::MemoryLog log_{clock_};
  MemoryLeases leases_;
  MemoryEffects effects_;
  Node node_{log_, leases_, effects_};
};

TEST_F(LocalInstanceTest, AnswersWhatItAppliedAndReadsItBack) {
  ASSERT_TRUE(node_.start());
  const auto reply = node_.ask(add_operation("a", 5));
  ASSERT_TRUE(reply) << describe(reply.error());
  EXPECT_EQ(reply->json, "5");
  EXPECT_GE(reply->revision, 1U);
  EXPECT_EQ(node_.reason({"toy.refuse", "{}"}), "refused");
  std::int64_t seen = 0;
  const auto revision = node_.instance->read([&](sqlite::Database& db) -> Result<void> {
    auto query = db.prepare("SELECT value FROM toy_values WHERE key='a'");
    if (query.step()) seen = query.int64(0);
    return {};
  });
  ASSERT_TRUE(revision);
  EXPECT_GE(*revision, reply->revision);
  EXPECT_EQ(seen, 5);
  const auto totals = node_.instance->totals();
  EXPECT_GE(totals.operations_applied, 2U);
  EXPECT_TRUE(node_.instance->health().applying);
  EXPECT_GT(node_.instance->health().database_bytes, 0);
}

TEST_F(LocalInstanceTest, ALogForTestClocksIsForThemOnly) {
  TestClock test_clock(clock_);
  log_.set_test_clock(true);
  EXPECT_EQ(node_.start().error().reason, "test_clock_log");
  node_.test_clock = &test_clock;
  ASSERT_TRUE(node_.start());
  const auto later = clock_.wall() + 1h;
  ASSERT_TRUE(node_.ask(SysMachine::test_clock({.to = later, .freeze = true})));
  EXPECT_EQ(test_clock.wall(), later);
  node_.instance->stop();
  test_clock.set({});
  ASSERT_TRUE(node_.start());
  EXPECT_EQ(test_clock.wall(), later) << "from the data directory";
  node_.instance->stop();
  // Without the log it is the data directory that says so.
  log_.set_connected(false);
  node_.test_clock = nullptr;
  EXPECT_EQ(node_.start().error().reason, "test_clock_log");
}

TEST_F(LocalInstanceTest, ManyThreadsEachInTheirOrder) {
  ASSERT_TRUE(node_.start());
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  std::atomic<int> answered{0};
  std::atomic<int> disorder{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 1; i <= kEach; ++i) {
        node_.instance->propose(add_operation("t" + std::to_string(t), 1), [&, i](Result<Reply> r) {
          if (!r || r->json != std::to_string(i)) ++disorder;
          ++answered;
        });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(wait_until([&] { return answered.load() == kThreads * kEach; }));
  EXPECT_EQ(disorder.load(), 0);
  // How many share an entry is timing here; proposer_core_test.cpp proves the grouping itself.
  EXPECT_LE(node_.instance->totals().entries_proposed, std::uint64_t{kThreads * kEach});
}

TEST_F(LocalInstanceTest, LostPublishesAndAcksAreRepeatedAndAppliedOnce) {
  ASSERT_TRUE(node_.start());
  for (int i = 1; i <= 5; ++i) {
    if (i % 2 == 0)
      log_.lose_acks(1);
    else
      log_.lose_publishes(1);
    const auto reply = node_.ask(add_operation("a", 1));
    ASSERT_TRUE(reply) << describe(reply.error());
    EXPECT_EQ(reply->json, std::to_string(i));
  }
  EXPECT_EQ(log_.entries().size(), 5U);
}

TEST_F(LocalInstanceTest, DeadlineAndDisconnection) {
  node_.timeout = 200ms;
  ASSERT_TRUE(node_.start());
  log_.lose_publishes(1'000'000);
  EXPECT_EQ(node_.reason(add_operation("a", 1)), "outcome_unknown");
  log_.lose_publishes(0);
  log_.set_connected(false);
  const auto refused = node_.ask(add_operation("a", 1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "nats_unavailable");
  EXPECT_GT(refused.error().retry_after, 0ms);
  EXPECT_FALSE(node_.instance->health().log_connected);
  log_.set_connected(true);
  ASSERT_TRUE(wait_until([&] { return node_.instance->health().log_connected; }));
  EXPECT_EQ(node_.ask(add_operation("a", 1))->json, "1");
}

TEST_F(LocalInstanceTest, NothingInvalidGetsIntoTheLog) {
  ASSERT_TRUE(node_.start());
  std::string deep = "{}";
  for (int i = 0; i < 200; ++i) deep = "{\"a\":" + deep + "}";
  for (const std::string& body : {std::string(""), std::string("{"), std::string("[]"),
                                  std::string("{},{}"), std::string("7"), deep}) {
    EXPECT_EQ(node_.reason({"toy.add", body}), "invalid_operation") << body;
  }
  EXPECT_TRUE(log_.entries().empty());
}

TEST_F(LocalInstanceTest, RestartsWhereItWas) {
  ASSERT_TRUE(node_.start());
  const std::string id = node_.instance->node_id();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(node_.ask(add_operation("a", 1)));
  node_.instance->stop();
  node_.instance->stop();
  EXPECT_EQ(node_.reason(add_operation("a", 1)), "replica_stopped");
  ASSERT_TRUE(node_.start());
  EXPECT_EQ(node_.instance->node_id(), id);
  EXPECT_EQ(node_.instance->health().applied, 10U);
  EXPECT_EQ(node_.instance->totals().entries_applied, 0U);
  EXPECT_EQ(node_.ask(add_operation("a", 1))->json, "11");
}

TEST_F(LocalInstanceTest, TwoNodesConvergeAndOneTakesOver) {
  Node other(log_, leases_, effects_);
  ASSERT_TRUE(node_.start());
  ASSERT_TRUE(other.start());
  const auto here = node_.ask(add_operation("a", 1));
  const auto there = other.ask(add_operation("a", 1));
  ASSERT_TRUE(here && there);
  EXPECT_EQ(there->json, "2");
  std::promise<void> reached;
  node_.instance->when_applied(there->revision, clock_.mono() + 20s, [&](Result<void> result) {
    EXPECT_TRUE(result);
    reached.set_value();
  });
  reached.get_future().get();
  const auto leads = [](const Node& node) { return node.instance->health().role == Role::leader; };
  ASSERT_TRUE(wait_until([&] { return leads(node_) || leads(other); }));
  Node& leader = leads(node_) ? node_ : other;
  Node& follower = leads(node_) ? other : node_;
  leader.instance->stop();
  EXPECT_TRUE(wait_until([&] { return leads(follower); }));
}

TEST_F(LocalInstanceTest, WaitingForARevisionEnds) {
  ASSERT_TRUE(node_.start());
  std::promise<std::string> told;
  node_.instance->when_applied(1'000, clock_.mono() + 50ms, [&](Result<void> result) {
    told.set_value(result ? "ok" : result.error().reason);
  });
  EXPECT_EQ(told.get_future().get(), "revision_not_reached");
}

TEST_F(LocalInstanceTest, DeliveriesReachWaitersAndOrphans) {
  std::promise<std::string> orphan;
  auto made = node_.open();
  ASSERT_TRUE(made);
  node_.instance = std::move(*made);
  node_.instance->set_orphan_handler([&](std::string json) { orphan.set_value(json); });
  ASSERT_TRUE(node_.instance->start());
  std::promise<std::string> got;
  node_.instance->open_waiter("w1", [&](std::string json) { got.set_value(json); });
  const auto to = [&](const char* waiter) {
    return R"(,"deliver":{"node":")" + node_.instance->node_id() + R"(","waiter":")" + waiter +
           "\"}";
  };
  ASSERT_TRUE(node_.ask(add_operation("a", 1, to("w1"))));
  EXPECT_EQ(got.get_future().get(), "1");
  node_.instance->close_waiter("w1");
  ASSERT_TRUE(node_.ask(add_operation("a", 1, to("w1"))));
  EXPECT_EQ(orphan.get_future().get(), "2");
}

TEST_F(LocalInstanceTest, WatchersAreCalled) {
  ASSERT_TRUE(node_.start());
  std::atomic<int> calls{0};
  auto handle = node_.instance->watch("toy:a", [&] { ++calls; });
  ASSERT_TRUE(node_.ask(add_operation("a", 1, R"(,"watch":true)")));
  EXPECT_TRUE(wait_until([&] { return calls.load() > 0; }));
  handle.reset();
  const int before = calls.load();
  ASSERT_TRUE(node_.ask(add_operation("a", 1, R"(,"watch":true)")));
  ASSERT_TRUE(node_.ask(add_operation("a", 1)));
  EXPECT_EQ(calls.load(), before);
}

TEST_F(LocalInstanceTest, TheLeaderTicksAndPerformsEffects) {
  ASSERT_TRUE(node_.start());
  ASSERT_TRUE(node_.ask(add_operation("a", 7, R"(,"effect":true)")));
  EXPECT_TRUE(wait_until([&] { return effects_.bodies() == std::vector<std::string>{"7"}; }));
  EXPECT_TRUE(wait_until([&] { return node_.instance->health().effects_waiting == 0; }));
  const auto at_ms = to_unix_ms(clock_.wall()) + 50;
  ASSERT_TRUE(node_.ask({"toy.alarm", R"({"at_ms":)" + std::to_string(at_ms) + "}"}));
  EXPECT_TRUE(wait_until([&] { return node_.machine->ticks() > 0; }));
  EXPECT_EQ(effects_.bodies().size(), 1U);
}

TEST_F(LocalInstanceTest, AFailingDatabaseIsToldAndOvercome) {
  ASSERT_TRUE(node_.start());
  node_.machine->fail_commits(2);
  std::atomic<bool> seen{false};
  std::thread watcher([&] {
    seen = wait_until(
        [&] { return node_.instance->health().problem.find("disk_full") != std::string::npos; });
  });
  const auto reply = node_.ask(add_operation("a", 1));
  watcher.join();
  EXPECT_TRUE(seen.load());
  ASSERT_TRUE(reply) << describe(reply.error());
  EXPECT_EQ(reply->json, "1");
  EXPECT_TRUE(wait_until([&] { return node_.instance->health().problem.empty(); }));
  EXPECT_EQ(node_.ask(add_operation("a", 1))->json, "2");
}

TEST_F(LocalInstanceTest, AnUnknownOperationStopsItLoudly) {
  ASSERT_TRUE(node_.start());
  ASSERT_TRUE(node_.ask(add_operation("a", 1)));
  log_.append_raw(R"({"v":1,"p":"newer","n":1,"ops":[["toy.future",{}]]})");
  ASSERT_TRUE(wait_until([&] { return !node_.instance->health().applying; }));
  const auto health = node_.instance->health();
  EXPECT_NE(health.problem.find("unknown_operation"), std::string::npos) << health.problem;
  EXPECT_NE(health.problem.find("revision 2"), std::string::npos) << health.problem;
  EXPECT_EQ(health.applied, 1U);
  EXPECT_EQ(node_.reason(add_operation("a", 1)), "replica_stopped");
  EXPECT_FALSE(node_.instance->read([](sqlite::Database&) { return Result<void>(); }));
}

TEST_F(LocalInstanceTest, ALogThatLostItsEndGetsItBack) {
  Node other(log_, leases_, effects_);
  ASSERT_TRUE(node_.start());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(node_.ask(add_operation("a", 1)));
  const auto before = log_.entries();
  // While it runs ...
  log_.set_connected(false);
  log_.truncate(2);
  log_.set_connected(true);
  ASSERT_TRUE(wait_until([&] { return node_.instance->health().log_connected; }));
  EXPECT_EQ(node_.ask(add_operation("a", 1))->json, "6");
  EXPECT_EQ(node_.instance->totals().entries_healed, 3U);
  // ... and at start.
  node_.instance->stop();
  log_.truncate(1);
  ASSERT_TRUE(node_.start());
  EXPECT_EQ(node_.ask(add_operation("a", 1))->json, "7");
  const auto after = log_.entries();
  ASSERT_EQ(after.size(), 7U);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), after.begin()));
  ASSERT_TRUE(other.start()) << "a new coordinator applies the same";
  EXPECT_EQ(other.ask(add_operation("a", 1))->json, "8");
}

TEST_F(LocalInstanceTest, AReplicaThatDiffersStopsAndIsBuiltAnew) {
  Node other(log_, leases_, effects_);
  for (Node* node : {&node_, &other}) node->digests = {.entries = 5, .every = 200ms, .rows = 100};
  ASSERT_TRUE(node_.start());
  ASSERT_TRUE(wait_until([&] { return node_.instance->health().role == Role::leader; }));
  ASSERT_TRUE(other.start());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(node_.ask(add_operation("a", 1)));
  ASSERT_TRUE(wait_until([&] { return other.instance->health().digest.checkpoint > 0; }));
  const auto database = other.dir.file("data/jobs-0.db");
  {
    auto by_hand = sqlite::Database::open({.path = database});
    ASSERT_TRUE(by_hand);
    ASSERT_TRUE((*by_hand)->transaction([&]() -> Result<void> {
      (*by_hand)->execute("UPDATE toy_alarm SET at_ms=1");
      return {};
    }));
  }
  ASSERT_TRUE(node_.ask(add_operation("a", 1)));
  ASSERT_TRUE(wait_until([&] { return other.instance->health().digest.diverged; }));
  EXPECT_NE(other.instance->health().problem.find("state_diverged"), std::string::npos);
  EXPECT_FALSE(other.instance->health().applying);
  EXPECT_EQ(other.reason(add_operation("a", 1)), "replica_stopped");
  EXPECT_TRUE(node_.ask(add_operation("a", 1)));
  other.instance->stop();
  EXPECT_EQ(other.start().error().reason, "state_diverged");
  other.instance.reset();
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(database + suffix);
  ASSERT_TRUE(other.start());
  EXPECT_EQ(other.ask(add_operation("a", 1))->json, "23");
  ASSERT_TRUE(wait_until([&] {
    (void)other.ask(add_operation("b", 1));
    return node_.instance->health().digest.differing.empty();
  }));
  EXPECT_FALSE(other.instance->health().digest.diverged);
}

TEST_F(LocalInstanceTest, RefusesALogThatLostItsTailOrIsAnother) {
  node_.journal_bytes = 0;
  ASSERT_TRUE(node_.start());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(node_.ask(add_operation("a", 1)));
  node_.instance->stop();
  log_.truncate(3);
  const auto shorter = node_.start();
  ASSERT_FALSE(shorter);
  EXPECT_EQ(shorter.error().reason, "log_truncated");
  log_.replace("log-2");
  const auto another = node_.start();
  ASSERT_FALSE(another);
  EXPECT_EQ(another.error().reason, "log_replaced");
}

TEST_F(LocalInstanceTest, ALogReplacedWhileItRunsIsNoticed) {
  ASSERT_TRUE(node_.start());
  ASSERT_TRUE(node_.ask(add_operation("a", 1)));
  log_.replace("log-2");
  ASSERT_TRUE(wait_until([&] { return !node_.instance->health().problem.empty(); }));
  EXPECT_NE(node_.instance->health().problem.find("log_replaced"), std::string::npos);
  EXPECT_EQ(node_.reason(add_operation("a", 1)), "replica_stopped");
}

TEST_F(LocalInstanceTest, StartsWithoutTheLogAndJoinsIt) {
  log_.set_connected(false);
  auto opened = node_.open();
  ASSERT_TRUE(opened);
  node_.instance = std::move(*opened);
  std::thread starter([&] { EXPECT_TRUE(node_.instance->start()); });
  EXPECT_EQ(node_.reason(add_operation("a", 1)), "replica_starting");
  EXPECT_TRUE(node_.instance->read([](sqlite::Database&) { return Result<void>(); }));
  log_.set_connected(true);
  starter.join();
  EXPECT_EQ(node_.ask(add_operation("a", 1))->json, "1");
}

TEST_F(LocalInstanceTest, ASecondProcessIsKeptOut) {
  ASSERT_TRUE(node_.start());
  const auto second = node_.open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, "data_dir_in_use");
}

TEST_F(LocalInstanceTest, StoppingAnswersWhatWaits) {
  ASSERT_TRUE(node_.start());
  log_.lose_publishes(1'000'000);
  std::promise<std::string> told;
  node_.instance->propose(add_operation("a", 1), [&](Result<Reply> reply) {
    told.set_value(reply ? "ok" : reply.error().reason);
  });
  node_.instance->stop();
  EXPECT_EQ(told.get_future().get(), "outcome_unknown");
}

}  // namespace
}  // namespace weir::replica
