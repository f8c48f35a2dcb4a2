#include "pkg/replica/applier_core.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/crypto/crypto.hpp"
#include "tests/support/registers_machine.hpp"
#include "tests/support/temp_dir.hpp"

namespace weir::replica {
namespace {

using test::add_operation;

class ApplierCoreTest : public testing::Test {
 protected:
  void SetUp() override { restart(); }

  void restart() {
    core_.reset();
    db_.reset();
    auto db = sqlite::Database::open({.path = dir_->file("replica.db")});
    ASSERT_TRUE(db);
    db_ = std::move(*db);
    machine_ = std::make_unique<test::RegistersMachine>();
    core_ = std::make_unique<ApplierCore>(
        ApplierCore::Options{.node_id = "here", .proposer_id = "me"}, *db_,
        std::vector<StateMachine*>{machine_.get()}, [this] { return watched_; });
    const auto opened = core_->open();
    ASSERT_TRUE(opened) << describe(opened.error());
  }

  DecodedEntry entry(Revision revision, std::string_view proposer, std::uint64_t sequence,
                     const std::vector<Operation>& operations, std::int64_t time_ms = 0) {
    EntryBuilder builder(proposer, sequence);
    for (const auto& operation : operations) builder.add(operation);
    return DecodedEntry::from({revision, from_unix_ms(time_ms), builder.take()});
  }

  Result<void> apply(std::vector<DecodedEntry> entries) { return core_->apply(entries, out_); }

  std::int64_t count(const char* sql) {
    std::int64_t value = -1;
    EXPECT_TRUE(db_->read([&]() -> Result<void> {
      auto query = db_->prepare(sql);
      if (query.step()) value = query.int64(0);
      return {};
    }));
    return value;
  }

  std::unique_ptr<test::TempDir> dir_ = std::make_unique<test::TempDir>();
  bool watched_ = false;
  std::unique_ptr<sqlite::Database> db_;
  std::unique_ptr<test::RegistersMachine> machine_;
  std::unique_ptr<ApplierCore> core_;
  AppliedBatch out_;
};

TEST_F(ApplierCoreTest, AnswersOwnEntriesOnly) {
  ASSERT_TRUE(apply({entry(1, "me", 1, {add_operation("a", 2), {"toy.refuse", "{}"}}),
                     entry(2, "other", 1, {add_operation("a", 3)}),
                     entry(3, "me", 2, {add_operation("a", 4)})}));
  EXPECT_EQ(machine_->commits(), 2);  // one for open(), one for the batch
  EXPECT_EQ(out_.entries, 3U);
  EXPECT_EQ(out_.operations, 4U);
  ASSERT_EQ(out_.own.size(), 2U);
  EXPECT_EQ(out_.own[0].revision, 1U);
  EXPECT_EQ(out_.own[0].replies[0].value(), "2");
  EXPECT_EQ(out_.own[0].replies[1].error().reason, "refused");
  EXPECT_EQ(out_.own[1].sequence, 2U);
  EXPECT_EQ(out_.own[1].replies[0].value(), "9");
}

TEST_F(ApplierCoreTest, PositionTimeAndDigestCommitWithTheState) {
  const auto first = entry(1, "me", 1, {add_operation("a", 1)}, 5'000);
  const auto second = entry(2, "me", 2, {add_operation("a", 1)}, 4'000);  // the clock stepped back
  const std::string d1 = crypto::sha256(first.hash());
  const std::string d2 = crypto::sha256(d1 + second.hash());
  ASSERT_TRUE(apply({first}));
  EXPECT_EQ(core_->position().digest, d1);
  ASSERT_TRUE(apply({second}));
  restart();
  EXPECT_EQ(core_->position().applied, 2U);
  EXPECT_EQ(core_->position().time, from_unix_ms(5'000));
  EXPECT_EQ(core_->position().digest, d2);
  EXPECT_EQ(core_->position().entry_hash, second.hash());
  EXPECT_EQ(machine_->value("a"), 2);
}

TEST_F(ApplierCoreTest, TheTestClockShiftsAndStandsAndSurvivesARestart) {
  using Change = SysMachine::ClockChange;
  const auto set = [](const Change& change) { return SysMachine::test_clock(change); };
  const auto now = [this] { return to_unix_ms(core_->position().time); };
  ASSERT_TRUE(core_->adopt({"log-1", true}));
  ASSERT_TRUE(apply({entry(1, "me", 1, {set({.to = from_unix_ms(9'000)})}, 1'000)}));
  EXPECT_EQ(out_.own[0].replies[0].value(), R"({"now_ms":9000})");
  ASSERT_TRUE(apply({entry(2, "me", 2, {add_operation("a", 1)}, 1'500)}));
  EXPECT_EQ(now(), 9'500) << "it runs on, shifted";
  ASSERT_TRUE(apply({entry(3, "me", 3, {set({.to = from_unix_ms(4'000)})}, 1'600)}));
  EXPECT_EQ(now(), 9'600) << "never back";
  ASSERT_TRUE(apply({entry(4, "me", 4, {set({.freeze = true})}, 1'700)}));
  ASSERT_TRUE(apply({entry(5, "me", 5, {add_operation("a", 1)}, 99'000)}));
  EXPECT_EQ(now(), 9'700) << "it stands still";
  restart();
  ASSERT_TRUE(apply({entry(6, "me", 6, {set({.to = from_unix_ms(10'000)})}, 99'500)}));
  EXPECT_EQ(now(), 10'000);
  EXPECT_EQ(core_->position().shift.stands_at, from_unix_ms(10'000));
  ASSERT_TRUE(apply({entry(7, "me", 7, {set({.freeze = false})}, 100'000)}));
  ASSERT_TRUE(apply({entry(8, "me", 8, {add_operation("a", 1)}, 100'250)}));
  EXPECT_EQ(now(), 10'250) << "it runs on from where it stood";
}

TEST_F(ApplierCoreTest, ARealLogRefusesTheTestClock) {
  ASSERT_TRUE(core_->adopt({"log-1", false}));
  ASSERT_TRUE(apply({entry(1, "me", 1, {SysMachine::test_clock({.freeze = true})}, 1'000)}));
  EXPECT_EQ(out_.own[0].replies[0].error().reason, "no_test_clock");
  EXPECT_EQ(core_->position().shift, TimeShift{});
}

TEST_F(ApplierCoreTest, PassesOverWhatIsApplied) {
  ASSERT_TRUE(apply({entry(1, "me", 1, {add_operation("a", 1)})}));
  ASSERT_TRUE(apply(
      {entry(1, "me", 1, {add_operation("a", 1)}), entry(2, "me", 2, {add_operation("a", 1)})}));
  EXPECT_EQ(machine_->value("a"), 2);
  EXPECT_EQ(out_.entries, 1U);
}

TEST_F(ApplierCoreTest, ADuplicateEntryChangesNothingButTheRevision) {
  ASSERT_TRUE(
      apply({entry(1, "me", 1, {add_operation("a", 1)}), entry(2, "me", 1, {add_operation("a", 1)}),
             entry(3, "other", 1, {add_operation("a", 1)})}));
  EXPECT_EQ(machine_->value("a"), 2);
  EXPECT_EQ(out_.own.size(), 1U);
  EXPECT_EQ(core_->position().applied, 3U);
  restart();  // what was applied is remembered in the file
  ASSERT_TRUE(apply({entry(4, "me", 1, {add_operation("a", 1)})}));
  EXPECT_EQ(machine_->value("a"), 2);
}

TEST_F(ApplierCoreTest, MachinesAreToldOfGaps) {
  using testing::ElementsAre;
  ASSERT_TRUE(apply({entry(1, "me", 1, {add_operation("a", 1)}, 5'000),
                     entry(2, "me", 2, {add_operation("a", 1)}, 6'999),
                     entry(3, "me", 3, {add_operation("a", 1)}, 8'999)}));
  EXPECT_THAT(machine_->gaps(), ElementsAre(Millis{5'000}, Millis{2'000}));
  restart();
  // A repeat is an entry too, and a clock that went back is no gap.
  ASSERT_TRUE(apply({entry(4, "me", 3, {add_operation("a", 1)}, 20'000),
                     entry(5, "me", 4, {add_operation("a", 1)}, 9'000),
                     entry(6, "me", 5, {add_operation("a", 1)}, 20'500)}));
  EXPECT_THAT(machine_->gaps(), ElementsAre(Millis{11'001}));
}

TEST_F(ApplierCoreTest, RepeatsMayComeOutOfOrder) {
  ASSERT_TRUE(apply(
      {entry(1, "me", 3, {add_operation("a", 1)}), entry(2, "me", 1, {add_operation("a", 10)}),
       entry(3, "me", 2, {add_operation("a", 100)}), entry(4, "me", 1, {add_operation("a", 10)}),
       entry(5, "me", 3, {add_operation("a", 1)})}));
  EXPECT_EQ(machine_->value("a"), 111);
}

TEST_F(ApplierCoreTest, SilentProposersAreForgottenByLogTime) {
  const auto week = SysMachine::kProposerKept.count();
  ASSERT_TRUE(apply({entry(1, "old", 1, {add_operation("a", 1)}, 1'000),
                     entry(2, "kept", 1, {add_operation("a", 1)}, 2'000 + week)}));
  EXPECT_EQ(count("SELECT count(*) FROM sys_proposers"), 1);
  // The same entries in two transactions give the same tables.
  ASSERT_TRUE(apply({entry(3, "kept", 2, {add_operation("a", 1)}, 3'000 + week)}));
  ASSERT_TRUE(apply({entry(4, "new", 1, {add_operation("a", 1)}, 4'000 + 2 * week)}));
  EXPECT_EQ(count("SELECT count(*) FROM sys_proposers WHERE proposer='new'"), 1);
  EXPECT_EQ(count("SELECT count(*) FROM sys_proposers"), 1);
}

TEST_F(ApplierCoreTest, AFailedTransactionLeavesNothingAndIsRepeated) {
  ASSERT_TRUE(apply({entry(1, "me", 1, {add_operation("a", 1)})}));
  const int opened = machine_->opened();
  machine_->fail_next(1);
  const std::vector<DecodedEntry> batch{
      entry(2, "me", 2, {add_operation("a", 10, R"(,"effect":true)"), {"toy.break", "{}"}})};
  const auto failed = core_->apply(batch, out_);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason, "disk_full");
  EXPECT_FALSE(core_->stopped());
  EXPECT_EQ(out_.entries, 0U);
  EXPECT_TRUE(out_.own.empty());
  EXPECT_EQ(core_->position().applied, 1U);
  EXPECT_EQ(machine_->value("a"), 1);
  EXPECT_EQ(machine_->opened(), opened + 1);
  EXPECT_EQ(core_->effects_waiting(), 0U);

  ASSERT_TRUE(core_->apply(batch, out_));
  EXPECT_EQ(machine_->value("a"), 11);
  EXPECT_EQ(out_.own.at(0).replies.at(0).value(), "11");
  EXPECT_EQ(core_->effects_waiting(), 1U);
}

TEST_F(ApplierCoreTest, AFailedCommitLeavesNothingEither) {
  machine_->fail_commits(2);
  const std::vector<DecodedEntry> batch{entry(1, "me", 1, {add_operation("a", 1)})};
  EXPECT_FALSE(core_->apply(batch, out_));
  EXPECT_FALSE(core_->apply(batch, out_));
  ASSERT_TRUE(core_->apply(batch, out_));
  EXPECT_EQ(machine_->value("a"), 1);
  EXPECT_EQ(core_->position().applied, 1U);
}

TEST_F(ApplierCoreTest, StopsAtWhatItCannotApply) {
  struct Case {
    const char* name;
    DecodedEntry bad;
    const char* reason;
  };
  const auto raw = [](const char* text) { return DecodedEntry::from({3, Timestamp{}, text}); };
  const Case cases[] = {
      {"unknown operation", entry(3, "me", 3, {{"toy.future", "{}"}}), "unknown_operation"},
      {"unknown machine", entry(3, "me", 3, {{"future.add", "{}"}}), "unknown_operation"},
      {"newer version", raw(R"({"v":2})"), "unknown_entry_version"},
      {"not an entry", raw("hello"), "malformed_entry"},
      {"gap", entry(4, "me", 3, {add_operation("a", 1)}), "log_gap"},
  };
  for (const auto& test : cases) {
    core_.reset();
    db_.reset();
    dir_ = std::make_unique<test::TempDir>();
    restart();
    const std::vector<DecodedEntry> batch{entry(1, "me", 1, {add_operation("a", 1)}),
                                          entry(2, "me", 2, {add_operation("a", 10)}), test.bad};
    const auto failed = core_->apply(batch, out_);
    ASSERT_FALSE(failed) << test.name;
    EXPECT_EQ(failed.error().reason, test.reason) << test.name;
    EXPECT_NE(failed.error().details.find("revision " + std::to_string(test.bad.revision())),
              std::string::npos)
        << test.name << ": " << failed.error().details;
    ASSERT_TRUE(core_->stopped()) << test.name;
    EXPECT_EQ(core_->position().applied, 2U) << test.name;
    EXPECT_EQ(machine_->value("a"), 11) << test.name;
    EXPECT_EQ(out_.own.size(), 2U) << test.name << ": what was fine is answered";
    EXPECT_FALSE(core_->apply(batch, out_)) << test.name;
    EXPECT_EQ(out_.entries, 0U) << test.name;
  }
}

TEST_F(ApplierCoreTest, EffectsAreKeptInOrderUntilTheWatermark) {
  const auto effect = add_operation("a", 1, R"(,"effect":true)");
  ASSERT_TRUE(apply({entry(1, "me", 1, {effect, effect}), entry(2, "me", 2, {effect})}));
  EXPECT_EQ(core_->effects_waiting(), 3U);
  std::vector<OwedEffect> owed;
  const auto read = [&](EffectId after, std::size_t limit) {
    EXPECT_TRUE(db_->read([&]() -> Result<void> {
      owed = SysMachine::effects_after(after, limit, *db_);
      return {};
    }));
  };
  read({}, 2);
  ASSERT_EQ(owed.size(), 2U);
  EXPECT_EQ(owed[0].id, (EffectId{1, 0}));
  EXPECT_EQ(owed[1].id, (EffectId{1, 1}));
  EXPECT_EQ(owed[1].effect.subject, "toy.effects");
  EXPECT_EQ(owed[1].effect.body, "2");
  read(owed[1].id, 10);
  ASSERT_EQ(owed.size(), 1U);
  EXPECT_EQ(owed[0].id, (EffectId{2, 0}));

  ASSERT_TRUE(apply({entry(3, "me", 3, {SysMachine::effects_done({1, 1})}),
                     entry(4, "me", 4, {SysMachine::effects_done({1, 0})})}));
  EXPECT_EQ(core_->effects_waiting(), 1U);
  restart();
  EXPECT_EQ(core_->effects_waiting(), 1U);
}

TEST_F(ApplierCoreTest, DeliversToThisNodeOnly) {
  ASSERT_TRUE(
      apply({entry(1, "other", 1,
                   {add_operation("a", 1, R"(,"deliver":{"node":"here","waiter":"w1"})"),
                    add_operation("a", 1, R"(,"deliver":{"node":"elsewhere","waiter":"w2"})")})}));
  ASSERT_EQ(out_.deliveries.size(), 1U);
  EXPECT_EQ(out_.deliveries[0].waiter, "w1");
  EXPECT_EQ(out_.deliveries[0].json, "1");
}

TEST_F(ApplierCoreTest, TouchesAreGatheredForWatchers) {
  const auto touch = add_operation("a", 1, R"(,"watch":true)");
  ASSERT_TRUE(apply({entry(1, "me", 1, {touch})}));
  EXPECT_TRUE(out_.touched.empty());
  EXPECT_TRUE(out_.touches_dropped);
  watched_ = true;
  ASSERT_TRUE(apply({entry(2, "me", 2, {touch})}));
  EXPECT_EQ(out_.touched, std::vector<std::string>{"toy:a"});
  EXPECT_FALSE(out_.touches_dropped);
}

TEST_F(ApplierCoreTest, RefusesADatabaseOfANewerVersion) {
  ASSERT_TRUE(db_->transaction([&]() -> Result<void> {
    db_->execute("UPDATE schema_versions SET version=99 WHERE component='toy'");
    return {};
  }));
  ApplierCore again({.node_id = "here", .proposer_id = "me"}, *db_, {machine_.get()},
                    [] { return false; });
  const auto opened = again.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, "schema_too_new");
}

}  // namespace
}  // namespace weir::replica
