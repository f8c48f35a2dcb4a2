// What the parts of the machine share: its memory (State), and one operation being applied (Step).
//
// Thread rule: the applier thread only, except StatsBoard.
#pragma once

#include <string>
#include <string_view>

#include "jobs/lease_book.hpp"
#include "jobs/queue_book.hpp"
#include "jobs/stats.hpp"
#include "jobs/waiter_book.hpp"
#include "jobs/worker_book.hpp"
#include "pkg/replica/state_machine.hpp"

namespace weir::jobs {

// Everything here can be rebuilt from the tables (load).
struct State {
  QueueBook queues;
  WorkerBook workers;
  LeaseBook leases;
  WaiterBook waiters;
  Totals totals{};
  std::int64_t next_row = 1;  // jobs.row of the next job: never used twice

  void load(sqlite::Database& db);
  void save(sqlite::Database& db);

 private:
  Totals saved_totals_{};
  std::int64_t saved_next_row_ = 0;
};

// One operation being applied.
struct Step {
  Step(State& s, replica::ApplyContext& c)
      : state(s),
        context(c),
        db(c.db),
        now(to_unix_ms(c.now)),
        revision(static_cast<std::int64_t>(c.revision)) {}

  State& state;
  replica::ApplyContext& context;
  sqlite::Database& db;
  const std::int64_t now;  // unix ms, of the log
  const std::int64_t revision;

  void count(Total total, std::int64_t by = 1) {
    state.totals[static_cast<std::size_t>(total)] += by;
  }
  // The job ended: wakes who waits for it.
  void touch(std::string_view id) {
    if (context.outbound.anyone_watches()) context.outbound.touch("job:" + std::string(id));
  }
};

Error job_not_found(std::string_view id);
Error queue_not_found(std::string_view name);
Error lease_lost();

}  // namespace weir::jobs
