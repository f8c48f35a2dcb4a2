// Instance: one coordinator's part in one replicated log. It owns the log connection, the SQLite
// file, the applier thread, the proposer, the tick leader and the effects of one shard; nothing
// here is global, so N shards are N instances. It knows no jobs.
//
// Lifecycle: make() -> start() -> ... -> stop(). Thread-safe after start() unless said otherwise.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/base/ids.hpp"
#include "pkg/base/service.hpp"
#include "pkg/replica/leadership.hpp"
#include "pkg/replica/snapshots.hpp"
#include "pkg/replica/state_machine.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::replica {

// The answer to an applied operation.
struct Reply {
  std::string json;       // what the state machine answered
  Revision revision = 0;  // of the entry that carried it
  bool kept = false;      // it is in the outbox: durable here, applied when the log is back
};
// Called exactly once, from the applier thread (or from the caller of propose() when refused at
// once). Must not block.
using ReplyHandler = std::function<void(Result<Reply>)>;

// What waits for the log to come back.
struct OutboxHealth {
  std::uint64_t operations = 0;
  std::uint64_t bytes = 0;
  std::uint64_t max_bytes = 0;  // 0: there is no outbox
  std::uint64_t drained = 0;    // operations since start
};

// What the replicas know of each other's state (digest_book.hpp).
struct DigestHealth {
  Revision checkpoint = 0;  // the newest revision at which they compare; 0: none yet
  bool diverged = false;    // this one is wrong, and has stopped
  std::string differing;    // ids of others that are wrong, or that dispute it; empty: none
};

enum class Role : std::uint8_t { follower, leader };

struct Health {
  bool log_connected = false;  // NATS reachable
  bool applying = false;       // caught up and applying; false with `problem` when stopped
  bool resyncing = false;      // its state is built anew (Instance::resync())
  std::string problem;         // why it stopped serving, for people; empty when fine
  Role role = Role::follower;
  Revision applied = 0;
  Revision log_last = 0;     // last revision known in the log
  Timestamp applied_time{};  // log time of `applied`
  std::size_t proposals_waiting = 0;
  std::size_t effects_waiting = 0;
  std::int64_t database_bytes = 0;
  OutboxHealth outbox = {};
  DigestHealth digest = {};
  // The earliest that a machine waits for, as of the last commit; Timestamp::max(): nothing.
  Timestamp next_due = Timestamp::max();
};

// Counters since start, for /metrics and /stats.
struct Totals {
  std::uint64_t entries_proposed = 0;
  std::uint64_t operations_proposed = 0;
  std::uint64_t entries_applied = 0;
  std::uint64_t operations_applied = 0;
  std::uint64_t transactions = 0;
  std::uint64_t apply_us = 0;  // time spent inside apply and commit, microseconds
  std::uint64_t publish_retries = 0;
  std::uint64_t effects_done = 0;
  std::uint64_t entries_healed = 0;  // stored in the log again, which had lost them
};

// An event that a machine published while it applied the entry at `revision`.
struct Publication {
  Revision revision = 0;
  std::string json;
};
// What was published by the entries from `first` to `last`. Batches follow each other without a gap
// while one listens.
struct EventBatch {
  Revision first = 0;
  Revision last = 0;
  bool complete = true;  // false: it began before anybody listened, its events are missing
  const std::vector<Publication>& events;
};

class Instance : public Service {
 public:
  // Appends an operation to the log and hands the answer to `done` once it is applied and committed
  // here. Errors: unavailable / nats_unavailable (not connected: nothing happened),
  // too_many_requests / proposer_full, deadline_exceeded / outcome_unknown, and whatever the state
  // machine answered. Operations of one caller thread are applied in the order of the calls.
  virtual void propose(Operation operation, ReplyHandler done) = 0;

  // As propose(). While the log cannot be reached or is full, and until what was kept before is in
  // it, the operation is kept in the outbox instead and answered with Reply::kept and its own body.
  // Once the log is back such an answer is held until the outbox is empty, for some seconds at
  // most, and is then as that of propose(). Only for operations that may be applied late and more
  // than once: submits with ids, reports under a lease. More errors: out_of_space / outbox_full.
  virtual void propose_or_keep(Operation operation, ReplyHandler done) {
    propose(std::move(operation), std::move(done));
  }

  // A consistent local read. `db` is a read-only snapshot at least as new as everything this node
  // has acknowledged. Blocks: call from a pool thread.
  virtual Result<Revision> read(const std::function<Result<void>(sqlite::Database& db)>& body) = 0;

  // Calls `done` when `revision` is applied here, or with deadline_exceeded / revision_not_reached.
  virtual void when_applied(Revision revision, MonoTime deadline,
                            std::function<void(Result<void>)> done) = 0;

  // Parked requests. The id names the waiter in operations, together with node_id(). `deliver` is
  // called for each delivery, from the applier thread, until close_waiter(). A delivery for an
  // unknown waiter goes to the orphan handler (it releases the leases).
  virtual void open_waiter(const std::string& id,
                           std::function<void(std::string json)> deliver) = 0;
  virtual void close_waiter(const std::string& id) = 0;
  virtual void set_orphan_handler(
      std::function<void(std::string json)> handler) = 0;  // before start()

  // Calls `changed` (applier thread, must not block) each time a machine touches `key`, until the
  // returned handle dies.
  virtual std::shared_ptr<void> watch(const std::string& key, std::function<void()> changed) = 0;

  // Null when nothing stores snapshots.
  virtual Snapshots* snapshots() { return nullptr; }

  // Calls `heard` (applier thread, must not block) after each commit, until the returned handle
  // dies; a call that began before may still run.
  virtual std::shared_ptr<void> listen(std::function<void(const EventBatch&)> heard) = 0;

  // Before stop(), while it still answers: another node leads as soon as it can.
  virtual void resign() {}

  // Null when nobody leads here.
  virtual Leadership* leadership() { return nullptr; }

  // Drops the state of this node and builds it anew, from the newest snapshot and what the log has
  // after it; also after it stopped because its state differed. `begun` is called once (from the
  // applier thread) when what it is built from is in place, or with why nothing was dropped: then
  // it goes on as before. Until it has caught up, Health::resyncing says so, nothing is proposed
  // and nothing is read. Errors: unavailable / nats_unavailable, replica_starting, replica_stopped,
  // replica_resyncing; conflict / log_replaced, nothing_to_resync_from; out_of_space / disk_full.
  virtual bool resyncing() const { return false; }  // cheap
  virtual void resync(std::function<void(Result<void>)> begun) {
    begun(Error{Code::unavailable, "replica_stopped", "There is no replica here", ""});
  }

  virtual const std::string& node_id()
      const = 0;                      // stable over restarts: kept in the data directory
  virtual Health health() const = 0;  // never blocks
  virtual Totals totals() const = 0;
};

}  // namespace weir::replica
