#include "api/runtime/timers.hpp"

#include <gtest/gtest.h>

#include <future>

namespace weir::api {
namespace {

TEST(Timers, RunInOrderWhenDue) {
  ManualClock clock;
  Timers timers(clock);
  std::string order;
  timers.set(clock.mono() + Millis{20}, [&] { order += 'b'; });
  timers.set(clock.mono() + Millis{10}, [&] { order += 'a'; });
  timers.set(clock.mono() + Millis{30}, [&] { order += 'c'; });
  timers.run_due();
  EXPECT_EQ(order, "");
  clock.advance(Millis{20});
  timers.run_due();
  EXPECT_EQ(order, "ab");
  EXPECT_EQ(timers.pending(), 1U);
}

TEST(Timers, CancelledOnesDoNotRun) {
  ManualClock clock;
  Timers timers(clock);
  int ran = 0;
  std::vector<Timers::Id> ids;
  for (int i = 0; i < 200; ++i) ids.push_back(timers.set(clock.mono(), [&] { ++ran; }));
  for (std::size_t i = 0; i < 150; ++i) EXPECT_TRUE(timers.cancel(ids[i]));
  EXPECT_FALSE(timers.cancel(ids[0]));
  EXPECT_FALSE(timers.cancel(0));
  timers.run_due();
  EXPECT_EQ(ran, 50);
}

TEST(Timers, ACallbackMaySetAndCancel) {
  ManualClock clock;
  Timers timers(clock);
  bool later_ran = false;
  const auto never = timers.set(clock.mono() + Millis{5}, [] { FAIL(); });
  timers.set(clock.mono(), [&] {
    EXPECT_TRUE(timers.cancel(never));
    timers.set(clock.mono() + Millis{1}, [&] { later_ran = true; });
  });
  timers.run_due();
  clock.advance(Millis{10});
  timers.run_due();
  EXPECT_TRUE(later_ran);
}

TEST(Timers, TheThreadWakesForAnEarlierTimer) {
  const SystemClock clock;
  Timers timers(clock);
  ASSERT_TRUE(timers.start());
  ASSERT_TRUE(timers.start());
  timers.set(clock.mono() + std::chrono::hours(1), [] {});
  std::promise<void> ran;
  timers.set(clock.mono() + Millis{1}, [&] { ran.set_value(); });
  EXPECT_EQ(ran.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  timers.stop();
  timers.stop();
}

}  // namespace
}  // namespace weir::api
