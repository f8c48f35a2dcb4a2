// ParkedLeases: lease and work requests that may wait for a job. A request that finds nothing ready
// becomes a replicated waiter; here its client is kept, without a thread, until a job is delivered,
// the time is over, or the client goes away.
//
// Every path ends in exactly one answer, and no delivered job is lost: what arrives when nobody can
// be answered any more is given back by jobs.release, which does not count the attempt.
//
// Thread-safe. The instance, the timers and this object outlive every request.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "api/core/call.hpp"
#include "api/runtime/timers.hpp"
#include "jobs/requests.hpp"
#include "pkg/base/clock.hpp"
#include "pkg/base/ids.hpp"
#include "pkg/replica/instance.hpp"

namespace weir::api {

// Who waits for a lease.
struct LeaseClient {
  // Takes the reply of the operation, with the jobs; called once, from any thread.
  std::function<void(Result<replica::Reply>)> answer;
  // Runs what it is given when the client goes away; empty: nobody is told.
  std::function<void(std::function<void()>)> on_closed = {};
};

class ParkedLeases {
 public:
  struct Parts {
    replica::Instance& instance;
    Timers& timers;
    const Clock& clock;
    Random& random;
  };
  explicit ParkedLeases(Parts parts) : parts_(parts) {}

  // A name for a waiter of this node, never used before.
  jobs::LeaseWaiter new_waiter();

  // Answers the call in another way, or gives false.
  using Instead = std::function<bool()>;
  // Proposes the request and answers the call now or later. When NATS is away and nothing happened,
  // `instead` may answer.
  void run(const Call& call, jobs::LeaseRequest request, const jobs::LeaseWaiter& waiter,
           Instead instead = {});
  void run(LeaseClient client, jobs::LeaseRequest request, const jobs::LeaseWaiter& waiter,
           Instead instead = {});

  // Answers every parked request, and each that would park from now on, as if its time were over:
  // for a graceful stop.
  void release_all();

  // For Instance::set_orphan_handler().
  void give_back(const std::string& delivered_json);

  std::size_t waiting() const;

 private:
  class Ticket;

  static void refuse(const LeaseClient& client, const Error& error, const Instead& instead);
  void park(LeaseClient client, jobs::LeaseRequest request, const jobs::LeaseWaiter& waiter,
            Instead instead);
  void forget(const std::string& waiter);

  Parts parts_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Ticket>> tickets_;  // by waiter
};

}  // namespace weir::api
