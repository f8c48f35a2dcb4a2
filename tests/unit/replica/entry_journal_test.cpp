#include "pkg/replica/entry_journal.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "tests/support/temp_dir.hpp"

namespace weir::replica {
namespace {

using test::read_file;
using test::write_file;

std::string text_of(Revision revision) {
  return R"({"v":1,"p":"a","n":)" + std::to_string(revision) + R"(,"ops":[]})";
}

class EntryJournalTest : public testing::Test {
 protected:
  EntryJournalTest() { open(); }

  void open() {
    journal_.reset();
    auto opened = EntryJournal::open({.path = path_, .max_bytes = max_bytes_});
    ASSERT_TRUE(opened) << describe(opened.error());
    journal_ = std::move(*opened);
  }
  void add(Revision from, Revision to) {
    std::vector<DecodedEntry> entries;
    for (Revision at = from; at <= to; ++at) {
      entries.push_back(
          DecodedEntry::from({at, from_unix_ms(1'000 + std::int64_t(at)), text_of(at)}));
    }
    journal_->add(entries);
  }
  // Revisions that can be read from `from` on; checks what they say.
  std::vector<Revision> read(Revision from) {
    std::vector<Revision> out;
    const auto done = journal_->read(from, [&](const LogEntry& entry) -> Result<bool> {
      EXPECT_EQ(entry.data, text_of(entry.revision));
      EXPECT_EQ(to_unix_ms(entry.time), 1'000 + std::int64_t(entry.revision));
      out.push_back(entry.revision);
      return true;
    });
    EXPECT_TRUE(done) << describe(done.error());
    return out;
  }

  test::TempDir directory_;
  std::string path_ = directory_.file("log.journal");
  std::uint64_t max_bytes_ = 1U << 20U;
  std::unique_ptr<EntryJournal> journal_;
};

TEST_F(EntryJournalTest, GivesBackWhatItGot) {
  journal_->bind("log-1");
  EXPECT_EQ(journal_->extent().last, 0U);
  EXPECT_TRUE(read(1).empty());
  add(5, 7);
  add(6, 9);  // some of them again
  EXPECT_EQ(journal_->extent().first, 5U);
  EXPECT_EQ(journal_->extent().last, 9U);
  EXPECT_EQ(read(1), (std::vector<Revision>{5, 6, 7, 8, 9}));
  EXPECT_EQ(read(8), (std::vector<Revision>{8, 9}));
  open();
  journal_->bind("log-1");
  add(10, 10);
  EXPECT_EQ(read(8), (std::vector<Revision>{8, 9, 10}));
}

TEST_F(EntryJournalTest, KeepsTheNewestWithinItsBound) {
  max_bytes_ = 4'000;
  open();
  journal_->bind("log-1");
  for (Revision at = 1; at <= 500; at += 5) {
    add(at, at + 4);
    ASSERT_LT(journal_->extent().bytes, max_bytes_ + 1'000);
  }
  const auto kept = journal_->extent();
  EXPECT_EQ(kept.last, 500U);
  EXPECT_GT(kept.bytes, max_bytes_ / 4);
  EXPECT_EQ(read(1).front(), kept.first);
  EXPECT_EQ(read(1).size(), 500 - kept.first + 1);
  open();
  EXPECT_EQ(journal_->extent().first, kept.first);
  EXPECT_EQ(journal_->extent().last, 500U);
}

TEST_F(EntryJournalTest, BeginsAnewAfterAGapAndForAnotherLog) {
  journal_->bind("log-1");
  add(1, 3);
  add(7, 8);
  EXPECT_EQ(journal_->extent().first, 7U);
  open();
  journal_->bind("log-1");
  EXPECT_EQ(journal_->extent().first, 7U);
  journal_->bind("log-2");
  EXPECT_EQ(journal_->extent().last, 0U);
  add(1, 2);
  EXPECT_EQ(read(1), (std::vector<Revision>{1, 2}));
}

TEST_F(EntryJournalTest, WhatACrashToreIsCutOff) {
  journal_->bind("log-1");
  add(1, 3);
  journal_.reset();
  const std::string file = path_ + ".b";
  const auto whole = read_file(file);
  write_file(file, whole.substr(0, whole.size() - 5));
  open();
  journal_->bind("log-1");
  EXPECT_EQ(journal_->extent().last, 2U);
  add(3, 4);
  EXPECT_EQ(read(1), (std::vector<Revision>{1, 2, 3, 4}));
  journal_.reset();
  for (const auto& other : {std::string(), std::string("weir"), std::string(200, 'x')}) {
    write_file(file, other);
    open();
    EXPECT_EQ(journal_->extent().last, 0U) << other;
  }
}

TEST_F(EntryJournalTest, ADamagedEntryIsNotGivenBack) {
  journal_->bind("log-1");
  add(1, 3);
  auto bytes = read_file(path_ + ".b");
  bytes[bytes.size() - 3] ^= 0x20;  // of the last entry's text
  write_file(path_ + ".b", bytes);
  int seen = 0;
  const auto done = journal_->read(1, [&](const LogEntry&) -> Result<bool> { return ++seen > 0; });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, "journal_damaged");
  EXPECT_EQ(seen, 2);
}

// As long as it was, with something else at its end: so a file system may leave it.
TEST_F(EntryJournalTest, WhatIsNotWhatWasWrittenIsCutOff) {
  journal_->bind("log-1");
  add(1, 3);
  journal_.reset();
  auto bytes = read_file(path_ + ".b");
  bytes.replace(bytes.size() - 20, 20, 20, '\0');
  write_file(path_ + ".b", bytes);
  open();
  EXPECT_EQ(journal_->extent().last, 2U);
  EXPECT_EQ(read(1), (std::vector<Revision>{1, 2}));
  add(3, 4);
  EXPECT_EQ(read(1), (std::vector<Revision>{1, 2, 3, 4}));
}

// Serving goes on; once there is room it keeps entries again.
TEST_F(EntryJournalTest, ADiskThatTakesNothingEmptiesIt) {
  journal_->bind("log-1");
  add(1, 3);
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 100;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
  add(4, 40);
  EXPECT_EQ(journal_->extent().last, 0U);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, previous);
  add(41, 42);
  EXPECT_EQ(read(1), (std::vector<Revision>{41, 42}));
}

}  // namespace
}  // namespace weir::replica
