// Changes of many jobs: cancel, and what operators do to dead letters. Each operation changes at
// most as many as it names, or kPurgeRows.
#include "jobs/edit.hpp"
#include "jobs/manage.hpp"
#include "jobs/stored_form.hpp"
#include "pkg/json/merge_patch.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {

// Jobs that have ended, or are not there any more, are skipped.
Result<std::string> Manager::cancel_many(json::View body) {
  std::int64_t cancelled = 0;
  std::int64_t requested = 0;
  std::int64_t skipped = 0;
  for (const auto id : body.find("ids").elements()) {
    auto job = find_job(step_.db, id.as_string().value_or(""));
    if (!job || is_finished(job->status)) {
      ++skipped;
      continue;
    }
    job->revision = step_.revision;
    cancel_job(*job, step_.state.queues.get(job->queue));
    ++(job->status == Status::cancelled ? cancelled : requested);
  }
  json::Writer out(128);
  out.begin_object()
      .member("cancelled", cancelled)
      .member("cancel_requested", requested)
      .member("skipped", skipped)
      .member("revision", step_.revision)
      .end_object();
  return out.take();
}

// --- dead letters --------------------------------------------------------------------------------

Result<std::string> Manager::redrive(json::View body) {
  return dead(body, Dead::redrive);
}

Result<std::string> Manager::purge_dead(json::View body) {
  return dead(body, Dead::purge);
}

Result<std::string> Manager::dead(json::View body, Dead what) {
  std::int64_t done = 0;
  std::int64_t missing = 0;
  bool more = false;
  const auto before = body.find("before").as_int().value_or(step_.now);
  if (const auto ids = body.find("ids"); !ids.is_missing()) {
    for (const auto id : ids.elements()) {
      auto job = find_job(step_.db, id.as_string().value_or(""));
      const bool treated = job && treat_dead(std::move(*job), what);
      ++(treated ? done : missing);
    }
  } else {
    WEIR_ASSIGN(const Queue* queue, get_queue(body));
    std::vector<Row> found;
    {
      auto rows = step_.db.prepare(
          "SELECT row,priority,parts FROM jobs INDEXED BY jobs_state"
          " WHERE status=7 AND status<>2 AND queue=?1 AND at<=?2 ORDER BY at LIMIT ?3");
      rows.bind_all(queue->id, before, kPurgeRows);
      found = take_rows(rows);
    }
    for (const auto& row : found) treat_dead(*load_job(step_.db, row.row), what);
    done = static_cast<std::int64_t>(found.size());
    more = done == kPurgeRows;
  }
  json::Writer out(128);
  out.begin_object()
      .member(what == Dead::redrive ? "redriven" : "purged", done)
      .member("missing", missing)
      .member("more", more)
      .member("before", before)
      .member("revision", step_.revision)
      .end_object();
  return out.take();
}

// False when the job is no dead letter (any more).
bool Manager::treat_dead(Job job, Dead what) {
  if (job.status != Status::dlq) return false;
  Queue& queue = step_.state.queues.get(job.queue);
  job.revision = step_.revision;
  if (what == Dead::redrive) {
    run_again(job, queue);
  } else {
    forget(job, queue, Cause::remove);
  }
  return true;
}

Redriven Manager::redrive_job(std::string_view id, json::View patch, std::size_t max_bytes) {
  auto job = find_job(step_.db, id);
  if (!job || job->status != Status::dlq) return Redriven::not_dead;
  std::string payload;
  if (!patch.is_missing()) {
    const auto before = payload_of(step_.db, *job);
    payload = json::merge_patch(json::View(before), patch);
    const bool stored = is_stored_form(before) || is_stored_form(payload);
    if (stored || payload.size() > max_bytes) return Redriven::not_patchable;
  }
  job->revision = step_.revision;
  run_again(*job, step_.state.queues.get(job->queue));
  if (!patch.is_missing()) edit_job(step_, *job, {.payload = payload});
  return Redriven::done;
}

}  // namespace weir::jobs
