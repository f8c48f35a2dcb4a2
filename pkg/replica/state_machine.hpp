// What a replica applies: the seam between the log (which knows nothing of jobs) and the state
// machines (which know nothing of the log). Several machines share a log and a SQLite file; an
// operation goes to the machine whose prefix its name carries ("jobs.submit" -> "jobs").
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"
#include "pkg/json/view.hpp"
#include "pkg/replica/state_digest.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::replica {

// Position in the log: the stream sequence of an entry. Grows, starts at 1.
using Revision = std::uint64_t;

// A state change as data. In the log: ["jobs.submit",{...}].
struct Operation {
  std::string name;  // prefix, dot, verb
  std::string body;  // a valid JSON object; numbers, ids and random values chosen by the proposer
  // A JSON object: who asks for it. Then the machine `audit` is told of it (audit_record.hpp).
  std::string actor = {};
  // Members that the body begins with when the operation was kept in the outbox, each with its
  // comma: its client was told that it is accepted before the log decided. Not in the log itself.
  std::string_view when_kept = {};  // static text
};

// Delivered after commit to whatever on THIS node waits for it; never part of the state.
class Outbound {
 public:
  virtual ~Outbound() = default;
  // To the parked request `waiter` of `node` (lease waiters). Dropped when that is another node.
  virtual void deliver(std::string_view node, std::string_view waiter, std::string json) = 0;
  // Something watched changed (a job ended). Cheap when nobody watches. Keys: "job:<id>".
  virtual void touch(std::string_view key) = 0;
  virtual bool anyone_watches() const = 0;
  // An event for those on this node who listen to everything that happens. Making it costs, so ask
  // first whether anyone listens; that must not change what is applied.
  virtual void publish(std::string json) { (void)json; }
  virtual bool anyone_listens() const { return false; }
};

// An outside action owed by an applied entry: a message to publish with Nats-Msg-Id = id.
// Rows of table sys_effects, written in the same transaction, performed by the leader, in order.
struct Effect {
  std::string subject;
  std::string headers_json;  // {"Name":"value"} or empty
  std::string body;
};

// Everything apply() may use. No clock, no randomness, no I/O beyond `db`.
struct ApplyContext {
  sqlite::Database& db;  // inside the entry's transaction
  Revision revision;     // of the entry being applied
  Timestamp now;         // JetStream's timestamp of the entry, made monotonic over the log
  bool wants_reply;      // this node proposed the operation and somebody waits for the answer
  Outbound& outbound;
  const std::function<void(Effect)>& add_effect;
  // What is mixed into it all replicas must mix into theirs (digest_book.hpp): what changes, as far
  // as outcomes, effects and deliveries do not show it. May be null.
  StateDigest* trail = nullptr;
};

// What a machine wants the leader to propose.
struct Proposals {
  std::vector<Operation> operations;
  std::string problem;  // why there are fewer than there should be, for the log; else empty
};

// A log that is written to has an entry more often than this, or has nothing due.
inline constexpr Millis kLogGap{2'000};

// Threads: all members run on the applier thread (or one at a time in the simulation), except where
// said. Memory a machine keeps (counters, caches) must be a pure function of its tables: it is
// rebuilt by open() at start and after a failed transaction.
class StateMachine {
 public:
  virtual ~StateMachine() = default;

  virtual std::string_view prefix() const = 0;
  virtual std::span<const sqlite::Migration> migrations() const = 0;

  // After migrations and before the first apply(), and again after a rolled back transaction:
  // (re)load memory from the tables. Runs inside a read or transaction of `db`.
  virtual void open(sqlite::Database& db) = 0;

  // Applies one operation. Deterministic. The value is the answer for the proposer (any JSON text;
  // may be empty when !wants_reply). An Error is an answer too ("lease_lost"): it means that the
  // operation changed nothing. An operation name that the machine does not know is
  // Error{internal, "unknown_operation"}: the replica then stops applying and says so.
  // sqlite::Failure may pass through: the whole transaction is rolled back and tried again.
  virtual Result<std::string> apply(const Operation& operation, json::View body,
                                    ApplyContext& context) = 0;

  // Before the operations of an entry that comes at least kLogGap after the one before: all that
  // time nothing was written, be it that nobody wanted to or that nobody could. context.now is the
  // time of the entry, context.wants_reply false.
  virtual void after_gap(Millis gap, ApplyContext& context) { (void)gap, (void)context; }

  // End of a transaction of one or more entries, still inside it: write dirty counters.
  virtual void before_commit(sqlite::Database& db) { (void)db; }
  // The transaction is durable: publish read-side caches.
  virtual void after_commit() {}

  // When the next tick is due (a lease expires, a delayed job becomes ready, retention), if ever.
  // The leader then proposes "<prefix>.tick" with body {}.
  virtual std::optional<Timestamp> next_due() const { return std::nullopt; }

  // Work that needs more than the tables (a calendar), so that apply() cannot do it alone: when the
  // leader asks for proposals() next, if ever.
  virtual std::optional<Timestamp> next_proposal() const { return std::nullopt; }
  // The operations that are due, made from a read of the tables; `log_time` is at least the time of
  // the newest entry. Bounded: while next_proposal() stays due it is asked again. Runs on the
  // leader's thread beside apply(), so it uses `db` only. Other entries, and another leader's same
  // operations, may be applied before these: they say what they were made from, and change nothing
  // when that is over.
  virtual Proposals proposals(sqlite::Database& db, Timestamp log_time) const {
    (void)db, (void)log_time;
    return {};
  }
};

}  // namespace weir::replica
