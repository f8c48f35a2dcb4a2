// What the leader proposes for schedules: it reads which are due, finds out by the calendar which
// runs that means and when the next one is, and proposes jobs.schedule_fire for each.
#pragma once

#include "jobs/schedule.hpp"
#include "pkg/replica/state_machine.hpp"

namespace weir::jobs {

// At most kSchedulesPerRound. `log_time` may be behind: the run a schedule waits for is always
// proposed, those after it only as far as `log_time`.
replica::Proposals due_schedules(sqlite::Database& db, Timestamp log_time);

}  // namespace weir::jobs
