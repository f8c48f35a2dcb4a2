#include "pkg/replica/sequence_window.hpp"

#include <gtest/gtest.h>

#include <set>

#include "pkg/base/ids.hpp"

namespace weir::replica {
namespace {

TEST(SequenceWindow, EachSequenceOnce) {
  SequenceWindow window;
  EXPECT_TRUE(window.admit(1));
  EXPECT_FALSE(window.admit(1));
  EXPECT_TRUE(window.admit(4));
  EXPECT_TRUE(window.admit(3));
  EXPECT_FALSE(window.admit(4));
  EXPECT_FALSE(window.admit(3));
  EXPECT_TRUE(window.admit(2));
  EXPECT_FALSE(window.admit(2));
}

TEST(SequenceWindow, FarJumpsAndTheEdge) {
  SequenceWindow window;
  EXPECT_TRUE(window.admit(10));
  EXPECT_TRUE(window.admit(73));  // 10 is now 63 behind: still known
  EXPECT_FALSE(window.admit(10));
  EXPECT_TRUE(window.admit(11));
  EXPECT_FALSE(window.admit(9));  // 64 behind: counts as applied
  EXPECT_TRUE(window.admit(1'000));
  EXPECT_FALSE(window.admit(73));
  EXPECT_TRUE(window.admit(999));
}

TEST(SequenceWindow, ReadsBackFromItsParts) {
  SequenceWindow window;
  for (const std::uint64_t n : {1U, 2U, 5U}) EXPECT_TRUE(window.admit(n));
  SequenceWindow again(window.high(), window.bits());
  EXPECT_FALSE(again.admit(5));
  EXPECT_TRUE(again.admit(4));
  EXPECT_FALSE(again.admit(2));
}

TEST(SequenceWindow, AgreesWithASetWhenRepeatsComeOutOfOrder) {
  SeededRandom random(7);
  SequenceWindow window;
  std::set<std::uint64_t> seen;
  std::uint64_t high = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t back = random.next() % 40;
    const std::uint64_t n = high + 3 > back ? high + 3 - back : 1;
    EXPECT_EQ(window.admit(n), seen.insert(n).second) << n;
    high = std::max(high, n);
  }
}

}  // namespace
}  // namespace weir::replica
