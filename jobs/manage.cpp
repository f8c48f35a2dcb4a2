#include "jobs/manage.hpp"

#include "jobs/dependencies.hpp"
#include "jobs/expiry.hpp"
#include "jobs/submit.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {
namespace {

std::string text_of(json::View body, std::string_view name) {
  return body.find(name).as_string().value_or("");
}

Error wrong_status(const Job& job, std::string reason, std::string message) {
  return Error{Code::conflict, std::move(reason), std::move(message),
               "its status is " + std::string(to_string(job.status))};
}

}  // namespace

std::vector<Manager::Row> Manager::take_rows(sqlite::Statement& rows) {
  std::vector<Row> out;
  while (rows.step()) out.push_back({rows.int64(0), rows.int64(1), rows.int64(2)});
  return out;
}

Result<Job> Manager::get_job(json::View body) {
  const auto id = text_of(body, "id");
  auto job = find_job(step_.db, id);
  if (!job) return job_not_found(id);
  job->revision = step_.revision;
  return std::move(*job);
}

Result<Queue*> Manager::get_queue(json::View body) {
  const auto name = text_of(body, "queue");
  Queue* queue = step_.state.queues.find(name);
  if (queue == nullptr) return queue_not_found(name);
  return queue;
}

std::string Manager::job_reply(const Job& job, const Queue& queue) const {
  json::Writer out(192);
  out.begin_object()
      .member("id", job.id)
      .member("status", to_string(job.status))
      .member("queue", queue.name);
  if (job.cancel_at != 0) {
    out.member("cancel_requested", true).member("cancel_deadline", from_unix_ms(job.cancel_at));
  }
  out.member("revision", step_.revision).end_object();
  return out.take();
}

// --- jobs ----------------------------------------------------------------------------------------

Result<std::string> Manager::cancel(json::View body) {
  WEIR_ASSIGN(Job job, get_job(body));
  Queue& queue = step_.state.queues.get(job.queue);
  if (job.status == Status::cancelled) return job_reply(job, queue);
  if (is_finished(job.status)) {
    return wrong_status(job, "job_not_cancellable",
                        "Only a job that has not ended can be cancelled");
  }
  cancel_job(job, queue);
  return job_reply(job, queue);
}

// A job that has not ended: it ends now, or its worker is told.
void Manager::cancel_job(Job& job, Queue& queue) {
  const auto from = job.status;
  if (from == Status::processing) {
    if (job.cancel_at != 0) return;
    job.cancel_at = step_.now + kCancelGrace.count();
    step_.state.leases.set_cancel(job.row, *step_.state.leases.find(job.row), job.cancel_at);
    store_job(step_.db, job);
    return;
  }
  job.status = Status::cancelled;
  job.at = job.finished_at = step_.now;
  store_job(step_.db, job);
  step_.count(Total::cancelled);
  changed(job, queue, from, Cause::cancel, step_.now);
  step_.touch(job.id);
}

Result<std::string> Manager::retry(json::View body) {
  WEIR_ASSIGN(Job job, get_job(body));
  const auto new_id = body.find("as_new");
  if (!is_finished(job.status) || (job.status == Status::completed && new_id.is_missing())) {
    return wrong_status(job, "job_not_retryable",
                        "Only a failed, cancelled or dead job can be retried (as_new copies any "
                        "job that has ended)");
  }
  if ((job.parts & kFanOut) != 0 && new_id.is_missing()) {
    return wrong_status(job, "job_not_retryable",
                        "A job of all workers does not run itself: retry the jobs of its workers, "
                        "or copy it with as_new");
  }
  if (!new_id.is_missing()) return copy(job, new_id.as_string().value_or(""), body.find("payload"));
  Queue& queue = step_.state.queues.get(job.queue);
  run_again(job, queue);
  return job_reply(job, queue);
}

Result<std::string> Manager::copy(const Job& job, std::string_view new_id, json::View given) {
  const auto payload = given.is_missing() ? payload_of(step_.db, job) : std::string(given.raw());
  Queue& queue = step_.state.queues.get(job.queue);
  NewJob fresh;
  fresh.id = new_id;
  fresh.queue = queue.name;
  fresh.type = job.type;
  fresh.key = job.key;
  fresh.target = job.target;
  fresh.payload = payload;
  if (!job.options.empty()) fresh.options = without_expiry(job.options);
  fresh.priority = job.priority;
  fresh.max_attempts = job.max_attempts;
  fresh.lease_ms = job.lease_ms;
  WEIR_ASSIGN(const auto outcome, Submitter(step_).insert(fresh));
  step_.count(Total::retried);
  Job made;
  made.id = new_id;
  made.status = outcome.status;
  return job_reply(made, queue);
}

Result<std::string> Manager::promote(json::View body) {
  WEIR_ASSIGN(Job job, get_job(body));
  if (job.status != Status::scheduled) {
    return wrong_status(job, "job_not_scheduled", "Only a scheduled job can be promoted");
  }
  Queue& queue = step_.state.queues.get(job.queue);
  job.status = Status::unprocessed;
  job.at.reset();
  job.run_at = step_.now;
  store_job(step_.db, job);
  changed(job, queue, Status::scheduled, Cause::promote);
  return job_reply(job, queue);
}

Result<std::string> Manager::remove(json::View body) {
  WEIR_ASSIGN(const Job job, get_job(body));
  if (!is_finished(job.status)) {
    return wrong_status(job, "job_not_finished",
                        "Only a job that has ended can be deleted: cancel it first");
  }
  forget(job, step_.state.queues.get(job.queue), Cause::remove);
  json::Writer out(96);
  out.begin_object()
      .member("id", job.id)
      .member("deleted", true)
      .member("revision", step_.revision)
      .end_object();
  return out.take();
}

// Waits again, with all its attempts before it; blocked, when a job it depends on runs.
void Manager::run_again(Job& job, Queue& queue) {
  const auto from = job.status;
  const bool waits = (job.parts & kHasParents) != 0 && wait_again(step_, job.row);
  job.status = Status::unprocessed;
  job.at.reset();
  if (waits) {
    job.status = Status::blocked;
    job.at = job.created_at;
  }
  job.attempt = 0;
  job.cancel_at = 0;
  job.run_at = step_.now;
  job.finished_at.reset();
  set_error(step_.db, job, {});
  clear_result(step_.db, job);
  store_job(step_.db, job);
  step_.count(Total::retried);
  changed(job, queue, from, Cause::retry, job.at.value_or(0));
}

void Manager::changed(const Job& job, Queue& queue, Status from, Cause cause, std::int64_t at) {
  step_.change({.row = job.row,
                .queue = queue,
                .from = from,
                .to = job.status,
                .cause = cause,
                .priority = job.priority,
                .at = at,
                .parts = job.parts});
}

void Manager::forget(const Job& job, Queue& queue, Cause cause) {
  step_.count(Total::removed);
  step_.change({.row = job.row,
                .queue = queue,
                .from = job.status,
                .to = std::nullopt,
                .cause = cause,
                .priority = job.priority,
                .parts = job.parts});
  erase_job(step_.db, job.row, job.parts);
}

void Manager::purge_rows(Queue& queue, Status status, const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    step_.change({.row = row.row,
                  .queue = queue,
                  .from = status,
                  .to = std::nullopt,
                  .cause = Cause::remove,
                  .priority = row.priority,
                  .parts = row.parts});
    erase_job(step_.db, row.row, row.parts);
  }
}

// --- queues --------------------------------------------------------------------------------------

Result<std::string> Manager::configure(json::View body) {
  const auto name = text_of(body, "queue");
  WEIR_ASSIGN(Queue * queue, step_.state.queues.get_or_create(step_.db, name, step_.now));
  const auto config = body.find("config");
  const auto change = change_webhook(queue->config.webhook, config.find("webhook"), step_.now);
  step_.state.queues.set_config(step_.db, *queue, with_webhook(config, change.webhook));
  if (queue->config.events) {
    EventBook::begin(step_.db, queue->id, step_.revision);
  } else {
    EventBook::end(step_.db, queue->id);
  }
  json::Writer out(384);
  out.begin_object().member("name", queue->name).member("paused", queue->paused).key("config");
  write_queue_config(out, queue->config);
  if (change.drawn) out.member("webhook_secret", queue->config.webhook.secret);
  out.member("revision", step_.revision).end_object();
  return out.take();
}

Result<std::string> Manager::remove_queue(json::View body) {
  WEIR_ASSIGN(Queue * queue, get_queue(body));
  for (const auto status : kStatuses) {
    if (queue->count(status) == 0) continue;
    return Error{Code::conflict, "queue_not_empty", "The queue holds jobs",
                 "purge it, and delete or redrive what has ended: " +
                     std::to_string(queue->count(status)) + " " + std::string(to_string(status))};
  }
  json::Writer out(96);
  out.begin_object()
      .member("name", queue->name)
      .member("deleted", true)
      .member("revision", step_.revision)
      .end_object();
  EventBook::end(step_.db, queue->id);
  step_.state.times->forget(queue->name);
  step_.state.queues.remove(step_.db, *queue);
  return out.take();
}

Result<std::string> Manager::pause(json::View body) {
  return set_paused(body, true);
}

Result<std::string> Manager::resume(json::View body) {
  return set_paused(body, false);
}

Result<std::string> Manager::set_paused(json::View body, bool paused) {
  WEIR_ASSIGN(Queue * queue, get_queue(body));
  if (paused && !queue->paused) step_.state.queues.pause(step_.db, *queue, step_.now);
  if (!paused && queue->paused) step_.state.queues.resume(step_.db, *queue);
  json::Writer out(96);
  out.begin_object()
      .member("name", queue->name)
      .member("paused", paused)
      .member("revision", step_.revision)
      .end_object();
  return out.take();
}

Result<std::string> Manager::purge(json::View body) {
  WEIR_ASSIGN(Queue * queue, get_queue(body));
  // Jobs that come while a long purge goes on are not its business.
  const auto before = body.find("before").as_int().value_or(step_.state.next_row);
  auto purged = purge_ready(*queue, before, kPurgeRows);
  purged += purge_others(*queue, Status::scheduled, before, kPurgeRows - purged);
  purged += purge_others(*queue, Status::blocked, before, kPurgeRows - purged);
  step_.count(Total::removed, purged);
  json::Writer out(96);
  out.begin_object()
      .member("purged", purged)
      .member("more", purged == kPurgeRows)
      .member("before", before)
      .member("revision", step_.revision)
      .end_object();
  return out.take();
}

std::int64_t Manager::purge_ready(Queue& queue, std::int64_t before, std::int64_t limit) {
  std::int64_t purged = 0;
  for (std::int64_t priority = kMaxPriority; priority >= 0 && purged < limit; --priority) {
    if (queue.ready[static_cast<std::size_t>(priority)] == 0) continue;
    auto rows = step_.db.prepare(
        "SELECT row,priority,parts FROM jobs INDEXED BY jobs_ready"
        " WHERE status=2 AND queue=?1 AND target IS NULL AND priority=?2 AND row<?3"
        " ORDER BY key,row LIMIT ?4");
    rows.bind_all(queue.id, priority, before, limit - purged);
    const auto found = take_rows(rows);
    purge_rows(queue, Status::unprocessed, found);
    purged += static_cast<std::int64_t>(found.size());
  }
  if (queue.targets.empty() || purged == limit) return purged;
  auto rows = step_.db.prepare(
      "SELECT row,priority,parts FROM jobs INDEXED BY jobs_ready"
      " WHERE status=2 AND queue=?1 AND target>'' AND row<?2"
      " ORDER BY target,priority DESC,key,row LIMIT ?3");
  rows.bind_all(queue.id, before, limit - purged);
  const auto found = take_rows(rows);
  purge_rows(queue, Status::unprocessed, found);
  return purged + static_cast<std::int64_t>(found.size());
}

std::int64_t Manager::purge_others(Queue& queue, Status status, std::int64_t before,
                                   std::int64_t limit) {
  if (limit <= 0 || queue.count(status) == 0) return 0;
  auto rows = step_.db.prepare(
      "SELECT row,priority,parts FROM jobs INDEXED BY jobs_state"
      " WHERE status=?4 AND status<>2 AND queue=?1 AND row<?2 ORDER BY at LIMIT ?3");
  rows.bind_all(queue.id, before, limit, static_cast<std::int64_t>(status));
  const auto found = take_rows(rows);
  purge_rows(queue, status, found);
  return static_cast<std::int64_t>(found.size());
}

}  // namespace weir::jobs
