#include "jobs/tick.hpp"

#include <algorithm>
#include <tuple>

#include "jobs/batches.hpp"
#include "jobs/dependencies.hpp"
#include "jobs/expiry.hpp"
#include "jobs/finish.hpp"
#include "jobs/idempotency.hpp"
#include "jobs/job_row.hpp"
#include "jobs/own_retention.hpp"
#include "jobs/redrives.hpp"
#include "pkg/base/assert.hpp"
#include "pkg/base/ids.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {

std::string Ticker::apply() {
  expire_leases();
  expire_due(step_, kTickRows);
  pay_children(step_, kFollowRows);
  Batches(step_).visit_due(kTickRows);
  drop_outlived();
  Redrives(step_).run_due(kTickRows);
  visit_queues();
  step_.state.events.drop_old(step_.db, step_.now, kTickRows);
  step_.state.webhooks.drop_old(step_.db, step_.now, kTickRows);
  wake_rated();
  step_.state.waiters.drop_expired(step_.db, step_.now, kTickRows);
  drop_old_answers(step_, kTickRows);
  step_.state.workers.forget_idle(step_.db, step_.now);
  json::Writer out(96);
  out.begin_object()
      .member("expired", expired_)
      .member("due", due_)
      .member("removed", removed_)
      .end_object();
  return out.take();
}

void Ticker::expire_leases() {
  // A tick has no salt of its own; the entry's position is as good for spreading retries.
  Finisher finisher(step_, mix64(static_cast<std::uint64_t>(step_.revision)));
  while (budget_ > 0) {
    const auto [ends_at, row] = step_.state.leases.first();
    if (ends_at > step_.now) return;
    finisher.expire(row);
    ++expired_;
    --budget_;
  }
}

// Each tick begins with another queue and gives each its share, so that none starves. What a queue
// gets depends on the tables alone: next_due only saves looking at queues where nothing is due.
void Ticker::visit_queues() {
  std::vector<Queue*> queues;
  for (const auto& [id, queue] : step_.state.queues.all()) queues.push_back(queue.get());
  if (queues.empty()) return;
  const auto count = queues.size();
  const auto share =
      std::max<std::int64_t>(kTickRows / 10, kTickRows / static_cast<std::int64_t>(count));
  const auto first = static_cast<std::size_t>(step_.context.revision) % count;
  for (std::size_t i = 0; i < count && budget_ > 0; ++i) {
    Queue& queue = *queues[(first + i) % count];
    if (queue.next_due > step_.now) continue;
    make_due(queue, std::min(share, budget_));
    drop_old(queue, std::min(share, budget_));
    drop_excess(queue, std::min(share, budget_));
    QueueBook::refresh_due(step_.db, queue);
  }
}

// Waiters of a queue with a rate: a token may have come. All such queues, whatever their wake_at
// says: it is only a hint of this replica's memory.
void Ticker::wake_rated() {
  auto& queues = step_.state.queues;
  for (const auto& name : step_.state.waiters.queues()) {
    Queue* queue = queues.find(name);
    if (queue == nullptr || !queue->config.has_rate()) continue;
    queue->wake_at = kNever;
    queues.wake(*queue);
  }
  queues.drop_wakes(step_.now);
}

void Ticker::make_due(Queue& queue, std::int64_t limit) {
  std::vector<Due> rows;
  {
    auto due = step_.db.prepare(
        "SELECT row,priority,parts FROM jobs INDEXED BY jobs_state"
        " WHERE status=0 AND status<>2 AND queue=?1 AND at<=?2 ORDER BY at LIMIT ?3");
    due.bind_all(queue.id, step_.now, limit);
    while (due.step()) rows.push_back({due.int64(0), due.int64(1), due.int64(2)});
  }
  auto write = step_.db.prepare("UPDATE jobs SET status=2,at=NULL,revision=?2 WHERE row=?1");
  for (const auto& [row, priority, parts] : rows) {
    write.bind_all(row, step_.revision).run();
    step_.change({.row = row,
                  .queue = queue,
                  .from = Status::scheduled,
                  .to = Status::unprocessed,
                  .cause = Cause::due,
                  .priority = priority,
                  .parts = parts});
  }
  due_ += static_cast<std::int64_t>(rows.size());
  budget_ -= static_cast<std::int64_t>(rows.size());
}

void Ticker::drop_old(Queue& queue, std::int64_t limit) {
  for (const auto status : {Status::completed, Status::failed, Status::cancelled}) {
    std::vector<Old> rows;
    find_old(queue, status, step_.now - queue.retention_ms(status), limit, rows);
    limit -= static_cast<std::int64_t>(rows.size());
    drop(queue, rows);
  }
}

// Jobs that outlived their own retention.
void Ticker::drop_outlived() {
  for (const auto row : take_outlived(step_, budget_)) {
    const auto job = load_job(step_.db, row);
    WEIR_ASSERT(job.has_value());
    drop(step_.state.queues.get(job->queue),
         {{job->finished_at.value_or(0), row, job->parts, job->status}});
  }
}

// The oldest of all that ended, until the queue keeps as many as it may.
void Ticker::drop_excess(Queue& queue, std::int64_t limit) {
  if (!queue.over_retention()) return;
  const auto excess = std::min(limit, queue.retained() - queue.config.retention.count);
  std::vector<Old> rows;
  for (const auto status : {Status::completed, Status::failed, Status::cancelled}) {
    find_old(queue, status, step_.now, excess, rows);
  }
  std::sort(rows.begin(), rows.end(), [](const Old& a, const Old& b) {
    return std::tie(a.at, a.row) < std::tie(b.at, b.row);
  });
  if (rows.size() > static_cast<std::size_t>(excess)) rows.resize(static_cast<std::size_t>(excess));
  drop(queue, rows);
}

void Ticker::find_old(const Queue& queue, Status status, std::int64_t until, std::int64_t limit,
                      std::vector<Old>& out) {
  if (limit <= 0 || queue.count(status) == 0) return;
  auto rows = step_.db.prepare(
      "SELECT at,row,parts FROM jobs INDEXED BY jobs_state"
      " WHERE status=?1 AND status<>2 AND queue=?2 AND at<=?3 ORDER BY at LIMIT ?4");
  rows.bind_all(static_cast<std::int64_t>(status), queue.id, until, limit);
  while (rows.step()) out.push_back({rows.int64(0), rows.int64(1), rows.int64(2), status});
}

void Ticker::drop(Queue& queue, const std::vector<Old>& rows) {
  for (const auto& row : rows) {
    erase_job(step_.db, row.row, row.parts);
    step_.change({.row = row.row,
                  .queue = queue,
                  .from = row.status,
                  .to = std::nullopt,
                  .cause = Cause::retention,
                  .parts = row.parts});
  }
  step_.count(Total::removed, static_cast<std::int64_t>(rows.size()));
  removed_ += static_cast<std::int64_t>(rows.size());
  budget_ -= static_cast<std::int64_t>(rows.size());
}

}  // namespace weir::jobs
