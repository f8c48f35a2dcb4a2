#include "pkg/sqlite/database.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

namespace weir::sqlite {
namespace {

class DatabaseTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() /
                 ("weir_sqlite_" + std::to_string(::getpid()) + "_" +
                  testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string path() const { return (directory_ / "test.db").string(); }

  std::filesystem::path directory_;
};

constexpr std::array<Migration, 1> kFirst{{{1, "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)"}}};
constexpr std::array<Migration, 2> kSecond{{{1, "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)"},
                                            {2, "ALTER TABLE t ADD COLUMN c INTEGER"}}};

std::int64_t count(Database& database) {
  std::int64_t rows = -1;
  EXPECT_TRUE(database.read([&]() -> Result<void> {
    auto query = database.prepare("SELECT count(*) FROM t");
    query.step();
    rows = query.int64(0);
    return {};
  }));
  return rows;
}

TEST_F(DatabaseTest, CommitsWhatTheBodyDid) {
  auto database = *Database::open({.path = path()});
  ASSERT_TRUE(database->migrate("test", kFirst));
  ASSERT_TRUE(database->transaction([&]() -> Result<void> {
    auto insert = database->prepare("INSERT INTO t VALUES(?1,?2)");
    insert.bind_all(std::int64_t{1}, "one").run();
    insert.bind_all(std::int64_t{2}, std::string("two\0x", 5)).run();
    return {};
  }));
  EXPECT_EQ(count(*database), 2);
}

TEST_F(DatabaseTest, RollsBackOnAnErrorOfTheBody) {
  auto database = *Database::open({.path = path()});
  ASSERT_TRUE(database->migrate("test", kFirst));
  const auto result = database->transaction([&]() -> Result<void> {
    database->prepare("INSERT INTO t VALUES(1,'x')").run();
    return Error{Code::conflict, "no", "no", ""};
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, "no");
  EXPECT_EQ(count(*database), 0);
}

TEST_F(DatabaseTest, TurnsAFailingStatementIntoAnErrorAndRollsBack) {
  auto database = *Database::open({.path = path()});
  ASSERT_TRUE(database->migrate("test", kFirst));
  const auto result = database->transaction([&]() -> Result<void> {
    database->prepare("INSERT INTO t VALUES(1,'x')").run();
    database->prepare("INSERT INTO t VALUES(1,'again')").run();
    return {};
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, "database_error");
  EXPECT_EQ(count(*database), 0);
  EXPECT_TRUE(database->transaction([&]() -> Result<void> {
    database->prepare("INSERT INTO t VALUES(1,'fine')").run();
    return {};
  }));
}

TEST_F(DatabaseTest, MigratesOnceAndRefusesANewerFile) {
  auto database = *Database::open({.path = path()});
  ASSERT_TRUE(database->migrate("test", kSecond));
  ASSERT_TRUE(database->migrate("test", kSecond));
  const auto older = database->migrate("test", kFirst);
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().reason, "schema_too_new");
}

TEST_F(DatabaseTest, ReadPoolSeesCommittedRowsOnly) {
  auto database = *Database::open({.path = path()});
  ASSERT_TRUE(database->migrate("test", kFirst));
  auto pool = *ReadPool::open(path(), 2);
  const auto rows = [&] {
    std::int64_t seen = -1;
    EXPECT_TRUE(pool->read([&](Database& reader) -> Result<void> {
      auto query = reader.prepare("SELECT count(*) FROM t");
      query.step();
      seen = query.int64(0);
      return {};
    }));
    return seen;
  };
  ASSERT_TRUE(database->transaction([&]() -> Result<void> {
    database->prepare("INSERT INTO t VALUES(1,'x')").run();
    EXPECT_EQ(rows(), 0);
    return {};
  }));
  EXPECT_EQ(rows(), 1);
}

TEST_F(DatabaseTest, AFileThatIsNoDatabaseIsCalledDamaged) {
  { std::ofstream(path()) << std::string(8192, 'x'); }
  const auto opened = Database::open({.path = path()});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason, "database_corrupt");
}

TEST_F(DatabaseTest, ReadsBackNullsAndBlobs) {
  auto database = *Database::open({.path = ":memory:"});
  ASSERT_TRUE(database->read([&]() -> Result<void> {
    auto query = database->prepare("SELECT ?1, ?2, ?3");
    query.bind(1, std::optional<std::int64_t>())
        .bind(2, std::string_view())
        .bind(3, std::int64_t{-7});
    EXPECT_TRUE(query.step());
    EXPECT_TRUE(query.is_null(0));
    EXPECT_FALSE(query.is_null(1));
    EXPECT_EQ(query.text(1), "");
    EXPECT_EQ(query.int64(2), -7);
    EXPECT_EQ(query.optional_int64(0), std::nullopt);
    return {};
  }));
}

TEST_F(DatabaseTest, ACopyIsWholeAndReplacesAnother) {
  auto database = *Database::open({.path = path()});
  ASSERT_TRUE(database->migrate("test", kFirst));
  const auto insert = [&](int from, int to) {
    ASSERT_TRUE(database->transaction([&]() -> Result<void> {
      for (int i = from; i < to; ++i) {
        database->prepare("INSERT INTO t VALUES(?1,'x')").bind(1, i).run();
      }
      return {};
    }));
  };
  insert(0, 1'000);
  const std::string copy = (directory_ / "copy.db").string();
  ASSERT_TRUE((*Database::open({.path = path(), .read_only = true}))->copy_to(copy));
  insert(1'000, 2'000);
  EXPECT_EQ(count(*database), 2'000);
  auto pool = *ReadPool::open(path(), 1);

  ASSERT_TRUE(database->replace_with(copy));
  EXPECT_EQ(count(*database), 1'000);
  ASSERT_TRUE(pool->read([&](Database& reader) -> Result<void> {
    auto query = reader.prepare("SELECT count(*) FROM t");
    query.step();
    EXPECT_EQ(query.int64(0), 1'000) << "readers see it too";
    return {};
  }));
  insert(1'000, 1'001);
  EXPECT_EQ(count(*database), 1'001);
}

TEST_F(DatabaseTest, NothingReplacesADatabaseButADatabase) {
  auto database = *Database::open({.path = path()});
  ASSERT_TRUE(database->migrate("test", kFirst));
  const std::string other = (directory_ / "other").string();
  std::ofstream(other) << std::string(8'192, 'x');
  const auto refused = database->replace_with(other);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "database_corrupt");
  EXPECT_FALSE(database->replace_with((directory_ / "missing").string()));
  EXPECT_EQ(count(*database), 0);
}

}  // namespace
}  // namespace weir::sqlite
