// Keys of one bucket, against every server: values, conditions, counting, time to live, many keys.
#include <gmock/gmock.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "pkg/kv/service.hpp"
#include "tests/integration/nats/link.hpp"

namespace weir::kv {
namespace {

using namespace std::chrono_literals;
using test::wait_until;

class StoreTest : public nats::OnEveryServer {
 protected:
  void SetUp() override {
    start();
    connection_ = connected();
  }
  Store make(const nats::BucketConfig& config = {}, const std::string& name = "b") {
    nats::Bucket bucket(nats::JetStream(connection_), name);
    auto info = bucket.create(config);
    EXPECT_TRUE(info) << describe(info.error());
    return Store(bucket, *info, clock_);
  }
  static std::string value(const Store& store, const std::string& key) {
    const auto entry = store.get(key);
    EXPECT_TRUE(entry) << describe(entry.error());
    return entry && *entry ? (*entry)->value : "none";
  }

  SystemClock clock_;
  std::shared_ptr<nats::Connection> connection_;
};

TEST_P(StoreTest, FeaturesAreWhatTheServerHas) {
  const auto store = make();
  EXPECT_EQ(store.info().message_ttl, at_least(2, 11));
  EXPECT_EQ(store.info().atomic, at_least(2, 12));
  EXPECT_TRUE(store.info().direct);
}

// What stood there before is told exactly, whoever wrote it and however often.
TEST_P(StoreTest, EveryValueIsReplacedOnce) {
  const auto store = make();
  const auto elsewhere = make();
  ASSERT_TRUE(store.set("k", "\"first\"", {}));
  std::mutex mutex;
  std::multiset<std::string> replaced;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const auto& mine = t % 2 == 0 ? store : elsewhere;
      for (int i = 0; i < 20; ++i) {
        const auto text = std::to_string(100 * t + i);
        const auto set = mine.set("k", text, {});
        ASSERT_TRUE(set) << describe(set.error());
        const std::lock_guard lock(mutex);
        replaced.insert(set->previous ? set->previous->value : "none");
      }
    });
  }
  for (auto& thread : threads) thread.join();
  replaced.insert(value(store, "k"));  // the only one that nobody replaced
  EXPECT_EQ(replaced.size(), 81U);
  EXPECT_EQ(std::set<std::string>(replaced.begin(), replaced.end()).size(), 81U);
}

TEST_P(StoreTest, WhatOthersDidInBetweenIsSeen) {
  const auto store = make();
  const auto elsewhere = make();
  const auto previous = [&](const std::string& json, std::optional<Millis> ttl = {}) {
    const auto set = store.set("k", json, {.ttl = ttl});
    EXPECT_TRUE(set) << describe(set.error());
    return set && set->previous ? set->previous->value : "none";
  };
  EXPECT_EQ(previous("1"), "none");
  EXPECT_EQ(previous("2"), "1");
  ASSERT_TRUE(elsewhere.put("k", "3", {}));
  EXPECT_EQ(previous("4"), "3");
  ASSERT_TRUE(elsewhere.remove("k"));
  EXPECT_EQ(previous("5"), "none");
  EXPECT_EQ(previous("6", 50ms), "5");
  ASSERT_TRUE(wait_until([&] { return value(store, "k") == "none"; }));
  EXPECT_EQ(previous("7"), "none");
  ASSERT_TRUE(store.add("k", "1"));
  EXPECT_EQ(previous("9"), "8");
  const std::string longer = '"' + std::string(Recent::kLongestValue, 'x') + '"';
  EXPECT_EQ(previous(longer), "9");
  EXPECT_EQ(previous("10"), longer);
}

TEST_P(StoreTest, ValuesAreReadBackAndReplaced) {
  const auto store = make();
  EXPECT_EQ(value(store, "user:1"), "none");
  const auto first = store.set("user:1", R"({"n":1})", {});
  ASSERT_TRUE(first) << describe(first.error());
  EXPECT_TRUE(first->written);
  EXPECT_FALSE(first->previous);
  const auto second = store.set("user:1", "2", {});
  ASSERT_TRUE(second);
  EXPECT_EQ(second->previous->value, R"({"n":1})");
  EXPECT_GT(second->revision, first->revision);
  EXPECT_EQ(value(store, "user:1"), "2");
  EXPECT_TRUE(*store.remove("user:1"));
  EXPECT_FALSE(*store.remove("user:1"));
  EXPECT_EQ(value(store, "user:1"), "none");
}

TEST_P(StoreTest, OtherClientsSeeAndAreSeen) {
  const auto store = make();
  ASSERT_TRUE(connection_->request("$KV.b.user=3A1", "by another", 2s));
  EXPECT_EQ(value(store, "user:1"), "\"by another\"");
  ASSERT_TRUE(store.set("user:2", "[1]", {}));
  const auto seen = store.bucket().last("user=3A2", nats::Bucket::Read::leader);
  ASSERT_TRUE(seen && *seen);
  EXPECT_EQ((*seen)->value, "[1]");
  ASSERT_TRUE(connection_->request("$KV.b.user=3A2", "", 2s, {{"KV-Operation", "DEL"}}));
  EXPECT_EQ(value(store, "user:2"), "none");
}

TEST_P(StoreTest, Conditions) {
  const auto store = make();
  const SetOptions nx{.condition = Condition::if_missing};
  const SetOptions xx{.condition = Condition::if_present};
  EXPECT_FALSE(store.set("k", "1", xx)->written);
  EXPECT_TRUE(store.set("k", "1", nx)->written);
  EXPECT_FALSE(store.set("k", "2", nx)->written);
  const auto replaced = store.set("k", "3", xx);
  EXPECT_TRUE(replaced->written);
  const auto stale = store.set("k", "4", {.revision = replaced->revision - 1});
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().reason, "wrong_last_sequence");
  EXPECT_TRUE(store.set("k", "5", {.revision = replaced->revision}));
  EXPECT_FALSE(store.remove("k", replaced->revision));
  EXPECT_EQ(value(store, "k"), "5");
  EXPECT_TRUE(*store.remove("k"));
  EXPECT_TRUE(store.set("k", "6", nx)->written) << "a deleted key is missing";
}

TEST_P(StoreTest, CountingLosesNothing) {
  const auto store = make();
  constexpr int kThreads = 16;
  constexpr int kEach = 20;
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        if (!store.add("n", "1")) ++failed;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(value(store, "n"), std::to_string(kThreads * kEach));
  EXPECT_EQ(*store.add("n", "-320"), "0");
  EXPECT_EQ(*store.add("n", "0.5"), "0.5");
  ASSERT_TRUE(store.set("text", "\"x\"", {}));
  EXPECT_EQ(store.add("text", "1").error().reason, "not_a_number");
  ASSERT_TRUE(store.set("big", "9223372036854775807", {}));
  EXPECT_EQ(store.add("big", "1").error().reason, "number_overflow");
}

TEST_P(StoreTest, OneOfManyWinsAConditionalWrite) {
  const auto store = make();
  std::vector<std::thread> threads;
  std::atomic<int> won{0};
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&, t] {
      const auto result = store.set("k", std::to_string(t), {.condition = Condition::if_missing});
      if (result && result->written) ++won;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(won, 1);
}

TEST_P(StoreTest, EntriesEndInTime) {
  const auto store = make();
  ASSERT_TRUE(store.set("k", "1", {.ttl = Millis{1000}}));
  ASSERT_TRUE(store.set("stays", "1", {.ttl = Millis{1000}}));
  ASSERT_TRUE(*store.expire("stays", std::nullopt));
  EXPECT_FALSE(*store.expire("stays", std::nullopt)) << "it does not end";
  EXPECT_FALSE(*store.expire("missing", Millis{1000}));
  EXPECT_EQ(value(store, "k"), "1");
  EXPECT_EQ(*store.add("k", "1"), "2");
  ASSERT_TRUE((*store.get("k"))->expires_at) << "counting keeps the end";
  EXPECT_TRUE(wait_until([&] { return value(store, "k") == "none"; }, 10s));
  EXPECT_TRUE(store.set("k", "3", {.condition = Condition::if_missing})->written);
  EXPECT_FALSE((*store.get("k"))->expires_at);
  EXPECT_EQ(value(store, "stays"), "1");
}

TEST_P(StoreTest, HistoryIsKept) {
  const auto store = make({.history = 3});
  for (const auto* text : {"1", "2", "3", "4"}) ASSERT_TRUE(store.set("k", text, {}));
  ASSERT_TRUE(store.remove("k"));
  const auto history = store.history("k");
  ASSERT_TRUE(history) << describe(history.error());
  ASSERT_EQ(history->size(), 3U);
  EXPECT_EQ(history->at(0).value, "3");
  EXPECT_EQ(history->at(2).mark, nats::Mark::deleted);
  const auto old = store.get_revision("k", history->at(0).revision);
  ASSERT_TRUE(old && *old);
  EXPECT_EQ((*old)->value, "3");
  EXPECT_FALSE(*store.get_revision("k", 1));
  ASSERT_TRUE(store.set("k", "5", {}));
  ASSERT_TRUE(store.set("k", "6", {.ttl = Millis{1000}}));
  EXPECT_TRUE(wait_until([&] { return value(store, "k") == "none"; }, 10s))
      << "no older revision comes to light";
}

TEST_P(StoreTest, ManyKeysAllOrNone) {
  const auto store = make();
  ASSERT_TRUE(store.set_all({{"a", "1"}, {"b", "2"}, {"c", "3"}}));
  EXPECT_EQ(value(store, "b"), "2");
  EXPECT_FALSE(*store.set_all_if_missing({{"x", "1"}, {"b", "9"}, {"y", "1"}}));
  EXPECT_EQ(value(store, "x"), "none");
  EXPECT_EQ(value(store, "y"), "none");
  EXPECT_EQ(value(store, "b"), "2");
  EXPECT_TRUE(*store.set_all_if_missing({{"x", "1"}, {"y", "2"}}));
  EXPECT_EQ(*store.remove_all({"a", "b", "nothing", "a"}), 2U);
  EXPECT_EQ(value(store, "a"), "none");
  EXPECT_EQ(value(store, "c"), "3");
  const auto large = store.set_all({{"p", "1"}, {"q", std::string(2U << 20U, '1')}});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().reason, "value_too_large");
  EXPECT_EQ(value(store, "p"), "none");
}

TEST_P(StoreTest, OneOfManyWinsSeveralKeys) {
  const auto store = make();
  std::vector<std::thread> threads;
  std::atomic<int> won{0};
  std::atomic<int> failed{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      const auto text = std::to_string(t);
      const auto done = store.set_all_if_missing({{"a", text}, {"b", text}, {"c", text}});
      if (!done) ++failed;
      if (done && *done) ++won;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(won, 1);
  EXPECT_EQ(value(store, "a"), value(store, "b"));
  EXPECT_EQ(value(store, "a"), value(store, "c"));
}

TEST_P(StoreTest, ANatsThatIsAwayIsToldAtOnce) {
  const auto store = make();
  server_->kill();
  ASSERT_TRUE(wait_until([&] { return !connection_->connected(); }, 10s));
  const auto begun = clock_.mono();
  EXPECT_EQ(store.get("k").error().code, Code::unavailable);
  EXPECT_EQ(store.set("k", "1", {}).error().code, Code::unavailable);
  EXPECT_LT(clock_.mono() - begun, 1s);
}

WEIR_ON_EVERY_SERVER(StoreTest);

}  // namespace
}  // namespace weir::kv
