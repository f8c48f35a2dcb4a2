// Watching keys: everything once, in order, whoever writes and however late one comes.
#include "pkg/nats/feed.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "tests/integration/kv/service_fixture.hpp"

namespace weir::kv {
namespace {

using namespace std::chrono_literals;
using test::wait_until;
using testing::ElementsAre;

class Recorder final : public nats::Watcher {
 public:
  explicit Recorder(std::size_t room = SIZE_MAX) : room_(room) {}

  Taken take(const nats::Change& change) override {
    const std::lock_guard lock(mutex_);
    if (room_ == 0) return Taken::full;
    --room_;
    heard_.push_back(std::string(change.operation) +
                     (change.key.empty() ? "" : " " + change.key + "@") +
                     std::to_string(change.revision));
    last_id_ = change.id;
    if (change.key.empty()) return Taken::yes;
    revisions_.push_back(change.revision);
    return Taken::yes;
  }
  void on_room(std::function<void()> room) override {
    {
      const std::lock_guard lock(mutex_);
      if (room_ == 0) {
        waiting_ = std::move(room);
        return;
      }
    }
    room();
  }
  void ended() override { ended_ = true; }

  void make_room(std::size_t room) {
    std::function<void()> waiting;
    {
      const std::lock_guard lock(mutex_);
      room_ = room;
      waiting.swap(waiting_);
    }
    if (waiting) waiting();
  }
  std::vector<std::string> heard() const {
    const std::lock_guard lock(mutex_);
    return heard_;
  }
  std::vector<std::uint64_t> revisions() const {
    const std::lock_guard lock(mutex_);
    return revisions_;
  }
  std::string last_id() const {
    const std::lock_guard lock(mutex_);
    return last_id_;
  }
  bool is_ended() const { return ended_; }
  bool is_waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_ != nullptr;
  }

 private:
  mutable std::mutex mutex_;
  std::size_t room_;
  std::function<void()> waiting_;
  std::vector<std::string> heard_;
  std::vector<std::uint64_t> revisions_;
  std::string last_id_;
  std::atomic<bool> ended_{false};
};

class WatchTest : public OnBuckets {
 protected:
  void set(const std::string& key, const std::string& value = "1") {
    const auto done = service_->with("b", Missing::create, [&](const Store& store) -> Result<void> {
      const auto put = store.put(key, value, std::nullopt);
      return put ? Result<void>() : put.error();
    });
    EXPECT_TRUE(done) << describe(done.error());
  }
  void make(int history) { ASSERT_TRUE(service_->create_bucket("b", {.history = history})); }
  std::shared_ptr<Recorder> watch(nats::WatchRequest request,
                                  std::shared_ptr<Recorder> recorder = nullptr) {
    if (!recorder) recorder = std::make_shared<Recorder>();
    const auto feed = service_->feed("b");
    EXPECT_TRUE(feed) << describe(feed.error());
    if (!feed) return recorder;
    const auto info = (*feed)->source().bucket.info();
    EXPECT_TRUE(info);
    (*feed)->watch(std::move(request), info->last_revision, recorder);
    return recorder;
  }
  static bool hears(const Recorder& recorder, std::size_t count) {
    return wait_until([&] { return recorder.heard().size() >= count; });
  }
};

TEST_P(WatchTest, WhatIsThereThenReadyThenChanges) {
  EXPECT_EQ(service_->feed("b").error().reason, "bucket_not_found");
  set("a");
  set("user:1");
  const auto all = watch({});
  const auto users = watch({.prefix = "user:"});
  const auto one = watch({.key = "user:1"});
  const auto later = watch({.after = 2});
  for (const auto& each : {all, users, one, later}) ASSERT_TRUE(hears(*each, 1));
  ASSERT_TRUE(hears(*all, 3));
  set("user:2");
  ASSERT_TRUE(service_->with("b", Missing::refuse, [](const Store& store) -> Result<void> {
    const auto gone = store.remove("user:1");
    return gone ? Result<void>() : gone.error();
  }));
  ASSERT_TRUE(connection_->request("$KV.b.other", "text", 2s));
  ASSERT_TRUE(hears(*all, 6));
  EXPECT_THAT(all->heard(), ElementsAre("put a@1", "put user:1@2", "ready2", "put user:2@3",
                                        "delete user:1@4", "put other@5"));
  ASSERT_TRUE(hears(*users, 4));
  EXPECT_THAT(users->heard(),
              ElementsAre("put user:1@2", "ready2", "put user:2@3", "delete user:1@4"));
  ASSERT_TRUE(hears(*one, 3));
  EXPECT_THAT(one->heard(), ElementsAre("put user:1@2", "ready2", "delete user:1@4"));
  ASSERT_TRUE(hears(*later, 4));
  EXPECT_THAT(later->heard(),
              ElementsAre("ready2", "put user:2@3", "delete user:1@4", "put other@5"));
}

// Watchers come at every moment while others write; each hears every revision after its own.
TEST_P(WatchTest, NoGapAndNoDuplicateHoweverLate) {
  make(64);
  constexpr int kWriters = 3;
  constexpr int kEach = 150;
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < kEach; ++i) set("k" + std::to_string(w) + "." + std::to_string(i % 5));
    });
  }
  std::vector<std::pair<std::uint64_t, std::shared_ptr<Recorder>>> watchers;
  for (std::uint64_t i = 0; i < 20; ++i) {
    watchers.emplace_back(i * 10, watch({.after = i * 10}));
  }
  for (auto& writer : writers) writer.join();
  constexpr std::uint64_t kLast = kWriters * kEach;
  for (const auto& [after, watcher] : watchers) {
    ASSERT_TRUE(wait_until([&, from = after] {
      return watcher->revisions().size() >= kLast - from;
    })) << watcher->revisions().size();
    const auto revisions = watcher->revisions();
    ASSERT_EQ(revisions.size(), kLast - after);
    for (std::uint64_t i = 0; i < revisions.size(); ++i) ASSERT_EQ(revisions[i], after + i + 1);
  }
}

TEST_P(WatchTest, WhoTakesNoMoreGoesOnWhereItWas) {
  make(64);
  for (int i = 0; i < 10; ++i) set("k");
  const auto slow = watch({}, std::make_shared<Recorder>(4));
  const auto quick = watch({});
  ASSERT_TRUE(wait_until([&] { return slow->is_waiting(); }));
  for (int i = 0; i < 10; ++i) set("k");
  ASSERT_TRUE(hears(*quick, 21)) << "nobody waits for the slow one";
  EXPECT_EQ(slow->heard().size(), 4U);
  slow->make_room(10);
  ASSERT_TRUE(wait_until([&] { return slow->is_waiting(); }));
  EXPECT_EQ(slow->heard().size(), 14U);
  slow->make_room(100);
  ASSERT_TRUE(hears(*slow, 21));
  set("k");
  ASSERT_TRUE(hears(*slow, 22));
  const auto revisions = slow->revisions();
  for (std::uint64_t i = 0; i < revisions.size(); ++i) ASSERT_EQ(revisions[i], i + 1);
}

TEST_P(WatchTest, SurvivesTheServersRestart) {
  make(64);
  set("k");
  const auto watcher = watch({});
  ASSERT_TRUE(hears(*watcher, 2));
  server_->stop();
  server_->start();
  ASSERT_TRUE(wait_until([&] {
    return service_
        ->with("b", Missing::refuse,
               [](const Store& store) -> Result<void> {
                 const auto put = store.put("k", "2", std::nullopt);
                 return put ? Result<void>() : put.error();
               })
        .has_value();
  }));
  set("k");
  ASSERT_TRUE(wait_until([&] { return watcher->revisions().size() >= 3; }));
  const auto revisions = watcher->revisions();
  for (std::uint64_t i = 0; i < revisions.size(); ++i) EXPECT_EQ(revisions[i], i + 1);
}

TEST_P(WatchTest, EndsWithItsBucketAndKnowsTheNextOne) {
  set("a");
  const auto deleted = watch({});
  ASSERT_TRUE(hears(*deleted, 2));
  const auto old_id = deleted->last_id();
  ASSERT_TRUE(service_->delete_bucket("b"));
  EXPECT_TRUE(deleted->is_ended());
  ASSERT_TRUE(wait_removed("KV_b"));
  set("a");
  const auto watcher = watch({});
  ASSERT_TRUE(hears(*watcher, 2));
  const auto info = (*service_->feed("b"))->source().bucket.info();
  ASSERT_TRUE(info);
  const auto parse = [&](std::string_view text) {
    return nats::parse_position(text, nats::made_text(info->created), info->last_revision);
  };
  EXPECT_TRUE(parse(old_id)->other_stream);
  EXPECT_FALSE(parse(watcher->last_id())->other_stream);
  EXPECT_EQ(parse(watcher->last_id())->revision, 1U);
  EXPECT_TRUE(parse("2")->other_stream) << "not there yet";
  for (const auto* text : {"", "x", "1x", "-1", "1.2"}) EXPECT_FALSE(parse(text)) << text;
  // Somebody else deletes it.
  ASSERT_TRUE(nats::JetStream(connection_).delete_stream("KV_b"));
  EXPECT_TRUE(wait_until([&] { return watcher->is_ended(); }));
  ASSERT_TRUE(wait_removed("KV_b"));
  set("a");
  const auto again = watch({.after = 0, .reset = true});
  ASSERT_TRUE(hears(*again, 3));
  EXPECT_THAT(again->heard(), ElementsAre("reset0", "put a@1", "ready1"));
}

TEST_P(WatchTest, TheDefaultBucketCanBeWatchedBeforeItsFirstKey) {
  const auto feed = service_->feed(kDefaultBucket);
  ASSERT_TRUE(feed) << describe(feed.error());
  const auto recorder = std::make_shared<Recorder>();
  (*feed)->watch({}, 0, recorder);
  ASSERT_TRUE(hears(*recorder, 1));
  ASSERT_TRUE(
      service_->with(kDefaultBucket, Missing::create, [](const Store& store) -> Result<void> {
        WEIR_TRY(store.put("a", "1", std::nullopt));
        return {};
      }));
  ASSERT_TRUE(hears(*recorder, 2));
  EXPECT_THAT(recorder->heard(), ElementsAre("ready0", "put a@1"));
}

TEST_P(WatchTest, RemovedOnesHearNoMore) {
  set("a");
  const auto gone = watch({});
  const auto stays = watch({});
  ASSERT_TRUE(hears(*gone, 2));
  EXPECT_EQ(service_->watchers(), 2U);
  (*service_->feed("b"))->remove(gone.get());
  EXPECT_EQ(service_->watchers(), 1U);
  set("b");
  ASSERT_TRUE(hears(*stays, 3));
  EXPECT_EQ(gone->heard().size(), 2U);
  service_->stop();
  EXPECT_TRUE(stays->is_ended());
  EXPECT_EQ(service_->feed("b").error().reason, "shutting_down");
}

WEIR_ON_EVERY_SERVER(WatchTest);

}  // namespace
}  // namespace weir::kv
