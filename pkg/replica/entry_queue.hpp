// EntryQueue: entries on their way from the log to the applier, bounded by number and by bytes. One
// producer (it waits when the queue is full: the log's backpressure) and one consumer.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "pkg/replica/entry.hpp"

namespace weir::replica {

class EntryQueue {
 public:
  struct Bounds {
    std::size_t entries = 4'096;
    std::size_t bytes = 32U << 20U;
    std::size_t batch_entries = 512;  // of one pop()
    std::size_t batch_bytes = 4U << 20U;
  };

  explicit EntryQueue(Bounds bounds) : bounds_(bounds) {}

  // False when closed.
  bool push(DecodedEntry entry) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] {
      return closed_ || discarding_ || entries_.empty() ||
             (entries_.size() < bounds_.entries && bytes_ < bounds_.bytes);
    });
    if (closed_) return false;
    if (discarding_) return true;
    bytes_ += entry.data().size();
    entries_.push_back(std::move(entry));
    const bool first = entries_.size() == 1;
    lock.unlock();
    if (first) ready_.notify_one();
    return true;
  }

  // Everything that has arrived, up to the bounds of a batch; waits for the first. Empty: closed,
  // or wake() was called.
  std::vector<DecodedEntry> pop() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return closed_ || woken_ || !entries_.empty(); });
    std::vector<DecodedEntry> out;
    if (std::exchange(woken_, false) || closed_) return out;
    std::size_t taken = 0;
    while (!entries_.empty() && out.size() < bounds_.batch_entries && taken < bounds_.batch_bytes) {
      taken += entries_.front().data().size();
      out.push_back(std::move(entries_.front()));
      entries_.pop_front();
    }
    bytes_ -= taken;
    lock.unlock();
    room_.notify_one();
    return out;
  }

  // While `discard` is true everything is dropped, what is queued and what is pushed.
  void set_discard(bool discard) {
    {
      const std::lock_guard lock(mutex_);
      discarding_ = discard;
      if (discard) entries_.clear();
      if (discard) bytes_ = 0;
    }
    room_.notify_all();
  }

  // The next pop(), or one that waits, returns without an entry.
  void wake() {
    {
      const std::lock_guard lock(mutex_);
      woken_ = true;
    }
    ready_.notify_all();
  }

  // After close(): takes entries again, and has none.
  void reopen() {
    const std::lock_guard lock(mutex_);
    closed_ = false;
    entries_.clear();
    bytes_ = 0;
  }

  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    room_.notify_all();
    ready_.notify_all();
  }

 private:
  const Bounds bounds_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable ready_;
  std::deque<DecodedEntry> entries_;
  std::size_t bytes_ = 0;
  bool closed_ = false;
  bool discarding_ = false;
  bool woken_ = false;
};

}  // namespace weir::replica
