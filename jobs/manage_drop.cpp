// Deleting a queue with everything in it.
#include "jobs/finish.hpp"
#include "jobs/limits.hpp"
#include "jobs/manage.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {

// What follows the end of a job looks at its row, and at its queue: a job that is revoked is
// forgotten by the next operation, and the queue goes with the first one that finds it empty.
Result<std::string> Manager::drop_queue(json::View body) {
  WEIR_ASSIGN(Queue * queue, get_queue(body));
  const auto everything = step_.state.next_row;
  const bool running = queue->count(Status::processing) > 0;
  std::int64_t purged = purge_ready(*queue, everything, kPurgeRows);
  for (const auto status : kStatuses) {
    if (status == Status::unprocessed || status == Status::processing) continue;
    if (running && is_finished(status)) continue;
    purged += purge_others(*queue, status, everything, kPurgeRows - purged);
  }
  step_.count(Total::removed, purged);
  if (running) {
    auto rows = step_.db.prepare(
        "SELECT row,priority,parts FROM jobs INDEXED BY jobs_state"
        " WHERE status=3 AND status<>2 AND queue=?1 ORDER BY at LIMIT ?2");
    rows.bind_all(queue->id, kPurgeRows);
    for (const auto& row : take_rows(rows)) Finisher(step_, 0).revoke(row.row);
  }
  if (purged == 0 && !running) return remove_queue(body);
  json::Writer out(96);
  return out.begin_object()
      .member("purged", purged)
      .member("more", true)
      .member("before", everything)
      .member("revision", step_.revision)
      .end_object()
      .take();
}

}  // namespace weir::jobs
