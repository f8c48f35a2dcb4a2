#include "pkg/ratelimit/fixed_windows.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "pkg/ratelimit/address.hpp"

namespace weir::ratelimit {
namespace {

constexpr Allowance kThree{.limit = 3, .window = Millis{1000}};
const MonoTime kStart{std::chrono::hours(1)};

TEST(FixedWindows, CountsDownAndRefusesWhatIsOver) {
  FixedWindows windows;
  for (std::int64_t left = 2; left >= 0; --left) {
    const auto verdict = windows.take("a", kThree, kStart);
    EXPECT_TRUE(verdict.allowed);
    EXPECT_EQ(verdict.limit, 3);
    EXPECT_EQ(verdict.remaining, left);
    EXPECT_EQ(verdict.resets_in, Millis{1000});
  }
  const auto over = windows.take("a", kThree, kStart + Millis{400});
  EXPECT_FALSE(over.allowed);
  EXPECT_EQ(over.remaining, 0);
  EXPECT_EQ(over.resets_in, Millis{600});
}

TEST(FixedWindows, TheNextWindowBeginsWithItsFirstRequest) {
  FixedWindows windows;
  for (int i = 0; i < 3; ++i) windows.take("a", kThree, kStart);
  EXPECT_FALSE(windows.take("a", kThree, kStart + Millis{999}).allowed);
  const auto next = windows.take("a", kThree, kStart + Millis{2500});
  EXPECT_TRUE(next.allowed);
  EXPECT_EQ(next.remaining, 2);
  EXPECT_EQ(next.resets_in, Millis{1000});
}

TEST(FixedWindows, SubjectsDoNotTakeFromEachOther) {
  FixedWindows windows;
  for (int i = 0; i < 4; ++i) windows.take("a", kThree, kStart);
  EXPECT_TRUE(windows.take("b", kThree, kStart).allowed);
  EXPECT_FALSE(windows.take("a", kThree, kStart).allowed);
}

TEST(FixedWindows, ASmallerAllowanceCountsAtOnce) {
  FixedWindows windows;
  for (int i = 0; i < 3; ++i) windows.take("a", kThree, kStart);
  const auto verdict = windows.take("a", {.limit = 2, .window = Millis{1000}}, kStart);
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(verdict.remaining, 0);
}

TEST(FixedWindows, RemembersABoundedNumber) {
  FixedWindows windows;
  for (std::size_t i = 0; i < FixedWindows::kSubjects + 10; ++i) {
    windows.take(std::to_string(i), kThree, kStart + Millis{i / 1000});
  }
  EXPECT_EQ(windows.size(), FixedWindows::kSubjects);
  EXPECT_EQ(windows.take("0", kThree, kStart + Millis{70}).remaining, 2) << "was forgotten";
  EXPECT_EQ(windows.take("65540", kThree, kStart + Millis{70}).remaining, 1);
}

TEST(FixedWindows, ExactWithManyThreads) {
  FixedWindows windows;
  const Allowance allowance{.limit = 1000};
  std::atomic<int> allowed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) allowed += windows.take("a", allowance, kStart).allowed ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(allowed, 1000);
}

TEST(Neighbourhood, OfIpv6IsItsNetwork) {
  EXPECT_EQ(neighbourhood("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(neighbourhood("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
  EXPECT_EQ(neighbourhood("2001:db8:1:2::1"), neighbourhood("2001:db8:1:2:ffff::"));
  EXPECT_EQ(neighbourhood("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(neighbourhood("pipe"), "pipe");
}

}  // namespace
}  // namespace weir::ratelimit
