#include "api/http/event_stream.hpp"

#include <gtest/gtest.h>

namespace weir::http {
namespace {

TEST(EventFrame, IsOneEventWhateverItsTexts) {
  struct Case {
    StreamEvent event;
    std::string frame;
  };
  const Case cases[] = {
      {{.data = "x"}, "data: x\n\n"},
      {{.id = "7-1", .type = "a.b", .data = "{}"}, "id: 7-1\nevent: a.b\ndata: {}\n\n"},
      {{.data = "one\ntwo\r\nthree\rfour"}, "data: one\ndata: two\ndata: three\ndata: four\n\n"},
      {{.data = ""}, "data: \n\n"},
      {{.data = "x\n"}, "data: x\ndata: \n\n"},
      {{.id = "1\nevent: forged", .type = "t\r\n\r\ndata: x", .data = "y"},
       "id: 1event: forged\nevent: tdata: x\ndata: y\n\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(event_frame(c.event), c.frame);
}

struct QueueTest : testing::Test {
  std::string take(std::size_t bytes = 1000) {
    const auto batch = queue.take(bytes);
    std::string out;
    for (const auto& frame : batch.frames) out += *frame;
    ended = batch.ended;
    overflowed = batch.overflowed;
    return out;
  }
  SubscriberQueue queue{{.max_bytes = 10, .max_frames = 3}};
  bool ended = false;
  bool overflowed = false;
};

TEST_F(QueueTest, KeepsTheOrderAndWakesOnce) {
  int woken = 0;
  queue.attach([&] { ++woken; });
  EXPECT_TRUE(queue.push(std::string("a")));
  EXPECT_EQ(woken, 0) << "nobody waits yet";
  EXPECT_EQ(take(), "a");
  EXPECT_EQ(take(), "");
  EXPECT_TRUE(queue.push(std::string("b")));
  EXPECT_TRUE(queue.push(std::string("c")));
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(take(1), "b");
  EXPECT_EQ(take(1), "c");
}

TEST_F(QueueTest, OffersLeaveAGapAndTheSubscriberLivesOn) {
  using Offered = SubscriberQueue::Offered;
  SubscriberQueue gaps({.max_bytes = 10, .max_frames = 100},
                       [](std::uint64_t dropped) { return "<" + std::to_string(dropped) + ">"; });
  const auto offer = [&gaps](std::string text) {
    return gaps.offer(std::make_shared<const std::string>(std::move(text)));
  };
  const auto taken = [&gaps](std::size_t bytes) {
    std::string out;
    for (const auto& frame : gaps.take(bytes).frames) out += *frame;
    return out;
  };
  EXPECT_EQ(offer("0123456789ABC"), Offered::queued) << "too large, but nothing else waits";
  EXPECT_EQ(offer("a"), Offered::dropped);
  EXPECT_EQ(taken(1), "0123456789ABC");
  EXPECT_EQ(taken(100), "<1>") << "after what was queued";
  EXPECT_EQ(offer("bbbb"), Offered::queued);
  EXPECT_EQ(offer("cccc"), Offered::queued);
  EXPECT_EQ(offer("ddddd"), Offered::dropped);
  EXPECT_EQ(offer("e"), Offered::dropped) << "it would fit, but not in its place";
  EXPECT_FALSE(gaps.roomy());
  EXPECT_EQ(taken(1), "bbbb");
  EXPECT_EQ(offer("f"), Offered::queued) << "half is free";
  EXPECT_EQ(taken(100), "cccc<2>f");
  EXPECT_EQ(gaps.dropped_total(), 3U);
  gaps.abandon();
  EXPECT_EQ(offer("g"), Offered::gone);
}

TEST_F(QueueTest, ASlowSubscriberGetsWhatIsQueuedAndThenTheEnd) {
  EXPECT_TRUE(queue.push(std::string("12345678")));
  EXPECT_FALSE(queue.push(std::string("901")));
  EXPECT_FALSE(queue.push(std::string("x"))) << "it is over";
  EXPECT_TRUE(queue.closed());
  EXPECT_LE(queue.queued_bytes(), 10U);
  EXPECT_EQ(take(), "12345678");
  EXPECT_TRUE(ended);
  EXPECT_TRUE(overflowed);
}

TEST_F(QueueTest, CountsFramesToo) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(queue.push(std::string("a")));
  EXPECT_FALSE(queue.push(std::string("a")));
}

TEST_F(QueueTest, TakesAFrameOverItsLimitsWhenNothingElseWaits) {
  EXPECT_TRUE(queue.push(std::string(100, 'x')));
  EXPECT_EQ(take().size(), 100U);
  EXPECT_FALSE(ended);
}

TEST_F(QueueTest, SaysWhenThereIsRoom) {
  int room = 0;
  queue.on_room([&] { ++room; });
  EXPECT_EQ(room, 1) << "at once when there is";
  EXPECT_TRUE(queue.push(std::string("1234567")));
  queue.on_room([&] { ++room; });
  EXPECT_EQ(room, 1);
  take();
  EXPECT_EQ(room, 2);
  take();
  EXPECT_EQ(room, 2);
}

TEST_F(QueueTest, WhoWouldRatherWaitComesAgain) {
  using Tried = SubscriberQueue::Tried;
  int room = 0;
  const auto again = [&] { ++room; };
  EXPECT_EQ(queue.try_push("123456"), Tried::queued);
  EXPECT_EQ(queue.try_push("7"), Tried::full) << "the other half is for push()";
  queue.on_room(again);
  queue.on_room(again);
  EXPECT_EQ(room, 0);
  EXPECT_TRUE(queue.push(std::string("8")));
  EXPECT_EQ(take(), "1234568");
  EXPECT_EQ(room, 2) << "everybody who waited";
  queue.finish();
  EXPECT_EQ(queue.try_push("9"), Tried::gone);
}

TEST_F(QueueTest, AFrameThatNeedsAnEmptyQueueWaitsForThat) {
  using Tried = SubscriberQueue::Tried;
  int room = 0;
  EXPECT_EQ(queue.try_push("1"), Tried::queued);
  EXPECT_EQ(queue.try_push(std::string(100, 'x')), Tried::full);
  queue.on_room([&] { ++room; });
  EXPECT_EQ(room, 0) << "there is room, but not for that";
  EXPECT_EQ(take(), "1");
  EXPECT_EQ(room, 1);
  EXPECT_EQ(queue.try_push(std::string(100, 'x')), Tried::queued);
}

TEST_F(QueueTest, FinishesAfterWhatIsQueued) {
  EXPECT_TRUE(queue.push(std::string("a")));
  queue.finish();
  EXPECT_FALSE(queue.push(std::string("b")));
  EXPECT_EQ(take(), "a");
  EXPECT_TRUE(ended);
  EXPECT_FALSE(overflowed);
}

TEST_F(QueueTest, TellsItsProducerWhenTheSubscriberIsGone) {
  int closed = 0;
  int room = 0;
  EXPECT_TRUE(queue.push(std::string("123456")));
  queue.on_room([&] { ++room; });
  queue.on_closed([&] { ++closed; });
  queue.abandon();
  queue.abandon();
  EXPECT_EQ(closed, 1);
  EXPECT_EQ(room, 0);
  EXPECT_FALSE(queue.push(std::string("a")));
  EXPECT_EQ(queue.queued_bytes(), 0U);
  queue.on_closed([&] { ++closed; });
  EXPECT_EQ(closed, 2) << "who asks later is told at once";
}

}  // namespace
}  // namespace weir::http
