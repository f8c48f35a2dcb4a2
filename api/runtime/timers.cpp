#include "api/runtime/timers.hpp"

#include <algorithm>

namespace weir::api {
namespace {

constexpr std::chrono::seconds kLongestNap{60};

}  // namespace

Result<void> Timers::start() {
  const std::lock_guard lock(mutex_);
  if (thread_.joinable()) return {};
  stopping_ = false;
  thread_ = std::thread([this] { loop(); });
  return {};
}

void Timers::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Timers::Id Timers::set(MonoTime when, std::function<void()> callback) {
  bool is_first = false;
  Id id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = ++last_id_;
    is_first = by_time_.empty() || when < by_time_.begin()->first;
    by_time_.emplace(when, id);
    callbacks_.emplace(id, std::move(callback));
  }
  if (is_first) changed_.notify_all();
  return id;
}

bool Timers::cancel(Id id) {
  std::function<void()> dropped;  // destroyed outside the lock
  const std::lock_guard lock(mutex_);
  const auto found = callbacks_.find(id);
  if (found == callbacks_.end()) return false;
  dropped = std::move(found->second);
  callbacks_.erase(found);
  // The entry in by_time_ is left to be skipped when due, unless such entries are the majority.
  if (by_time_.size() > 64 && by_time_.size() > 2 * callbacks_.size()) {
    std::erase_if(by_time_, [&](const auto& entry) { return !callbacks_.contains(entry.second); });
  }
  return true;
}

void Timers::run_due() {
  const MonoTime now = clock_.mono();
  for (;;) {
    std::function<void()> callback;
    {
      const std::lock_guard lock(mutex_);
      if (by_time_.empty() || by_time_.begin()->first > now) return;
      const Id id = by_time_.begin()->second;
      by_time_.erase(by_time_.begin());
      const auto found = callbacks_.find(id);
      if (found == callbacks_.end()) continue;
      callback = std::move(found->second);
      callbacks_.erase(found);
    }
    callback();
  }
}

std::size_t Timers::pending() const {
  const std::lock_guard lock(mutex_);
  return callbacks_.size();
}

void Timers::loop() {
  for (;;) {
    run_due();
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    const auto nap = by_time_.empty() ? MonoTime::duration(kLongestNap)
                                      : by_time_.begin()->first - clock_.mono();
    if (nap.count() > 0) {
      changed_.wait_for(lock, std::min<MonoTime::duration>(nap, kLongestNap));
    }
    if (stopping_) return;
  }
}

}  // namespace weir::api
