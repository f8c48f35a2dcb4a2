#include "pkg/replica/log_inspector.hpp"

#include <gtest/gtest.h>

#include "pkg/crypto/crypto.hpp"
#include "tests/support/memory_log.hpp"
#include "tests/support/temp_dir.hpp"

namespace weir::replica {
namespace {

using namespace std::chrono_literals;

// A replica that has applied ten entries of a log, and what it kept of them.
class LogInspectorTest : public testing::Test {
 protected:
  LogInspectorTest() {
    for (int i = 1; i <= 10; ++i) log_.append_raw(text(i));
    position_.identity = "log-1";
    applied(10);
    make(1);
  }

  static std::string text(int i) {
    return R"({"v":1,"p":"a","n":)" + std::to_string(i) + R"(,"ops":[]})";
  }
  void applied(int last) {
    position_.applied = Revision(last);
    position_.entry_hash = crypto::sha256(text(last));
  }
  // With a journal that begins at `first`; 0: empty.
  void make(int first) {
    auto opened = EntryJournal::open(
        {.path = directory_.file("j" + std::to_string(++made_)), .max_bytes = 1U << 20U});
    ASSERT_TRUE(opened);
    journal_ = std::move(*opened);
    journal_->bind("log-1");
    std::vector<DecodedEntry> entries;
    for (int i = first; first > 0 && i <= int(position_.applied); ++i) {
      entries.push_back(DecodedEntry::from({Revision(i), time_, text(i)}));
    }
    journal_->add(entries);
    inspector_ = std::make_unique<LogInspector>(guarded_, journal_.get(), clock_);
  }
  std::string look() {
    const auto info = inspector_->look(position_);
    return info ? "fine" : info.error().reason;
  }
  bool takes() {
    bool taken = false;
    guarded_.append("id", "{}", clock_.mono() + 1s, [&](const auto& done) { taken = bool(done); });
    return taken;
  }

  ManualClock clock_;
  test::MemoryLog log_{clock_};
  GuardedLog guarded_{log_};
  test::TempDir directory_;
  int made_ = 0;
  Position position_;
  const Timestamp time_ = clock_.wall();  // of all entries
  std::unique_ptr<EntryJournal> journal_;
  std::unique_ptr<LogInspector> inspector_;
};

TEST_F(LogInspectorTest, LetsNothingThroughUntilItLooked) {
  EXPECT_FALSE(takes());
  EXPECT_FALSE(guarded_.connected());
  EXPECT_TRUE(guarded_.waiting());
  EXPECT_EQ(look(), "fine");
  EXPECT_TRUE(takes());
  log_.set_connected(false);
  log_.set_connected(true);
  EXPECT_TRUE(guarded_.waiting());
  EXPECT_FALSE(takes()) << "it may have lost its end meanwhile";
  EXPECT_EQ(look(), "fine");
  EXPECT_TRUE(takes());
}

TEST_F(LogInspectorTest, GivesBackWhatTheLogLost) {
  for (const int left : {9, 5, 1, 0}) {
    std::vector<LogEntry> before;
    for (int i = 1; i <= 10; ++i) before.push_back(*log_.get(Revision(i)));
    clock_.advance(1h);
    log_.truncate(Revision(left));
    EXPECT_EQ(look(), "fine") << left;
    for (int i = 1; i <= 10; ++i) {
      const auto now = log_.get(Revision(i));
      ASSERT_TRUE(now);
      EXPECT_EQ(now->data, before[std::size_t(i - 1)].data);
      EXPECT_EQ(now->time, time_) << "the time it was stored first";
    }
  }
  EXPECT_EQ(inspector_->healed(), 1U + 5U + 9U + 10U);
  EXPECT_TRUE(takes());
}

TEST_F(LogInspectorTest, RefusesWhatItCannotProve) {
  log_.truncate(5);
  make(7);
  EXPECT_EQ(look(), "log_truncated") << "the journal begins too late";
  make(0);
  EXPECT_EQ(look(), "log_truncated") << "an empty one";
  inspector_ = std::make_unique<LogInspector>(guarded_, nullptr, clock_);
  EXPECT_EQ(look(), "log_truncated") << "none";
  EXPECT_FALSE(takes());
  EXPECT_EQ(log_.entries().size(), 5U);
}

TEST_F(LogInspectorTest, RefusesALogThatSomebodyWroteTo) {
  log_.truncate(5);
  log_.append_raw(text(99));
  EXPECT_EQ(look(), "log_diverged") << "another entry at its end";
  for (int i = 7; i <= 12; ++i) log_.append_raw(text(100 + i));
  EXPECT_EQ(look(), "log_diverged") << "and when it is longer again";
  EXPECT_FALSE(takes());
}

// On a cluster a new leader may show less than there is, for a moment.
TEST_F(LogInspectorTest, GivesAClusterTime) {
  log_.set_replicas(3);
  log_.truncate(8);
  EXPECT_EQ(look(), "log_behind");
  EXPECT_FALSE(takes());
  clock_.advance(4s);
  EXPECT_EQ(look(), "log_behind");
  clock_.advance(2s);
  EXPECT_EQ(look(), "fine");
  EXPECT_EQ(log_.entries().size(), 10U);
}

TEST_F(LogInspectorTest, ARunningReplicaWaitsBeforeItGivesUp) {
  make(0);
  log_.truncate(5);
  const auto reason = [this] {
    const auto info = inspector_->look_again(position_);
    return info ? "fine" : info.error().reason;
  };
  EXPECT_EQ(reason(), "log_doubtful");
  clock_.advance(4s);
  EXPECT_EQ(reason(), "log_doubtful");
  clock_.advance(2s);
  EXPECT_EQ(reason(), "log_truncated");
  log_.replace("log-2");
  EXPECT_EQ(reason(), "log_replaced");
}

TEST_F(LogInspectorTest, OutOfReachIsNoVerdict) {
  log_.truncate(5);
  log_.set_connected(false);
  EXPECT_EQ(look(), "nats_unavailable");
  log_.set_connected(true);
  EXPECT_EQ(look(), "fine");
}

}  // namespace
}  // namespace weir::replica
