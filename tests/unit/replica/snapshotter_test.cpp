// Instances that store, truncate and restore.
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "pkg/replica/snapshot_file.hpp"
#include "tests/support/memory_snapshots.hpp"
#include "tests/support/wait.hpp"
#include "tests/unit/replica/node.hpp"

namespace weir::replica {
namespace {

using test::wait_until;

// A log whose entries can be kept from one node, as a slow network would.
class GatedLog final : public Log {
 public:
  explicit GatedLog(Log& log) : log_(log) {}
  void hold(bool held) {
    {
      const std::lock_guard lock(mutex_);
      held_ = held;
    }
    changed_.notify_all();
  }

  void append(std::string_view message_id, std::string_view data, MonoTime deadline,
              AppendDone done) override {
    log_.append(message_id, data, deadline, std::move(done));
  }
  Result<std::unique_ptr<LogTail>> tail(Revision from, Sink sink) override {
    return log_.tail(from, [this, sink = std::move(sink)](LogEntry entry) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !held_; });
      lock.unlock();
      sink(std::move(entry));
    });
  }
  Result<LogInfo> info() override { return log_.info(); }
  Result<LogEntry> get(Revision revision) override { return log_.get(revision); }
  Result<void> create() override { return log_.create(); }
  Result<void> truncate_below(Revision revision) override { return log_.truncate_below(revision); }
  Result<void> append_again(const LogEntry& entry) override { return log_.append_again(entry); }
  bool connected() const override { return log_.connected(); }
  std::uint64_t session() const override { return log_.session(); }
  std::size_t max_entry_bytes() const override { return log_.max_entry_bytes(); }

 private:
  Log& log_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
};

class SnapshotterTest : public testing::Test {
 protected:
  SnapshotterTest() { one_.snapshot_options.log_bytes = two_.snapshot_options.log_bytes = 0; }

  void add(Node& node, int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(node.ask(add_operation("k" + std::to_string(i % 10), 1)));
    }
    added_ += count;
  }
  static Revision last_of(Node& node) { return node.instance->health().log_last; }

  // Everything that was added is there.
  void expect_complete(Node& node) {
    EXPECT_TRUE(wait_until([&] { return total(node) == added_; })) << total(node);
  }
  static std::int64_t total(Node& node) {
    std::int64_t sum = -1;
    const auto read = node.instance->read([&](sqlite::Database& db) -> Result<void> {
      auto query = db.prepare("SELECT coalesce(sum(value),0) FROM toy_values");
      query.step();
      sum = query.int64(0);
      return {};
    });
    EXPECT_TRUE(read) << describe(read.error());
    return sum;
  }
  Revision first() { return log_.info()->first; }
  // The newest snapshot becomes one of another state, whose sums are right.
  void alter_newest(const std::string& sql) {
    const test::TempDir dir;
    const std::string packed = dir.file("packed");
    const std::string raw = dir.file("raw");
    auto info = store_.list()->front();
    ASSERT_TRUE(store_.fetch(info, packed));
    ASSERT_TRUE(decompress_file(packed, raw));
    {
      auto db = sqlite::Database::open({.path = raw});
      ASSERT_TRUE(db) << describe(db.error());
      ASSERT_TRUE((*db)->transaction([&]() -> Result<void> {
        (*db)->execute(sql);
        return {};
      }));
    }
    ASSERT_TRUE(compress_file(raw, packed));
    const auto sum = sum_file(packed);
    ASSERT_TRUE(sum);
    info.bytes = sum->bytes;
    info.sha256 = sum->sha256;
    ASSERT_TRUE(store_.put(info, packed));
  }

  SystemClock clock_;
  test::MemoryLog log_{clock_};
  MemoryLeases leases_;
  MemoryEffects effects_;
  test::MemorySnapshots store_;
  Node one_{log_, leases_, effects_, &store_};
  GatedLog gated_{log_};
  Node two_{gated_, leases_, effects_, &store_};
  std::int64_t added_ = 0;
};

TEST_F(SnapshotterTest, TruncatesBelowTheOneBefore) {
  ASSERT_TRUE(one_.start());
  add(one_, 50);
  const auto before = one_.instance->snapshots()->take();
  ASSERT_TRUE(before) << describe(before.error());
  EXPECT_GE(before->revision, 50U);
  EXPECT_GT(before->raw_bytes, before->bytes);
  EXPECT_EQ(first(), 1U) << "one snapshot is not enough to drop anything";
  add(one_, 50);
  const auto second = one_.instance->snapshots()->take();
  ASSERT_TRUE(second);
  EXPECT_EQ(first(), before->revision + 1);
  EXPECT_TRUE(one_.instance->snapshots()->verify(second->id));
  add(one_, 10);
  ASSERT_TRUE(one_.instance->snapshots()->take());
  EXPECT_EQ(first(), second->revision + 1);
  const auto known = one_.instance->snapshots()->list();
  ASSERT_TRUE(known);
  EXPECT_EQ(known->size(), 2U);
  const auto gone = one_.instance->snapshots()->verify(before->id);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().reason, "snapshot_not_found");
  one_.instance->stop();
  ASSERT_TRUE(one_.start()) << "its own truncated log is no reason to refuse";
  expect_complete(one_);
}

// Two of the same moment would be one for whoever needs the one before.
TEST_F(SnapshotterTest, OfTheSameRevisionThereIsOne) {
  ASSERT_TRUE(one_.start());
  add(one_, 20);
  const auto first = one_.instance->snapshots()->take();
  ASSERT_TRUE(first) << describe(first.error());
  const auto again = one_.instance->snapshots()->take();
  ASSERT_TRUE(again) << describe(again.error());
  EXPECT_EQ(again->id, first->id);
  EXPECT_EQ(store_.list()->size(), 1U);
  EXPECT_EQ(log_.info()->first, 1U) << "there is none before it";

  store_.damage(1);
  const auto repaired = one_.instance->snapshots()->take();
  ASSERT_TRUE(repaired) << describe(repaired.error());
  EXPECT_EQ(repaired->id, first->id + "-2");
  EXPECT_TRUE(one_.instance->snapshots()->verify(repaired->id));
}

TEST_F(SnapshotterTest, ANewNodeBeginsWithTheSnapshot) {
  ASSERT_TRUE(one_.start());
  for (int i = 0; i < 3; ++i) {
    add(one_, 30);
    ASSERT_TRUE(one_.instance->snapshots()->take());
  }
  add(one_, 7);
  ASSERT_GT(first(), 1U);
  ASSERT_TRUE(two_.start());
  expect_complete(two_);
  EXPECT_LT(two_.instance->totals().entries_applied, 40U) << "it did not apply the whole log";
  add(two_, 5);
  expect_complete(two_);
  expect_complete(one_);
}

TEST_F(SnapshotterTest, ANodeThatWasAwayTooLongCatchesUp) {
  ASSERT_TRUE(one_.start());
  ASSERT_TRUE(two_.start());
  add(one_, 20);
  expect_complete(two_);
  two_.instance->stop();
  for (int i = 0; i < 2; ++i) {
    add(one_, 20);
    ASSERT_TRUE(one_.instance->snapshots()->take());
  }
  ASSERT_TRUE(two_.start());
  expect_complete(two_);
}

// Truncated while the node runs, but its entries are on their way.
TEST_F(SnapshotterTest, ARunningNodeThatIsBehindCatchesUp) {
  ASSERT_TRUE(one_.start());
  ASSERT_TRUE(two_.start());
  add(one_, 20);
  expect_complete(two_);
  gated_.hold(true);
  for (int i = 0; i < 2; ++i) {
    add(one_, 20);
    ASSERT_TRUE(one_.instance->snapshots()->take());
  }
  add(one_, 3);
  gated_.hold(false);
  expect_complete(two_);
  add(two_, 3);
  expect_complete(two_);
}

TEST_F(SnapshotterTest, ADamagedSnapshotIsPassedOverForTheOneBefore) {
  ASSERT_TRUE(one_.start());
  for (int i = 0; i < 2; ++i) {
    add(one_, 20);
    ASSERT_TRUE(one_.instance->snapshots()->take());
  }
  store_.damage(1);
  ASSERT_TRUE(two_.start());
  expect_complete(two_);
}

// Somebody altered it and its sums: what follows from it is not what the others have.
TEST_F(SnapshotterTest, OneOfAnotherStateIsFoundOutByTheOthers) {
  for (Node* node : {&one_, &two_}) node->digests = {.entries = 5, .every = 200ms, .rows = 100};
  ASSERT_TRUE(one_.start());
  ASSERT_TRUE(wait_until([&] { return one_.instance->health().role == Role::leader; }));
  for (int i = 0; i < 2; ++i) {
    add(one_, 20);
    ASSERT_TRUE(one_.instance->snapshots()->take());
  }
  alter_newest("UPDATE toy_values SET value=value+1 WHERE key='k7'");
  ASSERT_TRUE(two_.start());
  EXPECT_TRUE(wait_until([&] {
    EXPECT_TRUE(one_.ask(add_operation("k0", 1)));
    return two_.instance->health().digest.diverged;
  }));
  EXPECT_EQ(two_.reason(add_operation("k0", 1)), "replica_stopped");
  EXPECT_FALSE(one_.instance->health().digest.diverged);
  two_.instance->stop();
  EXPECT_EQ(two_.start().error().reason, "state_diverged") << "it does not forget";
}

TEST_F(SnapshotterTest, WithoutAGoodSnapshotItRefusesToServe) {
  ASSERT_TRUE(one_.start());
  for (int i = 0; i < 2; ++i) {
    add(one_, 20);
    ASSERT_TRUE(one_.instance->snapshots()->take());
  }
  store_.damage(2);
  const auto refused = two_.start();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "log_purged");
}

TEST_F(SnapshotterTest, TheLeaderTakesThemByItselfAndTheLogStaysBounded) {
  one_.snapshot_options.log_bytes = 200'000;
  one_.snapshot_options.look_every = 20ms;
  ASSERT_TRUE(one_.start());
  const std::string ballast = R"(,"ballast":")" + std::string(2'000, 'x') + "\"";
  for (std::uint64_t round = 1; round <= 5; ++round) {
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(one_.ask(add_operation("k", 1, ballast)));
    ASSERT_TRUE(wait_until([&] { return one_.instance->snapshots()->taken() >= round; }));
  }
  EXPECT_GT(first(), 1U);
  EXPECT_LT(log_.info()->bytes, 1'500'000U) << "of more than 2 MB that were appended";
}

TEST_F(SnapshotterTest, OneThatCannotBeStoredTruncatesNothing) {
  ASSERT_TRUE(one_.start());
  add(one_, 20);
  ASSERT_TRUE(one_.instance->snapshots()->take());
  add(one_, 20);
  store_.set_connected(false);
  EXPECT_FALSE(one_.instance->snapshots()->take());
  EXPECT_EQ(first(), 1U);
  store_.set_connected(true);
  EXPECT_TRUE(one_.instance->snapshots()->take());
  EXPECT_GT(first(), 1U);
}

}  // namespace
}  // namespace weir::replica
