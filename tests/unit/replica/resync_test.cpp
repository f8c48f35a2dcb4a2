// Instance::resync(): a replica drops its state and builds it anew.
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/memory_snapshots.hpp"
#include "tests/support/wait.hpp"
#include "tests/unit/replica/node.hpp"

namespace weir::replica {
namespace {

using test::wait_until;

class ResyncTest : public testing::Test {
 protected:
  static Result<void> resync(const Node& node) {
    auto answer = std::make_shared<std::promise<Result<void>>>();
    node.instance->resync([answer](Result<void> begun) { answer->set_value(std::move(begun)); });
    return answer->get_future().get();
  }
  static std::string reason_of_resync(const Node& node) {
    const auto begun = resync(node);
    return begun ? "none" : begun.error().reason;
  }
  static std::int64_t value(const Node& node, const std::string& key) {
    std::int64_t seen = -1;
    (void)node.instance->read([&](sqlite::Database& db) -> Result<void> {
      auto query = db.prepare("SELECT value FROM toy_values WHERE key=?1");
      query.bind_all(key);
      if (query.step()) seen = query.int64(0);
      return {};
    });
    return seen;
  }
  // By hand, past the log: what only a rebuild repairs.
  static void spoil(const Node& node) {
    const auto db = sqlite::Database::open({.path = node.dir.file("data") + "/jobs-0.db"});
    ASSERT_TRUE(db);
    ASSERT_TRUE((*db)->transaction([&]() -> Result<void> {
      (*db)->execute("UPDATE toy_values SET value=777");
      return {};
    }));
  }
  static bool serves(const Node& node) {
    return wait_until([&] { return node.instance->health().applying; });
  }

  SystemClock clock_;
  test::MemoryLog log_{clock_};
  test::MemorySnapshots snapshots_;
  MemoryLeases leases_;
  MemoryEffects effects_;
  Node node_{log_, leases_, effects_, &snapshots_};
};

TEST_F(ResyncTest, FromTheWholeLog) {
  ASSERT_TRUE(node_.start());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(node_.ask(add_operation("a", 1)));
  spoil(node_);
  ASSERT_EQ(value(node_, "a"), 777);
  const auto applied = node_.instance->health().applied;
  ASSERT_EQ(reason_of_resync(node_), "none");
  ASSERT_TRUE(serves(node_));
  EXPECT_EQ(value(node_, "a"), 20);
  EXPECT_GE(node_.instance->health().applied, applied);
  EXPECT_FALSE(node_.instance->health().resyncing);
  EXPECT_EQ(node_.ask(add_operation("a", 1))->json, "21");
}

TEST_F(ResyncTest, FromTheNewestSnapshotWhenTheLogWasTruncated) {
  ASSERT_TRUE(node_.start());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(node_.ask(add_operation("a", 1)));
  ASSERT_TRUE(node_.instance->snapshots()->take());
  ASSERT_TRUE(node_.ask(add_operation("a", 1)));
  ASSERT_TRUE(node_.instance->snapshots()->take());
  ASSERT_GT(log_.info()->first, 1U) << "truncated";
  ASSERT_TRUE(node_.ask(add_operation("a", 1)));
  spoil(node_);
  ASSERT_EQ(reason_of_resync(node_), "none");
  ASSERT_TRUE(serves(node_));
  EXPECT_EQ(value(node_, "a"), 12);
}

TEST_F(ResyncTest, WithoutAWayBackNothingIsDropped) {
  ASSERT_TRUE(node_.start());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(node_.ask(add_operation("a", 1)));
  ASSERT_TRUE(log_.truncate_below(5));
  EXPECT_EQ(reason_of_resync(node_), "nothing_to_resync_from");
  ASSERT_TRUE(serves(node_));
  EXPECT_EQ(value(node_, "a"), 10);
  EXPECT_EQ(node_.ask(add_operation("a", 1))->json, "11");
  log_.set_connected(false);
  EXPECT_NE(reason_of_resync(node_), "none");
  EXPECT_EQ(value(node_, "a"), 11);
  log_.set_connected(true);
  ASSERT_TRUE(serves(node_));
  node_.instance->stop();
  EXPECT_EQ(reason_of_resync(node_), "replica_stopped");
}

// Whoever listens hears every event once, whoever proposes has an answer or knows that nothing
// happened.
TEST_F(ResyncTest, UnderLoadNothingIsLostOrToldTwice) {
  ASSERT_TRUE(node_.start());
  std::mutex mutex;
  std::vector<Revision> heard;  // of batches that follow each other
  bool gap = false;
  const auto listening = node_.instance->listen([&](const EventBatch& batch) {
    const std::lock_guard lock(mutex);
    if (!heard.empty() && batch.first != heard.back() + 1) gap = true;
    heard.push_back(batch.last);
  });
  ASSERT_TRUE(node_.ask(add_operation("a", 1)));
  std::atomic<std::int64_t> done{1};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        const auto reply = node_.ask(add_operation("a", 1));
        if (reply) {
          ++done;
        } else if (reply.error().reason != "replica_resyncing") {
          ADD_FAILURE() << describe(reply.error());
          return;
        }
      }
    });
  }
  for (int i = 0; i < 5; ++i) {
    const auto before = done.load();
    ASSERT_TRUE(wait_until([&] { return done.load() > before + 20; }));
    EXPECT_EQ(reason_of_resync(node_), "none");
    EXPECT_TRUE(serves(node_));
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(value(node_, "a"), done.load());
  const std::lock_guard lock(mutex);
  EXPECT_FALSE(gap);
}

// A replica that stopped because its state differs is repaired without a restart; who follows the
// log as it is now stays stopped.
TEST_F(ResyncTest, AfterItHadStopped) {
  ASSERT_TRUE(node_.start());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(node_.ask(add_operation("a", 1)));
  log_.append_raw("{\"v\":99}");
  ASSERT_TRUE(wait_until([&] { return !node_.instance->health().problem.empty(); }));
  EXPECT_EQ(node_.reason(add_operation("a", 1)), "replica_stopped");
  // What stopped it is still in the log: it stops there again, and can be asked again.
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(reason_of_resync(node_), "none");
    ASSERT_TRUE(wait_until([&] { return !node_.instance->health().problem.empty(); }));
    EXPECT_FALSE(node_.instance->health().resyncing);
  }
  log_.set_connected(false);
  EXPECT_NE(reason_of_resync(node_), "none");
  EXPECT_FALSE(node_.instance->health().problem.empty()) << "as before";
}

TEST_F(ResyncTest, TheLeaderLeavesTheLeaseToAnother) {
  Node other{log_, leases_, effects_, &snapshots_};
  ASSERT_TRUE(node_.start());
  ASSERT_TRUE(wait_until([&] { return node_.instance->leadership()->leads(); }));
  ASSERT_TRUE(other.start());
  ASSERT_EQ(reason_of_resync(node_), "none");
  ASSERT_TRUE(serves(node_));
  EXPECT_TRUE(wait_until([&] {
    return node_.instance->leadership()->leads() || other.instance->leadership()->leads();
  }));
}

TEST_F(ResyncTest, LeadershipGoesWhereItIsAsked) {
  Node other{log_, leases_, effects_, &snapshots_};
  ASSERT_TRUE(node_.start());
  auto& one = *node_.instance->leadership();
  ASSERT_TRUE(wait_until([&] { return one.leads(); }));
  ASSERT_TRUE(other.start());
  auto& two = *other.instance->leadership();
  const auto ask = [](const auto& question) {
    auto answer = std::make_shared<std::promise<Result<void>>>();
    question([answer](Result<void> done) { answer->set_value(std::move(done)); });
    return answer->get_future().get();
  };
  EXPECT_EQ(ask([&](auto done) { two.claim(done); }).error().reason, "lease_held");
  ASSERT_TRUE(ask([&](auto done) { one.hand_over(two.holder(), done); }));
  ASSERT_TRUE(ask([&](auto done) { two.claim(done); }));
  EXPECT_TRUE(two.leads());
  EXPECT_FALSE(one.leads());
  ASSERT_TRUE(ask([&](auto done) { one.take(done); }));
  ASSERT_TRUE(wait_until([&] {
    EXPECT_FALSE(one.leads() && two.leads());
    return one.leads();
  }));
  node_.instance->stop();
  EXPECT_EQ(ask([&](auto done) { one.take(done); }).error().reason, "replica_not_ready");
}

}  // namespace
}  // namespace weir::replica
