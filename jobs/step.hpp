// What the parts of the machine share: its memory (State), and one operation being applied (Step).
//
// Thread rule: the applier thread only, except StatsBoard.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/batch_book.hpp"
#include "jobs/event_book.hpp"
#include "jobs/job_row.hpp"
#include "jobs/lease_book.hpp"
#include "jobs/queue_book.hpp"
#include "jobs/schedule_book.hpp"
#include "jobs/stats.hpp"
#include "jobs/waiter_book.hpp"
#include "jobs/webhook_book.hpp"
#include "jobs/worker_book.hpp"
#include "pkg/replica/state_machine.hpp"

namespace weir::jobs {

// Everything here can be rebuilt from the tables (load).
struct State {
  QueueBook queues;
  WorkerBook workers;
  LeaseBook leases;
  WaiterBook waiters;
  EventBook events;
  WebhookBook webhooks;
  ScheduleBook schedules;
  BatchBook batches;
  TimesBoard* times = nullptr;  // set once; mirrors nothing
  Totals totals{};
  std::int64_t next_row = 1;  // jobs.row of the next job: never used twice
  std::int64_t changes = 0;   // of status, in the entry `revision`; numbers its events
  std::int64_t revision = 0;
  std::int64_t next_expiry = kNever;     // no job expires before; may be earlier than the truth
  std::int64_t next_retention = kNever;  // the same, of jobs with retention_ms to be forgotten
  std::int64_t next_redrive = kNever;    // when a redrive goes on; the same
  std::int64_t releases_owed = 0;  // rows of job_releases: parents that owe their end to children

  void load(sqlite::Database& db);
  void save(sqlite::Database& db);

 private:
  Totals saved_totals_{};
  std::int64_t saved_next_row_ = 0;
};

// A job changes its status. No `from`: it comes into being; no `to`: it is forgotten.
struct Change {
  std::int64_t row;
  Queue& queue;
  std::optional<Status> from;
  std::optional<Status> to;
  Cause cause;
  std::int64_t priority = 0;  // matters when a ready job comes or goes
  std::int64_t at = 0;        // the new jobs.at
  std::int64_t parts = 0;     // jobs.parts, at least its bits of kNoted
};

// A change that somebody wants to know of (jobs/events.hpp).
struct NotedChange {
  Change change;
  std::int64_t ordinal;        // among the changes of the entry, from 1
  std::optional<Job> removed;  // the job as it was, when it is being forgotten
  // Not a job's change but the end of this batch; change.queue is what its event belongs to.
  std::optional<JobBatch> batch = {};
};

// The API key that submits, when it has a quota (jobs/quota.hpp).
struct Owner {
  std::string key;
  std::int64_t max_waiting = 0;
};

// One operation being applied.
struct Step {
  Step(State& s, replica::ApplyContext& c)
      : state(s),
        context(c),
        db(c.db),
        now(to_unix_ms(c.now)),
        revision(static_cast<std::int64_t>(c.revision)),
        listened(c.outbound.anyone_listens()) {
    if (state.revision != revision) state.changes = 0;
    state.revision = revision;
  }

  State& state;
  replica::ApplyContext& context;
  sqlite::Database& db;
  const std::int64_t now;  // unix ms, of the log
  const std::int64_t revision;
  const bool listened;  // to events, on this node

  // The one place where a job changes its status: keeps the counters, and remembers the change when
  // something follows it or somebody wants to know. The caller writes the row, before the end of
  // the operation; a job that is forgotten still has its row now. `key`: the job's, from who knows
  // it; else it is read when it matters.
  void change(const Change& change, std::string_view key = {});
  // From now on something follows when the job changes its status; `bit` is one of kFollowed.
  void follow(std::int64_t row, std::int64_t bit);
  std::optional<Owner> owner;  // of the jobs that the operation submits
  bool accepted = false;       // its client was told so: no limit refuses what it submits
  std::int64_t follow_budget = kFollowRows;  // edges to children that may still be followed
  // The changes to follow, in order; grows while they are followed.
  std::deque<Change> changes;
  std::deque<NotedChange> noted;

  void count(Total total, std::int64_t by = 1) {
    state.totals[static_cast<std::size_t>(total)] += by;
  }
  // The job ended: wakes who waits for it.
  void touch(std::string_view id) {
    if (context.outbound.anyone_watches()) context.outbound.touch("job:" + std::string(id));
  }

 private:
  void mix(const Change& change);  // into the trail
  void note(const Change& change);
  void change_lane(const Change& change, std::string_view key);
  void change_target(const Change& change);
};

Error job_not_found(std::string_view id);
Error queue_not_found(std::string_view name);
Error lease_lost();

}  // namespace weir::jobs
