#include "jobs/schedule_book.hpp"

#include "jobs/queue_book.hpp"

namespace weir::jobs {

void ScheduleBook::load(sqlite::Database& db) {
  auto first = db.prepare(
      "SELECT next_at FROM job_schedules INDEXED BY job_schedules_next"
      " WHERE next_at IS NOT NULL ORDER BY next_at LIMIT 1");
  next_due_ = first.step() ? first.int64(0) : kNever;
  changed_ = false;
}

}  // namespace weir::jobs
