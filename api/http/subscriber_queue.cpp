#include "api/http/subscriber_queue.hpp"

#include <utility>

namespace weir::http {

bool SubscriberQueue::push(Frame frame) {
  std::function<void()> wake;
  bool queued = false;
  {
    const std::lock_guard lock(mutex_);
    if (gone_ || finished_) return false;
    const bool fits =
        bytes_ + frame->size() <= limits_.max_bytes && frames_.size() < limits_.max_frames;
    queued = fits || frames_.empty();
    if (queued) {
      bytes_ += frame->size();
      frames_.push_back(std::move(frame));
    } else {
      finished_ = overflowed_ = true;
    }
    if (std::exchange(idle_, false)) wake = wake_;
  }
  if (wake) wake();
  return queued;
}

void SubscriberQueue::finish() {
  std::function<void()> wake;
  {
    const std::lock_guard lock(mutex_);
    if (gone_ || finished_) return;
    finished_ = true;
    if (std::exchange(idle_, false)) wake = wake_;
  }
  if (wake) wake();
}

void SubscriberQueue::on_closed(std::function<void()> closed) {
  {
    const std::lock_guard lock(mutex_);
    if (!gone_) {
      closed_ = std::move(closed);
      return;
    }
  }
  closed();
}

void SubscriberQueue::on_room(std::function<void()> room) {
  {
    const std::lock_guard lock(mutex_);
    if (gone_) return;
    if (!has_room()) {
      room_ = std::move(room);
      return;
    }
  }
  room();
}

bool SubscriberQueue::closed() const {
  const std::lock_guard lock(mutex_);
  return gone_ || finished_;
}

std::size_t SubscriberQueue::queued_bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

void SubscriberQueue::attach(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

SubscriberQueue::Batch SubscriberQueue::take(std::size_t max_bytes) {
  Batch batch;
  std::function<void()> room;
  {
    const std::lock_guard lock(mutex_);
    std::size_t taken = 0;
    while (!frames_.empty() && taken < max_bytes) {
      taken += frames_.front()->size();
      batch.frames.push_back(std::move(frames_.front()));
      frames_.pop_front();
    }
    bytes_ -= taken;
    batch.ended = frames_.empty() && (finished_ || gone_);
    batch.overflowed = batch.ended && overflowed_;
    idle_ = batch.frames.empty() && !batch.ended;
    if (has_room()) room = std::exchange(room_, nullptr);
  }
  if (room) room();
  return batch;
}

void SubscriberQueue::abandon() {
  std::function<void()> closed;
  std::deque<Frame> dropped;
  std::function<void()> room;
  std::function<void()> wake;
  {
    const std::lock_guard lock(mutex_);
    if (gone_) return;
    gone_ = true;
    idle_ = false;
    bytes_ = 0;
    dropped.swap(frames_);
    closed.swap(closed_);
    room.swap(room_);  // destroyed outside of the lock, like what it holds
    wake.swap(wake_);
  }
  if (closed) closed();
}

}  // namespace weir::http
