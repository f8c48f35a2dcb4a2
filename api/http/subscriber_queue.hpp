// SubscriberQueue: what waits to be sent to one subscriber (an event stream, a WebSocket).
// Bounded: a producer never blocks and never holds more than the limits for a client that does not
// read. The policy for a slow one is the producer's choice: push() ends it (what is queued is still
// sent, then the overflow frame), offer() leaves a gap and says so, try_push() lets the producer
// wait. Frames are shared, so one event for a thousand subscribers is in memory once.
//
// Lifecycle: a producer makes it and hands it to the front (Responder::open_stream, open_socket),
// which attaches its connection; both sides hold it. Thread-safe. Callbacks run without a lock
// held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace weir::http {

class SubscriberQueue {
 public:
  using Frame = std::shared_ptr<const std::string>;

  struct Limits {
    std::size_t max_bytes = 256 * 1024;
    std::size_t max_frames = 4096;
  };

  // What tells the subscriber that `dropped` frames are missing here.
  using GapFrame = std::string (*)(std::uint64_t dropped);

  explicit SubscriberQueue(Limits limits, GapFrame gap = nullptr) : limits_(limits), gap_(gap) {}

  // --- producers ---
  // False: the subscriber is gone, ending or too slow; nothing more will be sent. A frame over the
  // limits passes when nothing else waits.
  bool push(Frame frame);
  bool push(std::string text) { return push(std::make_shared<const std::string>(std::move(text))); }
  enum class Offered : std::uint8_t { queued, dropped, gone };
  // As push(), but what does not fit is dropped and the subscriber lives on. After the first that
  // is dropped all are, until half of the limits is free: then the gap frame says how many.
  Offered offer(Frame frame);
  enum class Tried : std::uint8_t { queued, full, gone };
  // As push(), but takes no more than half of the limits, so that push() finds room still; what
  // does not fit is not taken: come again with on_room().
  Tried try_push(std::string text);
  // No more comes; what is queued is still sent.
  void finish();
  // Runs once when the subscriber is gone (any thread), at once when it is already.
  void on_closed(std::function<void()> closed);
  // Runs once when at most half of the limits waits (any thread), maybe at once; never after the
  // subscriber is gone. Several may wait.
  void on_room(std::function<void()> room);
  bool closed() const;
  std::size_t queued_bytes() const;

  // --- the front ---
  // `wake` runs when there is something to take after a take() that found nothing.
  void attach(std::function<void()> wake);
  struct Batch {
    std::vector<Frame> frames;
    bool ended = false;       // nothing comes after these frames
    bool overflowed = false;  // ended because the subscriber was too slow
  };
  // The oldest frames, about `max_bytes` of them.
  Batch take(std::size_t max_bytes);
  // At most half of the limits waits.
  bool roomy() const;
  std::uint64_t dropped_total() const;
  // The subscriber is gone: drops what waits, tells the producer.
  void abandon();

 private:
  bool has_room() const {
    return bytes_ <= limits_.max_bytes / 2 && frames_.size() <= limits_.max_frames / 2;
  }

  bool may_come_again() const { return needs_empty_ ? frames_.empty() : has_room(); }

  bool fits(const Frame& frame) const {
    return bytes_ + frame->size() <= limits_.max_bytes && frames_.size() < limits_.max_frames;
  }
  std::function<void()> add(Frame frame);  // under the lock; what it gives is called without

  const Limits limits_;
  const GapFrame gap_;
  mutable std::mutex mutex_;
  std::deque<Frame> frames_;
  std::size_t bytes_ = 0;
  std::uint64_t dropped_ = 0;  // since the last gap frame
  std::uint64_t dropped_total_ = 0;
  bool finished_ = false;
  bool overflowed_ = false;
  bool gone_ = false;
  bool needs_empty_ = false;  // a frame of try_push() fits into an empty queue only
  bool idle_ = false;         // the front waits for `wake_`
  std::function<void()> wake_;
  std::function<void()> closed_;
  std::vector<std::function<void()>> rooms_;
};

}  // namespace weir::http
