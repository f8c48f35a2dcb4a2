// A book of feeds against every server: one feed a name, and when it ends.
#include "pkg/nats/feed_book.hpp"

#include <atomic>

#include "tests/integration/nats/link.hpp"

namespace weir::nats {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Silent final : public Watcher {
 public:
  Taken take(const Change&) override { return Taken::yes; }
  void on_room(std::function<void()> room) override { room(); }
  void ended() override { ended_ = true; }
  bool has_ended() const { return ended_; }

 private:
  std::atomic<bool> ended_{false};
};

class FeedBookTest : public OnEveryServer {
 protected:
  void SetUp() override {
    start();
    connection_ = connected();
    make();
  }
  // A stream with the shortest of names.
  void make() const {
    const auto made = JetStream(connection_).ensure_stream({.name = "f", .subjects = {"f.>"}});
    ASSERT_TRUE(made) << describe(made.error());
  }
  std::shared_ptr<Feed> get() {
    const JetStream jetstream(connection_);
    const auto info = jetstream.stream_info("f");
    EXPECT_TRUE(info) << describe(info.error());
    auto feed = book_.get("f",
                          {.bucket = Bucket::over(jetstream, "f", ""),
                           .made = made_text(info->created),
                           .change_of =
                               [](BucketRecord record) {
                                 Change change;
                                 change.revision = record.revision;
                                 return change;
                               }},
                          info->last_sequence);
    EXPECT_TRUE(feed) << describe(feed.error());
    return feed ? *feed : nullptr;
  }

  std::shared_ptr<Connection> connection_;
  ManualClock clock_;
  FeedBook book_{clock_, 30s};
};

TEST_P(FeedBookTest, AFeedIsKeptWhileItIsUsed) {
  const auto feed = get();
  const auto watcher = std::make_shared<Silent>();
  feed->watch({}, 0, watcher);
  EXPECT_EQ(book_.watchers(), 1U);
  clock_.advance(1h);
  EXPECT_THAT(book_.tend(), IsEmpty());
  EXPECT_EQ(get(), feed);
  feed->remove(watcher.get());
  clock_.advance(31s);
  EXPECT_THAT(book_.tend(), IsEmpty());
  EXPECT_NE(get(), feed) << "idle for too long";
  EXPECT_FALSE(watcher->has_ended());
}

TEST_P(FeedBookTest, AFeedEndsWithItsStream) {
  const auto watcher = std::make_shared<Silent>();
  get()->watch({}, 0, watcher);
  ASSERT_TRUE(JetStream(connection_).delete_stream("f"));
  EXPECT_THAT(book_.tend(), ElementsAre("f"));
  EXPECT_TRUE(watcher->has_ended());
  EXPECT_THAT(book_.tend(), IsEmpty());
}

TEST_P(FeedBookTest, AStreamMadeAnewIsAnotherOne) {
  const auto watcher = std::make_shared<Silent>();
  const auto feed = get();
  feed->watch({}, 0, watcher);
  ASSERT_TRUE(JetStream(connection_).delete_stream("f"));
  ASSERT_TRUE(wait_removed("f"));
  make();
  EXPECT_NE(get(), feed);
  EXPECT_TRUE(watcher->has_ended());
}

TEST_P(FeedBookTest, StopsAndStarts) {
  const auto watcher = std::make_shared<Silent>();
  get()->watch({}, 0, watcher);
  book_.stop();
  EXPECT_TRUE(watcher->has_ended());
  EXPECT_EQ(book_
                .get("f",
                     {.bucket = Bucket::over(JetStream(connection_), "f", ""),
                      .made = "",
                      .change_of = {}},
                     0)
                .error()
                .reason,
            "shutting_down");
  book_.start();
  EXPECT_NE(get(), nullptr);
}

WEIR_ON_EVERY_SERVER(FeedBookTest);

}  // namespace
}  // namespace weir::nats
