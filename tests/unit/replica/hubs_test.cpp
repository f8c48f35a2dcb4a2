#include "pkg/replica/hubs.hpp"

#include <gtest/gtest.h>

namespace weir::replica {
namespace {

using namespace std::chrono_literals;

TEST(WaiterHub, DeliversToTheWaiterElseToTheOrphanHandler) {
  WaiterHub hub;
  std::vector<std::string> got;
  std::vector<std::string> orphans;
  hub.set_orphan_handler([&](std::string json) { orphans.push_back(std::move(json)); });
  hub.open("w1", [&](std::string json) { got.push_back(std::move(json)); });
  hub.deliver({{"w1", "a", 5}, {"w2", "b", 5}}, 0);
  hub.close("w1");
  hub.close("w1");
  hub.deliver({{"w1", "c", 6}}, 0);
  hub.deliver({{"w1", "old", 4}}, 4);
  EXPECT_EQ(got, std::vector<std::string>{"a"});
  EXPECT_EQ(orphans, (std::vector<std::string>{"b", "c"}));
}

TEST(WaiterHub, AWaiterMayCloseItself) {
  WaiterHub hub;
  int calls = 0;
  hub.open("w", [&](const std::string&) {
    ++calls;
    hub.close("w");
  });
  hub.deliver({{"w", "a", 1}, {"w", "b", 1}}, 0);
  EXPECT_EQ(calls, 1);
}

TEST(WatchHub, CallsWatchersOfTheKeyUntilTheHandleDies) {
  auto hub = std::make_shared<WatchHub>();
  int calls = 0;
  EXPECT_FALSE(hub->anyone_watches());
  auto handle = hub->watch("job:1", [&] { ++calls; });
  auto other = hub->watch("job:2", [&] { calls += 100; });
  EXPECT_TRUE(hub->anyone_watches());
  AppliedBatch batch;
  batch.touched = {"job:1", "job:3"};
  hub->notify(batch);
  EXPECT_EQ(calls, 1);
  handle.reset();
  hub->notify(batch);
  EXPECT_EQ(calls, 1);
  other.reset();
  EXPECT_FALSE(hub->anyone_watches());
}

TEST(WatchHub, WhoBeganToWatchDuringABatchIsCalledToBeSure) {
  auto hub = std::make_shared<WatchHub>();
  int calls = 0;
  AppliedBatch batch;
  batch.touches_dropped = true;  // nobody watched when it began
  const auto handle = hub->watch("job:1", [&] { ++calls; });
  hub->notify(batch);
  EXPECT_EQ(calls, 1);
}

TEST(WatchHub, AHandleMayOutliveTheHub) {
  auto hub = std::make_shared<WatchHub>();
  const auto handle = hub->watch("k", [] {});
  hub.reset();
}

TEST(RevisionWaiters, InOrderAtOnceAndTooLate) {
  RevisionWaiters waiters;
  std::vector<std::string> told;
  const auto tell = [&](const char* name) {
    return [&told, name](const Result<void>& result) {
      told.push_back(std::string(name) + ":" + (result ? "ok" : result.error().reason));
    };
  };
  const MonoTime now{1h};
  waiters.applied(10);
  waiters.add(10, now + 1s, tell("ten"));
  waiters.add(12, now + 1s, tell("twelve"));
  waiters.add(11, now + 1s, tell("eleven"));
  waiters.add(99, now + 2s, tell("never"));
  EXPECT_EQ(waiters.next_deadline(), now + 1s);
  EXPECT_EQ(told, std::vector<std::string>{"ten:ok"});
  waiters.applied(12);
  EXPECT_EQ(told, (std::vector<std::string>{"ten:ok", "eleven:ok", "twelve:ok"}));
  waiters.expire(now + 1999ms);
  EXPECT_EQ(told.size(), 3U);
  waiters.expire(now + 2s);
  EXPECT_EQ(told.back(), "never:revision_not_reached");
  EXPECT_FALSE(waiters.next_deadline());
  waiters.add(99, now, tell("end"));
  waiters.fail_all({Code::unavailable, "replica_stopped", "", ""});
  EXPECT_EQ(told.back(), "end:replica_stopped");
}

}  // namespace
}  // namespace weir::replica
