#include "pkg/base/bounded_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <numeric>
#include <thread>

namespace weir {
namespace {

TEST(BoundedQueue, IsFifoAndFull) {
  BoundedQueue<int> queue(2);
  EXPECT_TRUE(queue.try_push(1));
  EXPECT_TRUE(queue.try_push(2));
  EXPECT_FALSE(queue.try_push(3));
  EXPECT_EQ(queue.size(), 2U);
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_TRUE(queue.try_push(4));
  EXPECT_EQ(queue.pop_all(), (std::vector<int>{2, 4}));
}

TEST(BoundedQueue, ARefusedItemIsUntouched) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  EXPECT_TRUE(queue.try_push(std::make_unique<int>(1)));
  auto item = std::make_unique<int>(2);
  EXPECT_FALSE(queue.try_push(std::move(item)));
  ASSERT_NE(item, nullptr);  // NOLINT(bugprone-use-after-move): the contract under test
  queue.close();
  EXPECT_FALSE(queue.try_push(std::move(item)));
  EXPECT_EQ(*item, 2);  // NOLINT(bugprone-use-after-move)
}

TEST(BoundedQueue, CloseDrainsThenEnds) {
  BoundedQueue<int> queue(4);
  EXPECT_TRUE(queue.try_push(1));
  queue.close();
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), std::nullopt);
  EXPECT_EQ(queue.pop_for(Millis{60'000}), std::nullopt);
  EXPECT_TRUE(queue.pop_all().empty());
}

TEST(BoundedQueue, PopForGivesUp) {
  BoundedQueue<int> queue(1);
  EXPECT_EQ(queue.pop_for(Millis{1}), std::nullopt);
  EXPECT_TRUE(queue.try_push(5));
  EXPECT_EQ(queue.pop_for(Millis{60'000}), 5);
}

TEST(BoundedQueue, CloseWakesEveryWaiter) {
  BoundedQueue<int> queue(1);
  std::vector<std::thread> waiters;
  waiters.emplace_back([&] { EXPECT_EQ(queue.pop(), std::nullopt); });
  waiters.emplace_back([&] { EXPECT_EQ(queue.pop_for(Millis{600'000}), std::nullopt); });
  waiters.emplace_back([&] { EXPECT_TRUE(queue.pop_all().empty()); });
  queue.close();
  for (auto& waiter : waiters) waiter.join();
}

TEST(BoundedQueue, ManyThreadsLoseAndRepeatNothing) {
  constexpr int kProducers = 3;
  constexpr int kConsumers = 3;
  constexpr int kEach = 20'000;
  BoundedQueue<int> queue(64);
  std::vector<std::atomic<int>> seen(kProducers * kEach);
  std::atomic<std::size_t> deepest{0};
  std::vector<std::thread> consumers;
  for (int c = 0; c < kConsumers; ++c) {
    consumers.emplace_back([&, c] {
      const auto note = [&](int item) { ++seen[static_cast<std::size_t>(item)]; };
      if (c == 0) {
        for (auto batch = queue.pop_all(); !batch.empty(); batch = queue.pop_all()) {
          deepest = std::max(deepest.load(), batch.size());
          for (const int item : batch) note(item);
        }
      } else {
        while (const auto item = queue.pop()) note(*item);
      }
    });
  }
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&, p] {
      for (int i = 0; i < kEach; ++i) {
        while (!queue.try_push(p * kEach + i)) std::this_thread::yield();
      }
    });
  }
  for (auto& producer : producers) producer.join();
  queue.close();
  for (auto& consumer : consumers) consumer.join();
  for (std::size_t i = 0; i < seen.size(); ++i) ASSERT_EQ(seen[i].load(), 1) << "item " << i;
  EXPECT_LE(deepest.load(), 64U);
}

// pop_all() may return empty only when closed: one that raced another consumer waits again.
TEST(BoundedQueue, PopAllIsEmptyOnlyAtTheEnd) {
  BoundedQueue<int> queue(8);
  std::atomic<int> taken{0};
  std::atomic<bool> closed{false};
  std::vector<std::thread> consumers;
  for (int c = 0; c < 4; ++c) {
    consumers.emplace_back([&] {
      for (;;) {
        const auto batch = queue.pop_all();
        if (batch.empty()) break;
        taken += static_cast<int>(batch.size());
      }
      EXPECT_TRUE(closed.load());
    });
  }
  for (int i = 0; i < 5'000; ++i) {
    while (!queue.try_push(int{i})) std::this_thread::yield();
  }
  closed = true;
  queue.close();
  for (auto& consumer : consumers) consumer.join();
  EXPECT_EQ(taken.load(), 5'000);
}

}  // namespace
}  // namespace weir
