// Replicas that apply the same log find out which of them holds another state.
#include "pkg/replica/digest_book.hpp"

#include <gtest/gtest.h>

#include "pkg/replica/applier_core.hpp"
#include "tests/support/registers_machine.hpp"
#include "tests/support/temp_dir.hpp"

namespace weir::replica {
namespace {

using test::add_operation;

// A replica whose state machine may apply something else than the others do.
class Replica {
 public:
  explicit Replica(std::string id, std::string version = "1.0")
      : id_(std::move(id)), version_(std::move(version)) {
    restart();
  }

  void restart() {
    core_.reset();
    ++lives_;
    machine_ = std::make_unique<test::RegistersMachine>();
    db_ = std::move(sqlite::Database::open({.path = dir_->file("replica.db")})).value();
    core_ = std::make_unique<ApplierCore>(
        ApplierCore::Options{.node_id = id_, .proposer_id = proposer(), .version = version_}, *db_,
        std::vector<StateMachine*>{machine_.get()}, [] { return false; });
    EXPECT_TRUE(core_->open());
  }
  void upgrade(std::string version) {
    version_ = std::move(version);
    restart();
  }
  void wipe() {
    core_.reset();
    db_.reset();
    dir_ = std::make_unique<test::TempDir>();
    restart();
  }
  // By hand, as a disk or somebody else may.
  void alter(const std::string& sql) {
    EXPECT_TRUE(db_->transaction([&]() -> Result<void> {
      db_->execute(sql);
      return {};
    }));
  }

  void apply(std::span<const DecodedEntry> entries) {
    AppliedBatch out;
    const auto applied = core_->apply(entries, out);
    EXPECT_TRUE(applied) << describe(applied.error());
  }
  const DigestBook& book() const { return core_->digests(); }
  bool diverged() const { return book().diverged().has_value(); }
  const std::string& id() const { return id_; }
  std::string proposer() const { return id_ + "-" + std::to_string(lives_); }

 private:
  const std::string id_;
  int lives_ = 0;
  std::string version_;
  std::unique_ptr<test::TempDir> dir_ = std::make_unique<test::TempDir>();
  std::unique_ptr<sqlite::Database> db_;
  std::unique_ptr<test::RegistersMachine> machine_;
  std::unique_ptr<ApplierCore> core_;
};

class DigestBookTest : public testing::Test {
 protected:
  void log(const Operation& operation, const std::string& proposer = "somebody") {
    EntryBuilder builder(proposer, entries_.size() + 1);
    builder.add(operation);
    entries_.push_back(
        DecodedEntry::from({entries_.size() + 1, from_unix_ms(1'000), builder.take()}));
    for (Replica* replica : all_) {
      if (!replica->diverged()) replica->apply({&entries_.back(), 1});
    }
  }
  void work(int count = 3) {
    for (int i = 0; i < count; ++i) log(add_operation("k" + std::to_string(i), 1));
  }
  void checkpoint(const Replica& by, int rows = 100) {
    log({"sys.checkpoint", R"({"by":")" + by.id() + R"(","rows":)" + std::to_string(rows) + "}"});
  }
  // Everybody says what it has, in this order.
  void vote() {
    for (Replica* replica : all_) {
      if (const auto own = replica->book().news().own) log(*own, replica->proposer());
    }
  }
  int diverged() const {
    int count = 0;
    for (const Replica* replica : all_) count += replica->diverged() ? 1 : 0;
    return count;
  }

  Replica a_{"a"};
  Replica b_{"b"};
  Replica c_{"c"};
  std::vector<Replica*> all_{&a_, &b_, &c_};
  std::vector<DecodedEntry> entries_;
};

TEST_F(DigestBookTest, EqualReplicasAgreeAndSayItOnce) {
  for (int round = 0; round < 6; ++round) {
    work();
    EXPECT_EQ(a_.book().news().work, 3U);
    checkpoint(a_);
    EXPECT_EQ(a_.book().news().work, 0U);
    ASSERT_TRUE(a_.book().news().own);
    EXPECT_EQ(a_.book().news().checkpoint, entries_.size());
    vote();
    EXPECT_FALSE(a_.book().news().own);
    EXPECT_EQ(a_.book().news().work, 0U) << "talk of digests is no work";
    EXPECT_EQ(diverged(), 0);
    EXPECT_FALSE(b_.book().news().disputed);
  }
}

TEST_F(DigestBookTest, AnAlteredRowIsFoundByTheWalk) {
  work();
  b_.alter("UPDATE toy_values SET value=7 WHERE key='k1'");
  checkpoint(a_, 0);
  vote();
  EXPECT_EQ(diverged(), 0) << "nobody looked at it";
  checkpoint(b_);
  vote();
  EXPECT_TRUE(b_.diverged());
  EXPECT_EQ(diverged(), 1);
  EXPECT_EQ(b_.book().diverged()->reason, "state_diverged");
  EXPECT_EQ(a_.book().news().differing, "b");
  EXPECT_EQ(c_.book().news().differing, "b");
  b_.restart();
  EXPECT_TRUE(b_.diverged()) << "it does not forget";
}

// Outvoted before its own digest is in the log: it says it first, so that others can name it.
TEST_F(DigestBookTest, WhoDiffersSaysSoBeforeItStops) {
  work();
  b_.alter("UPDATE toy_values SET value=7 WHERE key='k1'");
  checkpoint(a_);
  for (Replica* replica : {&a_, &c_}) log(*replica->book().news().own, replica->proposer());
  EXPECT_FALSE(b_.diverged());
  ASSERT_TRUE(b_.book().news().own);
  log(*b_.book().news().own, b_.proposer());
  EXPECT_TRUE(b_.diverged());
  EXPECT_EQ(a_.book().news().differing, "b");
}

TEST_F(DigestBookTest, WhoDiffersStopsAtTheNextCheckpointAlthoughItSaysNothing) {
  work();
  b_.alter("UPDATE toy_values SET value=7 WHERE key='k1'");
  checkpoint(a_);
  for (Replica* replica : {&a_, &c_}) log(*replica->book().news().own, replica->proposer());
  EXPECT_FALSE(b_.diverged());
  checkpoint(a_);
  log(*a_.book().news().own, a_.proposer());
  EXPECT_TRUE(b_.diverged());
}

TEST_F(DigestBookTest, AnotherOutcomeIsFoundWithoutAWalk) {
  work();
  // Of this sequence nothing is in the state: the entry is applied by one alone.
  c_.alter("UPDATE toy_values SET value=7");
  c_.restart();
  log(add_operation("k1", 1, R"(,"effect":true)"));
  checkpoint(a_, 0);
  vote();
  EXPECT_TRUE(c_.diverged());
  EXPECT_EQ(diverged(), 1);
}

TEST_F(DigestBookTest, TheMajorityIsRightWhoeverAsks) {
  work();
  a_.alter("UPDATE toy_values SET value=7 WHERE key='k1'");
  checkpoint(a_);
  vote();
  EXPECT_TRUE(a_.diverged());
  EXPECT_EQ(diverged(), 1);
}

TEST_F(DigestBookTest, OfTwoTheOneThatAskedIsRightAtTheNextCheckpoint) {
  all_ = {&a_, &b_};
  work();
  b_.alter("UPDATE toy_values SET value=7 WHERE key='k1'");
  checkpoint(a_);
  vote();
  EXPECT_EQ(diverged(), 0) << "a third one may still speak";
  EXPECT_TRUE(a_.book().news().disputed);
  EXPECT_EQ(a_.book().news().differing, "b");
  checkpoint(a_, 0);
  EXPECT_TRUE(b_.diverged());
  EXPECT_FALSE(a_.diverged());
  b_.restart();
  EXPECT_TRUE(b_.diverged()) << "it does not forget that either";
}

TEST_F(DigestBookTest, OneThatIsBuiltAnewDoesNotLoseAnOldTieAgain) {
  all_ = {&a_, &b_};
  work();
  a_.alter("UPDATE toy_values SET value=7 WHERE key='k1'");
  checkpoint(a_);
  vote();
  checkpoint(a_, 0);
  ASSERT_TRUE(b_.diverged()) << "the leader is believed";
  b_.wipe();
  b_.apply(entries_);
  EXPECT_FALSE(b_.diverged());
  EXPECT_EQ(b_.book().news().differing, "a");
  // A third one decides.
  c_.apply(entries_);
  all_ = {&a_, &b_, &c_};
  checkpoint(a_);
  vote();
  EXPECT_TRUE(a_.diverged());
  EXPECT_EQ(diverged(), 1);
}

TEST_F(DigestBookTest, OneThatWasBuiltAnewIsRightAgain) {
  work();
  b_.alter("UPDATE toy_values SET value=7 WHERE key='k1'");
  checkpoint(a_);
  vote();
  ASSERT_TRUE(b_.diverged());
  b_.wipe();
  b_.apply(entries_);
  EXPECT_FALSE(b_.diverged()) << "what it said in its former life does not count";
  for (int round = 0; round < 2; ++round) {
    work();
    checkpoint(a_);
    vote();
    EXPECT_EQ(diverged(), 0);
  }
  EXPECT_EQ(a_.book().news().differing, "");
}

TEST_F(DigestBookTest, AnotherVersionIsNotAccused) {
  work();
  b_.alter("UPDATE toy_values SET value=7 WHERE key='k1'");  // as a newer one may apply it
  b_.upgrade("2.0");
  work();
  checkpoint(a_);
  EXPECT_FALSE(b_.book().news().own) << "two versions made its digest";
  vote();
  work();
  checkpoint(a_);
  ASSERT_TRUE(b_.book().news().own);
  vote();
  EXPECT_EQ(diverged(), 0);
  // And back again.
  b_.upgrade("1.0");
  checkpoint(a_, 0);
  EXPECT_FALSE(b_.book().news().own);
  work();
  checkpoint(a_, 0);
  EXPECT_TRUE(b_.book().news().own);
  work();
  b_.upgrade("2.0");
  work();
  b_.upgrade("1.0");
  checkpoint(a_, 0);
  EXPECT_FALSE(b_.book().news().own) << "the newer one made a part of it";
  EXPECT_EQ(diverged(), 0);
}

TEST_F(DigestBookTest, HowEntriesAreBatchedDoesNotMatter) {
  all_ = {&a_};
  for (int round = 0; round < 3; ++round) {
    work();
    checkpoint(a_, 2);
    vote();
    work();
  }
  b_.apply(entries_);
  c_.apply(std::span(entries_).first(7));
  c_.restart();
  c_.apply(std::span(entries_).subspan(7));
  all_ = {&a_, &b_, &c_};
  checkpoint(a_, 3);
  vote();
  EXPECT_EQ(diverged(), 0);
  EXPECT_EQ(a_.book().news().differing, "");
}

TEST_F(DigestBookTest, WhatMakesNoSenseChangesNothing) {
  work();
  log({"sys.checkpoint", R"({"by":"a","rows":-1})"});
  log({"sys.checkpoint", R"({"rows":1})"});
  log({"sys.digest", R"({"node":"x"})"});
  log({"sys.digest", R"({"node":"x","at":99,"format":"1/1.0","digest":"0"})"});
  EXPECT_EQ(a_.book().news().checkpoint, 0U);
  EXPECT_EQ(diverged(), 0);
}

}  // namespace
}  // namespace weir::replica
