// Who on this node waits for what the applier brings: parked requests (WaiterHub), watchers of keys
// (WatchHub), readers of a revision (RevisionWaiters). All thread-safe; nobody is called under a
// lock.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "pkg/replica/applier_core.hpp"

namespace weir::replica {

class WaiterHub {
 public:
  using Deliver = std::function<void(std::string json)>;

  void set_orphan_handler(Deliver handler) { orphan_ = std::move(handler); }  // before threads
  void open(const std::string& id, Deliver deliver);
  void close(const std::string& id);  // a call that began before may still run
  // Each delivery goes to its waiter or, when nobody has that id, to the orphan handler.
  void deliver(std::vector<Delivery> deliveries, Revision orphans_after);

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Deliver>> waiters_;
  Deliver orphan_;
};

class WatchHub : public std::enable_shared_from_this<WatchHub> {
 public:
  using Changed = std::function<void()>;

  std::shared_ptr<void> watch(const std::string& key, Changed changed);
  bool anyone_watches() const { return count_.load() > 0; }
  // After a commit. Also right for who began to watch while it ran.
  void notify(const AppliedBatch& batch);

 private:
  struct Handle;
  void remove(const std::string& key, const std::shared_ptr<Changed>& changed);

  std::atomic<std::size_t> count_{0};  // free when nobody watches
  std::mutex mutex_;
  std::unordered_multimap<std::string, std::shared_ptr<Changed>> watchers_;
};

// Who listens to the events of everything that is applied.
class ListenHub : public std::enable_shared_from_this<ListenHub> {
 public:
  using Listener = std::function<void(const EventBatch& batch)>;

  std::shared_ptr<void> listen(Listener listener);
  bool anyone_listens() const { return count_.load() > 0; }
  void notify(const AppliedBatch& batch);  // after a commit

 private:
  void remove(const std::shared_ptr<Listener>& listener);

  std::atomic<std::size_t> count_{0};
  std::mutex mutex_;
  std::vector<std::shared_ptr<Listener>> listeners_;
};

class RevisionWaiters {
 public:
  using Done = std::function<void(Result<void>)>;

  // Calls `done` at once when `revision` is applied already.
  void add(Revision revision, MonoTime deadline, Done done);
  void applied(Revision revision);
  // Answers deadline_exceeded / revision_not_reached to those whose time is over.
  void expire(MonoTime now);
  std::optional<MonoTime> next_deadline() const;
  void fail_all(const Error& error);

 private:
  struct Waiter {
    MonoTime deadline;
    Done done;
  };
  std::atomic<Revision> applied_{0};
  std::atomic<std::size_t> count_{0};
  mutable std::mutex mutex_;
  std::multimap<Revision, Waiter> waiters_;
};

}  // namespace weir::replica
