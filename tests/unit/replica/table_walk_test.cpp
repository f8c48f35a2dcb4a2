#include "pkg/replica/table_walk.hpp"

#include <gtest/gtest.h>

#include <set>

namespace weir::replica {
namespace {

class TableWalkTest : public testing::Test {
 protected:
  TableWalkTest() : db_(std::move(sqlite::Database::open({.path = ":memory:"})).value()) {
    change(
        "CREATE TABLE plain(id INTEGER PRIMARY KEY, text TEXT, number INTEGER);"
        "CREATE TABLE pairs(a INTEGER NOT NULL, b TEXT NOT NULL, c TEXT, PRIMARY KEY(a, b))"
        " WITHOUT ROWID;"
        "CREATE TABLE named(name TEXT PRIMARY KEY, value INTEGER);"
        "CREATE TABLE empty(id INTEGER PRIMARY KEY);"
        "CREATE TABLE sys_votes(id INTEGER PRIMARY KEY);"
        "INSERT INTO plain VALUES(-5,'a',1),(1,NULL,2),(2,'',3),(900,'b',NULL);"
        "INSERT INTO pairs VALUES(1,'',NULL),(1,'x','1'),(1,'y','2'),(2,'a','3'),(10,'a','4');"
        "INSERT INTO named VALUES('z',1),('y',2);");
  }

  void change(const std::string& sql) {
    ASSERT_TRUE(db_->transaction([&]() -> Result<void> {
      db_->execute(sql);
      return {};
    }));
  }
  // All steps of one round: their digests.
  std::vector<std::uint64_t> round(std::uint64_t rows) {
    std::vector<std::uint64_t> out;
    TableWalk walk;
    TableWalk::Place place;
    EXPECT_TRUE(db_->read([&]() -> Result<void> {
      do {
        StateDigest digest;
        place = walk.step(place, rows, *db_, digest);
        out.push_back(digest.value());
      } while (place != TableWalk::Place{} && out.size() < 100);
      return {};
    }));
    return out;
  }

  std::unique_ptr<sqlite::Database> db_;
};

TEST_F(TableWalkTest, ComesByEveryRowWhateverItsSteps) {
  EXPECT_EQ(round(100).size(), 1U);
  EXPECT_EQ(round(11).size(), 2U) << "the eleventh may not be the last";
  EXPECT_EQ(round(3).size(), 4U);
  EXPECT_EQ(round(1).size(), 12U);
}

TEST_F(TableWalkTest, AnyChangeShowsInExactlyTheStepOfItsRow) {
  const char* changes[] = {
      "UPDATE plain SET text='c' WHERE id=-5", "UPDATE plain SET text='' WHERE id=1",
      "UPDATE plain SET number=4 WHERE id=2",  "UPDATE plain SET number=0 WHERE id=900",
      "UPDATE pairs SET c='' WHERE b=''",      "UPDATE pairs SET c='5' WHERE a=1 AND b='y'",
      "UPDATE pairs SET b='b' WHERE a=10",     "UPDATE named SET value=3 WHERE name='z'"};
  std::set<std::size_t> steps;
  for (const auto* sql : changes) {
    const auto before = round(1);
    change(sql);
    const auto after = round(1);
    ASSERT_EQ(before.size(), after.size()) << sql;
    std::size_t differ = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (before[i] == after[i]) continue;
      ++differ;
      steps.insert(i);
    }
    EXPECT_EQ(differ, 1U) << sql;
    EXPECT_NE(round(5), round(6));
  }
  EXPECT_EQ(steps.size(), std::size(changes));
}

TEST_F(TableWalkTest, WhatTheReplicaKeepsAboutItselfIsLeftOut) {
  const auto before = round(100);
  change("INSERT INTO sys_votes VALUES(1)");
  EXPECT_EQ(round(100), before);
}

TEST_F(TableWalkTest, AStepEndsAtItsBytes) {
  change("UPDATE plain SET text=hex(zeroblob(" + std::to_string(TableWalk::kMostBytes) + "))");
  EXPECT_EQ(round(100).size(), 5U);
}

TEST(StateDigest, TellsWhereOneTextEndsAndInWhichOrderTheyCome) {
  const auto of = [](const std::vector<std::string>& texts) {
    StateDigest digest(1);
    for (const auto& text : texts) digest.mix(text);
    return digest.value();
  };
  EXPECT_EQ(of({"ab", "c"}), of({"ab", "c"}));
  EXPECT_NE(of({"ab", "c"}), of({"a", "bc"}));
  EXPECT_NE(of({"a", "b"}), of({"b", "a"}));
  EXPECT_NE(of({""}), of({}));
  EXPECT_NE(of({"0123456789"}), of({"0123456788"}));
}

}  // namespace
}  // namespace weir::replica
