#include "pkg/replica/verify.hpp"

#include <gtest/gtest.h>

#include "pkg/crypto/crypto.hpp"
#include "tests/support/memory_log.hpp"

namespace weir::replica {
namespace {

Position at(Revision applied, const std::string& entry, const std::string& identity = "log-1") {
  Position position;
  position.applied = applied;
  position.identity = identity;
  if (applied > 0) position.entry_hash = crypto::sha256(entry);
  return position;
}

class VerifyTest : public testing::Test {
 protected:
  VerifyTest() {
    for (const char* data : {"one", "two", "three"}) log_.append_raw(data);
  }
  std::string reason(const Position& position) {
    const auto info = verify_log(position, log_);
    return info ? "fine" : info.error().reason;
  }
  ManualClock clock_;
  test::MemoryLog log_{clock_};
};

TEST_F(VerifyTest, AcceptsTheLogItApplied) {
  EXPECT_EQ(reason(at(0, "", "")), "fine");
  EXPECT_EQ(reason(at(2, "two")), "fine");
  EXPECT_EQ(reason(at(3, "three")), "fine");
}

TEST_F(VerifyTest, SaysWhatIsWrong) {
  EXPECT_EQ(reason(at(3, "three", "log-0")), "log_replaced");
  EXPECT_EQ(reason(at(4, "four")), "log_truncated");
  EXPECT_EQ(reason(at(2, "another")), "log_diverged");
  EXPECT_EQ(compare_log(at(3, "three"), {6, 9, "log-1"}).error().reason, "log_purged");
  EXPECT_TRUE(compare_log(at(5, "five"), {6, 9, "log-1"}));
  log_.set_missing(true);
  EXPECT_EQ(reason(at(2, "two")), "log_missing");
  EXPECT_EQ(verify_log(at(2, "two"), log_).error().code, Code::conflict);
}

TEST_F(VerifyTest, MakesTheLogForANewReplicaOnly) {
  log_.set_missing(true);
  EXPECT_EQ(reason(at(0, "", "")), "fine");
  EXPECT_TRUE(log_.info());
}

TEST(CheckClock, EachKindOfLogToItsOwn) {
  EXPECT_TRUE(check_clock(false, false));
  EXPECT_TRUE(check_clock(true, true));
  EXPECT_EQ(check_clock(true, false).error().reason, "test_clock_log");
  EXPECT_EQ(check_clock(false, true).error().reason, "real_time_log");
}

TEST_F(VerifyTest, OutOfReachIsNoVerdict) {
  log_.set_connected(false);
  EXPECT_EQ(verify_log(at(2, "two"), log_).error().code, Code::unavailable);
}

}  // namespace
}  // namespace weir::replica
