#include "pkg/base/clock.hpp"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Clock, UnixMillisRoundTrip) {
  for (const std::int64_t ms : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1'795'257'000'123}})
    EXPECT_EQ(to_unix_ms(from_unix_ms(ms)), ms);
}

TEST(ManualClock, StandsStillAdvancesAndJumps) {
  ManualClock clock(from_unix_ms(5'000));
  const auto mono = clock.mono();
  EXPECT_EQ(clock.wall(), from_unix_ms(5'000));
  EXPECT_EQ(clock.mono(), mono);
  clock.advance(Millis{250});
  EXPECT_EQ(clock.wall(), from_unix_ms(5'250));
  EXPECT_EQ(clock.mono() - mono, Millis{250});
  clock.jump_wall(Millis{-1'000});
  EXPECT_EQ(clock.wall(), from_unix_ms(4'250));
  EXPECT_EQ(clock.mono() - mono, Millis{250}) << "a step of the wall clock is not elapsed time";
}

TEST(SystemClock, MonoNeverRunsBack) {
  const SystemClock clock;
  auto before = clock.mono();
  for (int i = 0; i < 1'000; ++i) {
    const auto now = clock.mono();
    ASSERT_GE(now, before);
    before = now;
  }
  EXPECT_GT(to_unix_ms(clock.wall()), 1'700'000'000'000);
}

}  // namespace
}  // namespace weir
