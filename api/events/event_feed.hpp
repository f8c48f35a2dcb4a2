// EventFeed: who listens to lifecycle events over this coordinator (GET /v1/events). One listener
// on the replica for all of them, and none while nobody is there; a feed costs no thread.
//
// What is kept (queue config `events`) is replayed from the table in pages, then live events follow
// without a gap or a duplicate: the feed remembers up to which revision each subscriber has
// everything and keeps the newest batches; a subscriber that is behind those reads the table again.
// A slow subscriber is the queue's business (api/http/subscriber_queue.hpp).
//
// Lifecycle: construct -> subscribe() ... -> close_all(). Thread-safe. Outlives its subscribers'
// use of the workers; the instance outlives it.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/core/services.hpp"
#include "api/http/event_stream.hpp"
#include "jobs/event_query.hpp"
#include "pkg/auth/scope.hpp"

namespace weir::api {

struct EventRequest {
  jobs::EventFilter filter;
  std::optional<jobs::EventPosition> after;          // replay what follows; empty: live only
  std::shared_ptr<const auth::Principal> principal;  // whose queues may be seen
  bool until_finished = false;                       // end after an event that ends a job
};

class EventFeed : public std::enable_shared_from_this<EventFeed> {
 public:
  explicit EventFeed(Services& services) : services_(services) {}

  void subscribe(EventRequest request, const http::EventStream& stream);
  // Ends every stream; later ones end at once.
  void close_all();
  std::size_t subscribers() const;

 private:
  struct Subscriber;
  struct LiveEvent;
  using SubscriberPtr = std::shared_ptr<Subscriber>;

  void heard(const replica::EventBatch& batch);
  void catch_up(const SubscriberPtr& subscriber);
  void read_on(const SubscriberPtr& subscriber);
  bool go_live(const SubscriberPtr& subscriber, replica::Revision seen);
  void offer(Subscriber& subscriber, const LiveEvent& event) const;
  void remove(const Subscriber* subscriber);

  Services& services_;
  mutable std::mutex mutex_;
  std::vector<SubscriberPtr> subscribers_;  // guarded by mutex_
  std::deque<std::shared_ptr<const LiveEvent>>
      recent_;  // guarded by mutex_: complete after `recent_after_`
  std::optional<replica::Revision> recent_after_;  // guarded by mutex_
  replica::Revision heard_to_ = 0;                 // guarded by mutex_: the end of the newest batch
  std::shared_ptr<void> listening_;                // guarded by mutex_
  bool closed_ = false;                            // guarded by mutex_
};

// Whether an event with this word ends a job.
bool ends_job(std::string_view word);

}  // namespace weir::api
