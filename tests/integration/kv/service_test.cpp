// Buckets, lists and sweeping, against every server.
#include <gmock/gmock.h>

#include "tests/integration/kv/service_fixture.hpp"

namespace weir::kv {
namespace {

using namespace std::chrono_literals;
using test::wait_until;
using testing::ElementsAre;

class ServiceTest : public OnBuckets {
 protected:
  Result<void> set(const std::string& bucket, const std::string& key,
                   std::optional<Millis> ttl = {}) {
    return service_->with(bucket, Missing::create, [&](const Store& store) -> Result<void> {
      const auto done = store.put(key, "1", ttl);
      if (!done) return done.error();
      return {};
    });
  }
  std::vector<std::string> keys(const std::string& bucket, const std::string& prefix = "") {
    const auto page = service_->page(bucket, prefix, "", 1000);
    EXPECT_TRUE(page) << describe(page.error());
    return page ? page->keys : std::vector<std::string>{"failed"};
  }
};

TEST_P(ServiceTest, AListHoldsEveryWriteBeforeIt) {
  EXPECT_EQ(service_->page("none", "", "", 10).error().reason, "bucket_not_found");
  ASSERT_TRUE(set("b", "user:1"));
  EXPECT_THAT(keys("b"), ElementsAre("user:1"));
  for (int i = 2; i < 60; ++i) {
    const auto key = "user:" + std::to_string(i);
    ASSERT_TRUE(set("b", key));
    const auto page = service_->page("b", key, "", 1);
    ASSERT_TRUE(page);
    ASSERT_THAT(page->keys, ElementsAre(key));
  }
  ASSERT_TRUE(connection_->request("$KV.b.other", "x", 2s));
  EXPECT_THAT(keys("b", "o"), ElementsAre("other")) << "written by another client";
  EXPECT_EQ(service_->stats("b")->keys, 60U);
  ASSERT_TRUE(service_->with("b", Missing::refuse, [](const Store& store) -> Result<void> {
    const auto gone = store.remove("other");
    return gone ? Result<void>() : gone.error();
  }));
  EXPECT_THAT(keys("b", "o"), ElementsAre());
  EXPECT_EQ(service_->stats("b")->keys, 59U);
}

TEST_P(ServiceTest, PagesHoldEachKeyOnce) {
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(set("b", "k" + std::to_string(i)));
  ASSERT_TRUE(set("b", "other"));
  std::vector<std::string> seen;
  std::string after;
  for (bool more = true; more;) {
    const auto page = service_->page("b", "k", after, 10);
    ASSERT_TRUE(page);
    seen.insert(seen.end(), page->keys.begin(), page->keys.end());
    after = seen.back();
    more = page->more;
  }
  EXPECT_EQ(seen.size(), 25U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_THAT(service_->page("b", "k1", "", 100, "k1?")->keys.size(), 10);
}

TEST_P(ServiceTest, WhatHasEndedIsNotListedAndGoesAway) {
  ASSERT_TRUE(set("b", "ends", Millis{1000}));
  ASSERT_TRUE(set("b", "stays"));
  EXPECT_THAT(keys("b"), ElementsAre("ends", "stays"));
  EXPECT_TRUE(wait_until([&] { return keys("b").size() == 1; }, 10s));
  // From the store too: removed by the server, or marked by the sweep.
  const nats::Bucket bucket(nats::JetStream(connection_), "b");
  EXPECT_TRUE(wait_until(
      [&] {
        const auto last = bucket.last("ends", nats::Bucket::Read::leader);
        return last && (!*last || (*last)->mark != nats::Mark::value);
      },
      10s));
}

TEST_P(ServiceTest, ABucketMadeAnewIsNoticed) {
  ASSERT_TRUE(set("b", "old"));
  EXPECT_THAT(keys("b"), ElementsAre("old"));
  const nats::Bucket bucket(nats::JetStream(connection_), "b");
  ASSERT_TRUE(bucket.destroy());
  ASSERT_TRUE(set("b", "new")) << "made again by the write";
  EXPECT_THAT(keys("b"), ElementsAre("new"));
  ASSERT_TRUE(bucket.destroy());
  ASSERT_TRUE(bucket.create({.history = 3}));
  EXPECT_THAT(keys("b"), ElementsAre());
}

// A server may still have the files of the one that was deleted (pkg/nats/leftovers.hpp).
TEST_P(ServiceTest, ABucketMadeAtOnceAgainIsEmpty) {
  for (int round = 0; round < 12; ++round) {
    ASSERT_TRUE(set("b", "old-" + std::to_string(round)));
    ASSERT_TRUE(service_->delete_bucket("b"));
    const auto made = service_->create_bucket("b", {});
    ASSERT_TRUE(made) << describe(made.error());
    EXPECT_THAT(keys("b"), ElementsAre()) << "in round " << round;
    ASSERT_TRUE(service_->delete_bucket("b"));
  }
}

TEST_P(ServiceTest, BucketsAreMadeListedAndDeleted) {
  const auto made = service_->create_bucket("b", {.history = 5, .ttl = Millis{60'000}});
  ASSERT_TRUE(made) << describe(made.error());
  EXPECT_EQ(made->config.history, 5);
  EXPECT_TRUE(service_->create_bucket("b", {.history = 5, .ttl = Millis{60'000}}));
  EXPECT_EQ(service_->create_bucket("b", {.history = 6}).error().reason, "bucket_exists");
  EXPECT_EQ(service_->create_bucket("no good", {}).error().reason, "bad_bucket_name");
  EXPECT_EQ(service_->create_bucket("weir-leader", {}).error().reason, "reserved_bucket");
  EXPECT_EQ(set("weir-leader", "k").error().reason, "reserved_bucket");
  ASSERT_EQ(service_->buckets()->size(), 1U);
  EXPECT_TRUE(service_->delete_bucket("b"));
  EXPECT_EQ(service_->delete_bucket("b").error().reason, "bucket_not_found");
}

TEST_P(ServiceTest, ListsGoOnAfterARestartOfNats) {
  ASSERT_TRUE(set("b", "one"));
  EXPECT_THAT(keys("b"), ElementsAre("one"));
  server_->stop();
  EXPECT_EQ(service_->page("b", "", "", 10).error().code, Code::unavailable);
  server_->start();
  ASSERT_TRUE(wait_until([&] { return bool(set("b", "two")); }, 20s));
  ASSERT_TRUE(wait_until([&] { return bool(service_->page("b", "", "", 10)); }, 20s));
  EXPECT_THAT(keys("b"), ElementsAre("one", "two"));
}

WEIR_ON_EVERY_SERVER(ServiceTest);

}  // namespace
}  // namespace weir::kv
