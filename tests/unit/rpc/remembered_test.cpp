#include "api/rpc/remembered.hpp"

#include <gtest/gtest.h>

namespace weir::rpc {
namespace {

class RememberedTest : public testing::Test {
 protected:
  // Begins `id`; what is answered is appended to `heard_`.
  std::optional<Reply> begin(Remembered& memory, const std::string& id) {
    return memory.begin(id, [this](const Result<std::string>& answer) {
      heard_.push_back(answer ? *answer : answer.error().reason);
    });
  }
  ManualClock clock_;
  std::vector<std::string> heard_;
};

TEST_F(RememberedTest, ARepeatGetsTheFirstAnswerForTwoMinutes) {
  Remembered memory(clock_);
  auto first = begin(memory, "a");
  ASSERT_TRUE(first);
  (*first)(std::string("one"));
  EXPECT_FALSE(begin(memory, "a"));
  EXPECT_EQ(heard_, (std::vector<std::string>{"one", "one"}));
  clock_.advance(kRememberFor - Millis{1});
  EXPECT_FALSE(begin(memory, "a"));
  clock_.advance(Millis{1});
  EXPECT_TRUE(begin(memory, "a"));
}

TEST_F(RememberedTest, ARepeatOfWhatStillRunsWaits) {
  Remembered memory(clock_);
  auto first = begin(memory, "a");
  EXPECT_FALSE(begin(memory, "a"));
  EXPECT_TRUE(heard_.empty());
  (*first)(std::string("one"));
  EXPECT_EQ(heard_, (std::vector<std::string>{"one", "one"}));
}

TEST_F(RememberedTest, ErrorsAreNotRemembered) {
  Remembered memory(clock_);
  auto first = begin(memory, "a");
  EXPECT_FALSE(begin(memory, "a"));
  (*first)(Error{Code::unavailable, "away", "", ""});
  EXPECT_EQ(heard_, (std::vector<std::string>{"away", "away"}));
  EXPECT_TRUE(begin(memory, "a"));
}

TEST_F(RememberedTest, MemoryIsBounded) {
  Remembered memory(clock_, {.entries = 10, .bytes = 1000});
  for (int i = 0; i < 100; ++i) (*begin(memory, "id" + std::to_string(i)))(std::string("x"));
  EXPECT_EQ(memory.entries(), 10U);
  EXPECT_FALSE(begin(memory, "id99"));
  EXPECT_TRUE(begin(memory, "id0"));
  for (int i = 0; i < 20; ++i) (*begin(memory, "big" + std::to_string(i)))(std::string(300, 'x'));
  EXPECT_LE(memory.bytes(), 1000U);
  (*begin(memory, "huge"))(std::string(5000, 'x'));
  EXPECT_EQ(memory.bytes(), 0U);
}

}  // namespace
}  // namespace weir::rpc
