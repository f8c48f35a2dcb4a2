#include "api/http/subscriber_queue.hpp"

#include <utility>

namespace weir::http {

std::function<void()> SubscriberQueue::add(Frame frame) {
  bytes_ += frame->size();
  frames_.push_back(std::move(frame));
  return std::exchange(idle_, false) ? wake_ : nullptr;
}

bool SubscriberQueue::push(Frame frame) {
  std::function<void()> wake;
  bool queued = false;
  {
    const std::lock_guard lock(mutex_);
    if (gone_ || finished_) return false;
    queued = fits(frame) || frames_.empty();
    if (queued) {
      wake = add(std::move(frame));
    } else {
      finished_ = overflowed_ = true;
      if (std::exchange(idle_, false)) wake = wake_;
    }
  }
  if (wake) wake();
  return queued;
}

SubscriberQueue::Offered SubscriberQueue::offer(Frame frame) {
  std::function<void()> wake;
  {
    const std::lock_guard lock(mutex_);
    if (gone_ || finished_) return Offered::gone;
    if (dropped_ > 0 || !(fits(frame) || frames_.empty())) {
      ++dropped_;
      ++dropped_total_;
      return Offered::dropped;
    }
    wake = add(std::move(frame));
  }
  if (wake) wake();
  return Offered::queued;
}

SubscriberQueue::Tried SubscriberQueue::try_push(std::string text) {
  auto frame = std::make_shared<const std::string>(std::move(text));
  std::function<void()> wake;
  {
    const std::lock_guard lock(mutex_);
    if (gone_ || finished_) return Tried::gone;
    if (!frames_.empty() && !(has_room() && fits(frame))) {
      needs_empty_ = needs_empty_ || has_room();
      return Tried::full;
    }
    wake = add(std::move(frame));
  }
  if (wake) wake();
  return Tried::queued;
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
    if (!may_come_again()) {
      rooms_.push_back(std::move(room));
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

bool SubscriberQueue::roomy() const {
  const std::lock_guard lock(mutex_);
  return has_room();
}

std::uint64_t SubscriberQueue::dropped_total() const {
  const std::lock_guard lock(mutex_);
  return dropped_total_;
}

void SubscriberQueue::attach(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

SubscriberQueue::Batch SubscriberQueue::take(std::size_t max_bytes) {
  Batch batch;
  std::vector<std::function<void()>> rooms;
  {
    const std::lock_guard lock(mutex_);
    std::size_t taken = 0;
    while (!frames_.empty() && taken < max_bytes) {
      taken += frames_.front()->size();
      batch.frames.push_back(std::move(frames_.front()));
      frames_.pop_front();
    }
    bytes_ -= taken;
    if (dropped_ > 0 && has_room()) {
      const auto missing = std::exchange(dropped_, 0);
      if (gap_ != nullptr && !gone_) add(std::make_shared<const std::string>(gap_(missing)));
    }
    batch.ended = frames_.empty() && (finished_ || gone_);
    batch.overflowed = batch.ended && overflowed_;
    idle_ = batch.frames.empty() && !batch.ended;
    if (may_come_again()) {
      needs_empty_ = false;
      rooms.swap(rooms_);
    }
  }
  for (const auto& room : rooms) room();
  return batch;
}

void SubscriberQueue::abandon() {
  std::function<void()> closed;
  std::deque<Frame> dropped;
  std::vector<std::function<void()>> rooms;
  std::function<void()> wake;
  {
    const std::lock_guard lock(mutex_);
    if (gone_) return;
    gone_ = true;
    idle_ = false;
    bytes_ = 0;
    dropped.swap(frames_);
    closed.swap(closed_);
    rooms.swap(rooms_);  // destroyed outside of the lock, like what it holds
    wake.swap(wake_);
  }
  if (closed) closed();
}

}  // namespace weir::http
