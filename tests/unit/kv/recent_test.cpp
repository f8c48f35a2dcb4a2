#include "pkg/kv/recent.hpp"

#include <gtest/gtest.h>

namespace weir::kv {
namespace {

TEST(Recent, KeepsTheNewestOfAKey) {
  Recent recent;
  EXPECT_FALSE(recent.find("k"));
  recent.remember("k", "1", 7);
  recent.remember("k", "0", 6);  // came late
  ASSERT_TRUE(recent.find("k"));
  EXPECT_EQ(recent.find("k")->value, "1");
  EXPECT_EQ(recent.find("k")->revision, 7U);
  recent.forget("k");
  EXPECT_FALSE(recent.find("k"));
}

TEST(Recent, AValueThatIsTooLongIsNotGuessedAtAll) {
  Recent recent;
  recent.remember("k", "1", 1);
  recent.remember("k", std::string(Recent::kLongestValue + 1, 'x'), 2);
  EXPECT_FALSE(recent.find("k"));
}

TEST(Recent, IsBounded) {
  Recent recent;
  recent.remember("kept", "0", 1);
  for (std::size_t i = 0; i < Recent::kMostEntries; ++i) {
    recent.find("kept");
    recent.remember(std::to_string(i), "1", i + 2);
  }
  EXPECT_TRUE(recent.find("kept")) << "was used again and again";
  EXPECT_FALSE(recent.find("0"));
  EXPECT_TRUE(recent.find("1"));
}

}  // namespace
}  // namespace weir::kv
