// Who may still try a key, by address, over time, and how much of it is remembered.
#include "api/core/key_attempts.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace weir::api {
namespace {

constexpr Millis kRefill = KeyAttempts::kRefill;

class KeyAttemptsTest : public testing::Test {
 protected:
  void fail(const std::string& address, int times, const std::string& id = "x") {
    for (int i = 0; i < times; ++i) attempts_.was_wrong(address, id, now_);
  }
  bool may(const std::string& address, const std::string& id = "x") {
    return !attempts_.wait(address, id, now_);
  }

  KeyAttempts attempts_;
  MonoTime now_{std::chrono::hours(1)};
};

TEST_F(KeyAttemptsTest, ABurstIsAllowedAndThenOneAtATime) {
  fail("192.0.2.1", KeyAttempts::kBurst - 1);
  EXPECT_TRUE(may("192.0.2.1"));
  EXPECT_TRUE(attempts_.was_wrong("192.0.2.1", "x", now_)) << "the last one";
  EXPECT_EQ(attempts_.wait("192.0.2.1", "x", now_), kRefill);
  EXPECT_TRUE(may("192.0.2.2")) << "others may";
  now_ += kRefill - Millis{1};
  EXPECT_EQ(attempts_.wait("192.0.2.1", "x", now_), Millis{1});
  now_ += Millis{1};
  EXPECT_TRUE(may("192.0.2.1"));
  fail("192.0.2.1", 1);
  EXPECT_FALSE(may("192.0.2.1"));
  now_ += KeyAttempts::kBurst * kRefill;
  fail("192.0.2.1", KeyAttempts::kBurst - 1);
  EXPECT_TRUE(may("192.0.2.1")) << "time forgives";
}

TEST_F(KeyAttemptsTest, KeysThatWereRightGoOnUntilTheirSecretIsWrong) {
  fail("192.0.2.1", 1);
  attempts_.was_right("192.0.2.1", "good");
  fail("192.0.2.1", KeyAttempts::kBurst);
  EXPECT_TRUE(may("192.0.2.1", "good"));
  EXPECT_FALSE(may("192.0.2.1", "other"));
  EXPECT_FALSE(may("192.0.2.1", "")) << "no id at all";
  fail("192.0.2.1", 1, "good");
  EXPECT_FALSE(may("192.0.2.1", "good"));
}

TEST_F(KeyAttemptsTest, OnlySomeIdsAreRemembered) {
  fail("192.0.2.1", KeyAttempts::kBurst);
  for (std::size_t i = 0; i <= KeyAttempts::kGoodIds; ++i) {
    attempts_.was_right("192.0.2.1", "id" + std::to_string(i));
  }
  EXPECT_FALSE(may("192.0.2.1", "id0")) << "the oldest made room";
  EXPECT_TRUE(may("192.0.2.1", "id1"));
  EXPECT_TRUE(may("192.0.2.1", "id" + std::to_string(KeyAttempts::kGoodIds)));
}

TEST_F(KeyAttemptsTest, AnIPv6NetworkIsOneAddress) {
  fail("2001:db8:1:2::1", KeyAttempts::kBurst);
  EXPECT_FALSE(may("2001:db8:1:2:ffff::9"));
  EXPECT_TRUE(may("2001:db8:1:3::1"));
  fail("::ffff:192.0.2.7", KeyAttempts::kBurst);
  EXPECT_FALSE(may("192.0.2.7"));
  EXPECT_TRUE(may("::ffff:192.0.2.8"));
}

TEST_F(KeyAttemptsTest, MemoryIsBoundedAndGivenBack) {
  for (std::size_t i = 0; i < KeyAttempts::kAddresses + 100; ++i) {
    fail("10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256), 1);
  }
  EXPECT_EQ(attempts_.addresses(), KeyAttempts::kAddresses);
  now_ += kRefill;
  fail("192.0.2.1", 1);
  EXPECT_EQ(attempts_.addresses(), 1U) << "those that are forgiven are forgotten";
}

TEST_F(KeyAttemptsTest, ManyThreadsCountEachWrongKeyOnce) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 3; ++i) {
        attempts_.was_wrong("192.0.2.1", "x", now_);
        attempts_.wait("192.0.2.1", "x", now_);
        attempts_.was_right("192.0.2.1", "good");
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(may("192.0.2.1", "y"));
  fail("192.0.2.1", 1);
  EXPECT_FALSE(may("192.0.2.1", "y"));
}

}  // namespace
}  // namespace weir::api
