// Rooms against every server: order, history, deletion, followers.
#include "pkg/rooms/rooms.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "tests/integration/nats/link.hpp"

namespace weir::rooms {
namespace {

using namespace std::chrono_literals;
using test::wait_until;
using testing::ElementsAre;

class Recorder final : public nats::Watcher {
 public:
  Taken take(const nats::Change& change) override {
    const std::lock_guard lock(mutex_);
    if (closed_ && !change.key.empty()) return Taken::full;
    if (!change.key.empty())
      heard_.push_back(change.operation + "@" + std::to_string(change.revision));
    dropped_ += change.dropped;
    ready_ = ready_ || change.operation == "ready";
    return Taken::yes;
  }
  void on_room(std::function<void()> room) override {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return waiting_.push_back(std::move(room));
    }
    room();
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  void open() {
    std::vector<std::function<void()>> waiting;
    {
      const std::lock_guard lock(mutex_);
      closed_ = false;
      waiting.swap(waiting_);
    }
    for (const auto& room : waiting) room();
  }
  std::uint64_t dropped() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
  }
  void ended() override { ended_ = true; }
  bool is_ended() const { return ended_; }
  bool is_ready() const { return ready_; }
  std::vector<std::string> heard() const {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> heard_;              // guarded by mutex_
  std::vector<std::function<void()>> waiting_;  // guarded by mutex_
  std::uint64_t dropped_ = 0;                   // guarded by mutex_
  bool closed_ = false;                         // guarded by mutex_
  std::atomic<bool> ended_ = false;
  std::atomic<bool> ready_ = false;
};

class RoomsTest : public nats::OnEveryServer {
 protected:
  void SetUp() override {
    start();
    connection_ = connected();
    rooms_ = std::make_unique<Rooms>(connection_, clock_, random_, Rooms::Options{});
    ASSERT_TRUE(rooms_->start());
  }
  void TearDown() override { rooms_.reset(); }

  std::uint64_t say(std::string_view room, std::string_view type) {
    const auto done = rooms_->publish({.room = room, .type = type, .data = R"({"n":1})"});
    EXPECT_TRUE(done) << describe(done.error());
    return done ? done->offset : 0;
  }
  std::vector<std::string> types(const HistoryRequest& request) {
    const auto history = rooms_->history(request);
    EXPECT_TRUE(history) << describe(history.error());
    std::vector<std::string> out;
    if (!history) return out;
    for (const auto& event : history->events) out.push_back(event.type);
    return out;
  }
  std::vector<std::string> names() {
    const auto page = rooms_->page("", 100);
    EXPECT_TRUE(page) << describe(page.error());
    std::vector<std::string> out;
    if (!page) return out;
    for (const auto& room : page->rooms) out.push_back(room.name);
    return out;
  }
  std::shared_ptr<Recorder> follow(std::string_view room, std::uint64_t after) {
    auto recorder = std::make_shared<Recorder>();
    auto watch = rooms_->open_watch(room, after);
    EXPECT_TRUE(watch) << describe(watch.error());
    if (watch) watch->feed->watch(std::move(watch->request), watch->newest, recorder);
    return recorder;
  }

  SystemClock clock_;
  SystemRandom random_;
  std::shared_ptr<nats::Connection> connection_;
  std::unique_ptr<Rooms> rooms_;
};

TEST_P(RoomsTest, EventsInOrderAndByOffset) {
  EXPECT_EQ(rooms_->history({.room = "a room"}).error().reason, "room_not_found");
  EXPECT_EQ(say("a room", "message"), 1U);
  EXPECT_EQ(say("other", "message"), 2U);
  EXPECT_EQ(say("a room", "join"), 3U);
  EXPECT_EQ(say("a room", "leave"), 4U);
  EXPECT_THAT(types({.room = "a room"}), ElementsAre("message", "join", "leave"));
  EXPECT_THAT(types({.room = "a room", .from = 2}), ElementsAre("join", "leave"));
  EXPECT_THAT(types({.room = "a room", .from = 1, .to = 3}), ElementsAre("message", "join"));
  EXPECT_THAT(types({.room = "a room", .limit = 1}), ElementsAre("message"));
  const auto history = rooms_->history({.room = "a room", .limit = 1});
  ASSERT_TRUE(history);
  EXPECT_EQ(history->oldest, 1U);
  EXPECT_EQ(history->newest, 4U);
  EXPECT_EQ(history->events.at(0).room, "a room");
  EXPECT_EQ(history->events.at(0).data, R"({"n":1})");
  EXPECT_EQ(rooms_->offset_from_end("a room", 2).value(), 3U);
  EXPECT_EQ(rooms_->offset_from_end("a room", 50).value(), 1U);
  const auto stats = rooms_->stats("a room");
  ASSERT_TRUE(stats) << describe(stats.error());
  EXPECT_EQ(stats->events, 3U);
  EXPECT_EQ(stats->oldest, 1U);
  EXPECT_EQ(stats->newest, 4U);
}

TEST_P(RoomsTest, AreMadeAndDeleted) {
  EXPECT_EQ(rooms_->create("r").value(), true);
  EXPECT_EQ(rooms_->create("r").value(), false);
  say("other", "message");
  EXPECT_THAT(names(), ElementsAre("other", "r"));
  EXPECT_EQ(rooms_->page("other", 1)->rooms.at(0).name, "r");
  EXPECT_TRUE(rooms_->page("", 1)->more);
  const auto follower = follow("r", 0);
  ASSERT_TRUE(rooms_->remove("r"));
  EXPECT_EQ(rooms_->remove("r").error().reason, "room_not_found");
  EXPECT_EQ(rooms_->stats("r").error().reason, "room_not_found");
  EXPECT_THAT(names(), ElementsAre("other"));
  EXPECT_TRUE(wait_until([&] {
    const auto heard = follower->heard();
    return !heard.empty() && heard.back() == "room.deleted@3";
  }));
  EXPECT_EQ(rooms_->create("r").value(), true) << "again";
  EXPECT_THAT(names(), ElementsAre("other", "r"));
}

TEST_P(RoomsTest, FollowersGetEveryEventOnce) {
  say("r", "first");
  const auto all = follow("r", 0);
  const auto fresh = follow("r", Rooms::kFromNow);
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([this, w] {
      for (int i = 0; i < 50; ++i) say(w % 2 == 0 ? "r" : "other", "message");
    });
  }
  for (auto& writer : writers) writer.join();
  const auto late = follow("r", 1);
  ASSERT_TRUE(wait_until([&] { return all->heard().size() >= 101; }));
  ASSERT_TRUE(wait_until([&] { return fresh->heard().size() >= 100; }));
  ASSERT_TRUE(wait_until([&] { return late->heard().size() >= 100; }));
  EXPECT_EQ(all->heard().size(), 101U);
  EXPECT_EQ(all->heard().front(), "first@1");
  EXPECT_EQ(fresh->heard(), late->heard());
  std::vector<std::string> kept;
  const auto history = rooms_->history({.room = "r", .limit = 1000});
  ASSERT_TRUE(history);
  for (const auto& event : history->events)
    kept.push_back(event.type + "@" + std::to_string(event.offset));
  EXPECT_EQ(all->heard(), kept);
}

TEST_P(RoomsTest, CallsOfOneSubscriberShareWhatThereIs) {
  constexpr int kEvents = 60;
  for (int i = 0; i < kEvents; ++i) say(i % 3 == 0 ? "other" : "r", "message");
  std::mutex mutex;
  std::vector<std::uint64_t> got;  // guarded by mutex
  const auto take = [&] {
    for (;;) {
      const auto some = rooms_->consume({.room = "r", .subscriber = "s", .limit = 3});
      ASSERT_TRUE(some) << describe(some.error());
      if (some->events.empty()) return;
      const std::lock_guard lock(mutex);
      for (const auto& event : some->events) got.push_back(event.offset);
    }
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) readers.emplace_back(take);
  for (auto& reader : readers) reader.join();
  std::ranges::sort(got);
  std::vector<std::uint64_t> all;
  const auto kept = rooms_->history({.room = "r", .limit = 1000});
  ASSERT_TRUE(kept) << describe(kept.error());
  for (const auto& event : kept->events) all.push_back(event.offset);
  EXPECT_EQ(got, all) << "each event once";
  EXPECT_EQ(rooms_->consume({.room = "r", .subscriber = "other", .limit = 1})->events.size(), 1U);
  EXPECT_EQ(rooms_->consume({.room = "r", .subscriber = "s", .from = 5, .limit = 1})->next, 6U);
  EXPECT_EQ(rooms_->consume({.room = "r", .subscriber = "s", .limit = 1})->events.at(0).offset, 6U);
  EXPECT_EQ(rooms_->consume({.room = "r", .subscriber = ""}).error().reason, "bad_room");
  EXPECT_EQ(rooms_->consume({.room = "x", .subscriber = "s"}).error().reason, "room_not_found");
}

TEST_P(RoomsTest, AStreamThatWasDeletedIsMadeAnew) {
  EXPECT_EQ(say("r", "first"), 1U);
  say("r", "second");
  const auto before = follow("r", 2);
  ASSERT_TRUE(nats::JetStream(connection_, 2s).delete_stream(kStream));
  ASSERT_TRUE(wait_removed("ROOMS"));
  EXPECT_EQ(say("r", "anew"), 1U);
  EXPECT_THAT(names(), ElementsAre("r"));
  const auto after = follow("r", 2);  // an offset of the stream that is gone
  EXPECT_TRUE(wait_until([&] { return after->heard().size() == 1; }));
  EXPECT_THAT(after->heard(), ElementsAre("anew@1"));
  EXPECT_TRUE(wait_until([&] { return before->is_ended(); }));
}

TEST_P(RoomsTest, OnlyTheNewestEventsAreKept) {
  say("r", "first");
  const auto quick = follow("r", 0);
  const auto slow = follow("r", 0);
  ASSERT_TRUE(wait_until([&] { return slow->is_ready() && quick->is_ready(); }));
  slow->close();
  for (std::int64_t i = 0; i < kKeptEvents; ++i) {
    ASSERT_TRUE(connection_->publish("weir.rooms.r", "", "1", {}));
  }
  ASSERT_TRUE(wait_until([&] { return rooms_->stats("r")->newest == kKeptEvents + 1; }));
  const auto stats = rooms_->stats("r");
  EXPECT_EQ(stats->events, static_cast<std::uint64_t>(kKeptEvents));
  EXPECT_EQ(stats->oldest, 2U);
  EXPECT_EQ(rooms_->bytes("r").value(), static_cast<std::uint64_t>(kKeptEvents));
  EXPECT_EQ(rooms_->offset_from_end("r", 7).value(), kKeptEvents + 1 - 6);
  ASSERT_TRUE(wait_until([&] { return quick->heard().size() == kKeptEvents + 1; }));
  for (int i = 0; i < 30; ++i) say("r", "last");  // 2 to 31 go
  ASSERT_TRUE(wait_until([&] { return quick->heard().size() == kKeptEvents + 31; }));
  slow->open();
  ASSERT_TRUE(wait_until([&] { return slow->heard().size() == kKeptEvents + 1; }));
  EXPECT_EQ(slow->heard().at(1), "message@32");
  EXPECT_EQ(slow->heard().back(), "last@" + std::to_string(kKeptEvents + 31));
  EXPECT_TRUE(wait_until([&] { return slow->dropped() == 30; })) << slow->dropped();
  EXPECT_EQ(quick->dropped(), 0U);
}

TEST_P(RoomsTest, ManyFollowersAtOnceAskAFewTimes) {
  Rooms patient(connection_, clock_, random_, {.timeout = 10s});
  ASSERT_TRUE(patient.open_watch("r", 0));
  const auto observer = connected();
  std::atomic<int> asked = 0;
  const auto counting =
      observer->subscribe("$JS.API.STREAM.INFO.ROOMS", [&](const nats::Message&) { ++asked; });
  ASSERT_TRUE(counting);
  ASSERT_TRUE(nats::JetStream(observer, 2s).account_info());  // the server knows of it
  server_->suspend();
  constexpr int kFollowers = 32;
  std::atomic<int> begun = 0;
  std::atomic<int> good = 0;
  std::vector<std::thread> followers;
  for (int i = 0; i < kFollowers; ++i) {
    followers.emplace_back([&] {
      ++begun;
      if (patient.open_watch("r", 0)) ++good;
    });
  }
  EXPECT_TRUE(wait_until([&] { return begun == kFollowers; }));
  server_->resume();
  for (auto& follower : followers) follower.join();
  EXPECT_EQ(good, kFollowers);
  EXPECT_TRUE(wait_until([&] { return asked > 0; }));
  EXPECT_LT(asked, kFollowers / 2);
}

TEST_P(RoomsTest, WhatOthersPublishIsAnEventToo) {
  say("r", "message");
  ASSERT_TRUE(connection_->request("weir.rooms.r", "no JSON", 2s));
  const auto history = rooms_->history({.room = "r", .from = 2});
  ASSERT_TRUE(history);
  ASSERT_EQ(history->events.size(), 1U);
  EXPECT_EQ(history->events[0].type, "message");
  EXPECT_EQ(history->events[0].id, "evt_2");
  EXPECT_EQ(history->events[0].data, "\"no JSON\"");
}

TEST_P(RoomsTest, Refusals) {
  const std::string long_name(kMaxRoomBytes + 1, 'r');
  for (const std::string& room : {std::string(), long_name, std::string("\xff")}) {
    EXPECT_EQ(rooms_->publish({.room = room, .type = "t", .data = "1"}).error().reason, "bad_room");
    EXPECT_EQ(rooms_->open_watch(room, 0).error().reason, "bad_room");
  }
  const std::string long_type(kMaxTypeBytes + 1, 't');
  for (const std::string& type : {std::string(), long_type, std::string("a b"), std::string("\r\n"),
                                  std::string(kCreatedType), std::string(kDeletedType)})
    EXPECT_EQ(rooms_->publish({.room = "r", .type = type, .data = "1"}).error().reason,
              "bad_event_type");
  rooms_->stop();
  EXPECT_EQ(rooms_->create("r").error().reason, "shutting_down");
}

WEIR_ON_EVERY_SERVER(RoomsTest);

}  // namespace
}  // namespace weir::rooms
