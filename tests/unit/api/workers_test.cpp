#include "api/runtime/workers.hpp"

#include <gtest/gtest.h>

#include <atomic>

namespace weir::api {
namespace {

TEST(Workers, RefuseBeforeStartAndAfterStop) {
  Workers workers(1);
  workers.stop();
  EXPECT_FALSE(workers.run([] {}));
  ASSERT_TRUE(workers.start());
  ASSERT_TRUE(workers.start());
  workers.stop();
  EXPECT_FALSE(workers.run([] {}));
}

TEST(Workers, WhatIsQueuedRunsBeforeStopReturns) {
  Workers workers(2);
  ASSERT_TRUE(workers.start());
  std::atomic<int> ran{0};
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(workers.run([&] { ++ran; }));
  workers.stop();
  EXPECT_EQ(ran, 1000);
  ASSERT_TRUE(workers.start());
  ASSERT_TRUE(workers.run([&] { ++ran; }));
  workers.stop();
  EXPECT_EQ(ran, 1001);
}

}  // namespace
}  // namespace weir::api
