#include "pkg/replica/hubs.hpp"

#include <algorithm>

namespace weir::replica {

// --- WaiterHub -----------------------------------------------------------------------------------

void WaiterHub::open(const std::string& id, Deliver deliver) {
  auto shared = std::make_shared<Deliver>(std::move(deliver));
  const std::lock_guard lock(mutex_);
  waiters_[id] = std::move(shared);
}

void WaiterHub::close(const std::string& id) {
  std::shared_ptr<Deliver> gone;  // destroyed outside of the lock
  const std::lock_guard lock(mutex_);
  const auto found = waiters_.find(id);
  if (found == waiters_.end()) return;
  gone = std::move(found->second);
  waiters_.erase(found);
}

void WaiterHub::deliver(std::vector<Delivery> deliveries, Revision orphans_after) {
  for (auto& delivery : deliveries) {
    std::shared_ptr<Deliver> waiter;
    {
      const std::lock_guard lock(mutex_);
      const auto found = waiters_.find(delivery.waiter);
      if (found != waiters_.end()) waiter = found->second;
    }
    if (waiter) {
      (*waiter)(std::move(delivery.json));
    } else if (orphan_ && delivery.revision > orphans_after) {
      orphan_(std::move(delivery.json));
    }
  }
}

// --- WatchHub ------------------------------------------------------------------------------------

struct WatchHub::Handle {
  Handle(std::weak_ptr<WatchHub> of, std::string name, std::shared_ptr<Changed> call)
      : hub(std::move(of)), key(std::move(name)), changed(std::move(call)) {}
  ~Handle() {
    if (auto alive = hub.lock()) alive->remove(key, changed);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  std::weak_ptr<WatchHub> hub;
  std::string key;
  std::shared_ptr<Changed> changed;
};

std::shared_ptr<void> WatchHub::watch(const std::string& key, Changed changed) {
  auto shared = std::make_shared<Changed>(std::move(changed));
  auto handle = std::make_shared<Handle>(weak_from_this(), key, shared);
  const std::lock_guard lock(mutex_);
  watchers_.emplace(key, std::move(shared));
  count_.fetch_add(1);
  return handle;
}

void WatchHub::remove(const std::string& key, const std::shared_ptr<Changed>& changed) {
  const std::lock_guard lock(mutex_);
  const auto [from, to] = watchers_.equal_range(key);
  const auto found =
      std::find_if(from, to, [&](const auto& watcher) { return watcher.second == changed; });
  if (found == to) return;
  watchers_.erase(found);
  count_.fetch_sub(1);
}

void WatchHub::notify(const AppliedBatch& batch) {
  if (!anyone_watches()) return;
  std::vector<std::shared_ptr<Changed>> called;
  {
    const std::lock_guard lock(mutex_);
    if (batch.touches_dropped) {
      for (const auto& [key, changed] : watchers_) called.push_back(changed);
    }
    for (const auto& key : batch.touched) {
      const auto [from, to] = watchers_.equal_range(key);
      for (auto at = from; at != to; ++at) called.push_back(at->second);
    }
  }
  for (const auto& changed : called) (*changed)();
}

// --- ListenHub -----------------------------------------------------------------------------------

std::shared_ptr<void> ListenHub::listen(Listener listener) {
  auto shared = std::make_shared<Listener>(std::move(listener));
  const std::lock_guard lock(mutex_);
  listeners_.push_back(shared);
  count_.fetch_add(1);
  return {shared.get(), [weak = weak_from_this(), shared](void*) {
            if (const auto hub = weak.lock()) hub->remove(shared);
          }};
}

void ListenHub::remove(const std::shared_ptr<Listener>& listener) {
  const std::lock_guard lock(mutex_);
  count_.fetch_sub(std::erase(listeners_, listener));
}

void ListenHub::notify(const AppliedBatch& batch) {
  if (!anyone_listens() || batch.entries == 0) return;
  std::vector<std::shared_ptr<Listener>> called;
  {
    const std::lock_guard lock(mutex_);
    called = listeners_;
  }
  const EventBatch events{batch.first, batch.last, !batch.publications_dropped, batch.published};
  for (const auto& listener : called) (*listener)(events);
}

// --- RevisionWaiters -----------------------------------------------------------------------------

void RevisionWaiters::add(Revision revision, MonoTime deadline, Done done) {
  {
    const std::lock_guard lock(mutex_);
    // Counted before `applied_` is looked at: applied() does the two in the other order.
    count_.fetch_add(1);
    if (applied_.load() < revision) {
      waiters_.emplace(revision, Waiter{deadline, std::move(done)});
      return;
    }
    count_.fetch_sub(1);
  }
  done({});
}

void RevisionWaiters::applied(Revision revision) {
  applied_.store(revision);
  if (count_.load() == 0) return;
  std::vector<Done> ready;
  {
    const std::lock_guard lock(mutex_);
    const auto end = waiters_.upper_bound(revision);
    for (auto at = waiters_.begin(); at != end; ++at) ready.push_back(std::move(at->second.done));
    waiters_.erase(waiters_.begin(), end);
    count_.fetch_sub(ready.size());
  }
  for (const auto& done : ready) done({});
}

void RevisionWaiters::expire(MonoTime now) {
  std::vector<std::pair<Revision, Done>> over;
  {
    const std::lock_guard lock(mutex_);
    for (auto at = waiters_.begin(); at != waiters_.end();) {
      if (at->second.deadline > now) {
        ++at;
        continue;
      }
      over.emplace_back(at->first, std::move(at->second.done));
      at = waiters_.erase(at);
    }
    count_.fetch_sub(over.size());
  }
  for (const auto& [revision, done] : over) {
    done(Error{.code = Code::deadline_exceeded,
               .reason = "revision_not_reached",
               .message = "This coordinator has not applied the revision yet",
               .details = "revision " + std::to_string(revision) + ", applied " +
                          std::to_string(applied_.load()),
               .retry_after = Millis{1'000}});
  }
}

std::optional<MonoTime> RevisionWaiters::next_deadline() const {
  if (count_.load() == 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  std::optional<MonoTime> first;
  for (const auto& [revision, waiter] : waiters_) {
    first = first ? std::min(*first, waiter.deadline) : waiter.deadline;
  }
  return first;
}

void RevisionWaiters::fail_all(const Error& error) {
  std::multimap<Revision, Waiter> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(waiters_);
    count_.store(0);
  }
  for (const auto& [revision, waiter] : all) waiter.done(error);
}

}  // namespace weir::replica
