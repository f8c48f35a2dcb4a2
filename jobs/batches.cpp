#include "jobs/batches.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "jobs/batch_query.hpp"
#include "jobs/followers.hpp"
#include "jobs/idempotency.hpp"
#include "jobs/manage.hpp"
#include "jobs/schema.hpp"
#include "jobs/submit.hpp"
#include "pkg/base/assert.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {
namespace {

constexpr std::int64_t kDueBatches = 100;  // one tick visits

std::string text_of(json::View body, std::string_view name) {
  return body.find(name).as_string().value_or("");
}

}  // namespace

Error batch_not_found(std::string_view id) {
  return Error{Code::not_found, "batch_not_found", "There is no such batch", std::string(id)};
}

// --- operations ----------------------------------------------------------------------------------

Result<std::string> Batches::create(json::View body) {
  if (!body.raw().starts_with(kIdempotencyHead)) return create_new(body);
  const auto once = parse_idempotency(body.find("idempotency"));
  WEIR_ASSIGN(auto first, find_answer(step_, once));
  if (first) return std::move(*first);
  WEIR_ASSIGN(auto answer, create_new(body));
  keep_answer(step_, once, std::nullopt, answer);
  return answer;
}

Result<std::string> Batches::create_new(json::View body) {
  auto& book = step_.state.batches;
  const auto spec = body.find("batch");
  const auto id = text_of(spec, "id");
  if (const auto* known = book.find(step_.db, id); known != nullptr) {
    auto answer = reply(*known);
    answer.pop_back();
    return answer + ",\"duplicate\":true}";
  }
  if (book.size() >= kMaxBatches) {
    return Error{Code::too_many_requests, "too_many_batches", "There are too many batches",
                 "at most " + std::to_string(kMaxBatches) + ": delete jobs of those that ended"};
  }
  WEIR_TRY(check_callbacks(spec));
  WEIR_TRY(Submitter(step_).check_atomic(body.find("jobs"), id));
  JobBatch fresh;
  fresh.id = id;
  fresh.name = text_of(spec, "name");
  fresh.created_at = step_.now;
  fresh.seal_at = step_.now + spec.find("seal_after_ms").as_int().value_or(0);
  fresh.revision = step_.revision;
  auto& batch = book.add(step_.db, fresh);
  const auto results = submit_members(body);
  keep_callback(batch, Callback::success, spec.find("on_success"));
  keep_callback(batch, Callback::complete, spec.find("on_complete"));
  follow_changes(step_);  // the members are counted before the batch is sealed
  if (spec.find("seal").as_bool().value_or(false)) close(batch);
  return reply(batch, results);
}

// A callback is submitted whatever the limits then are, so its queue is counted now.
Result<void> Batches::check_callbacks(json::View spec) const {
  std::set<std::string> fresh;
  for (const std::string_view name : {"on_success", "on_complete"}) {
    const auto queue = text_of(spec.find(name), "queue");
    if (!queue.empty() && step_.state.queues.find(queue) == nullptr) fresh.insert(queue);
  }
  if (step_.state.queues.all().size() + fresh.size() <= kMaxQueues) return {};
  return too_many_queues();
}

void Batches::keep_callback(JobBatch& batch, Callback kind, json::View job) {
  if (job.is_missing()) return;
  const auto queue = text_of(job, "queue");
  step_.state.queues.ensure(step_.db, queue, step_.now);
  if (batch.home.empty()) batch.home = queue;
  step_.db
      .prepare("INSERT INTO job_batch_callbacks(batch,kind,id,queue,job) VALUES(?1,?2,?3,?4,?5)")
      .bind_all(batch.row, static_cast<std::int64_t>(kind), text_of(job, "id"), queue, job.raw())
      .run();
}

// The results of an atomic submit in the order of the request; empty without jobs.
std::string Batches::submit_members(json::View body) {
  const auto jobs = body.find("jobs");
  if (jobs.is_missing()) return {};
  auto results = Submitter(step_).insert_all(jobs);
  const auto places = body.find("places");
  std::vector<std::string> ordered(results.size());
  std::size_t at = 0;
  for (const auto place : places.elements()) {
    const auto to = static_cast<std::size_t>(place.as_int().value_or(0));
    if (at < results.size() && to < ordered.size()) ordered[to] = std::move(results[at]);
    ++at;
  }
  std::string out = "[";
  for (const auto& result : places.is_missing() ? results : ordered) {
    out.append(out.size() == 1 ? "" : ",").append(result);
  }
  return out + "]";
}

Result<std::string> Batches::seal(json::View body) {
  const auto id = text_of(body, "id");
  auto* batch = step_.state.batches.find(step_.db, id);
  if (batch == nullptr) return batch_not_found(id);
  if (batch->state == BatchState::open) close(*batch);
  return reply(*batch);
}

Result<std::string> Batches::cancel(json::View body) {
  const auto id = text_of(body, "id");
  auto* batch = step_.state.batches.find(step_.db, id);
  if (batch == nullptr) return batch_not_found(id);
  if (has_ended(batch->state) && !batch->cancel_at) {
    return Error{Code::conflict, "batch_not_cancellable",
                 "Only a batch that has not ended can be cancelled",
                 "its status is " + std::string(to_string(batch->state))};
  }
  if (!batch->cancel_at) {
    batch->cancel_at = step_.now;
    batch->swept = 0;
    sweep(*batch, kSweepRows);
    follow_changes(step_);
    if (batch->state == BatchState::open) close(*batch);
    changed(*batch);
  }
  return reply(*batch);
}

std::string Batches::reply(const JobBatch& batch, std::string_view results) {
  json::Writer out(512 + results.size());
  out.begin_object();
  write_batch(out, step_.db, batch);
  if (!results.empty()) out.raw_member("results", results);
  return out.end_object().take();
}

// --- members -------------------------------------------------------------------------------------

Result<JobBatch*> Batches::get_open(std::string_view id) {
  auto* batch = step_.state.batches.find(step_.db, id);
  if (batch == nullptr) return batch_not_found(id);
  if (batch->state == BatchState::open) return batch;
  return Error{Code::conflict, "batch_sealed", "The batch takes no more jobs",
               std::string(id) + " is " + std::string(to_string(batch->state))};
}

void Batches::join(JobBatch& batch, std::int64_t row, const Queue& queue) {
  step_.db.prepare("INSERT INTO job_members(job,batch) VALUES(?1,?2)")
      .bind_all(row, batch.row)
      .run();
  step_.db.prepare("INSERT OR IGNORE INTO job_batch_queues(batch,queue) VALUES(?1,?2)")
      .bind_all(batch.row, queue.name)
      .run();
  if (batch.home.empty()) batch.home = queue.name;
  changed(batch);
}

void Batches::follow(const Change& change) {
  std::int64_t row = 0;
  {
    auto rows = step_.db.prepare("SELECT batch FROM job_members WHERE job=?1");
    rows.bind(1, change.row);
    WEIR_ASSERT(rows.step());
    row = rows.int64(0);
  }
  JobBatch* batch = step_.state.batches.find(step_.db, row);
  WEIR_ASSERT(batch != nullptr);
  const auto count = [&](std::optional<Status> status, std::int64_t by) {
    if (status) batch->counts[index_of(*status)] += by;
  };
  if (change.to) {
    count(change.from, -1);
    count(change.to, 1);
    if (!change.from) ++batch->kept;
  } else {
    if (!is_finished(*change.from)) {
      count(change.from, -1);
      ++batch->removed;
    }
    --batch->kept;
    step_.db.prepare("DELETE FROM job_members WHERE job=?1").bind_all(change.row).run();
  }
  changed(*batch);
  settle(*batch);
}

void Batches::changed(JobBatch& batch) {
  batch.revision = step_.revision;
  step_.state.batches.mark(batch);
}

// --- the end -------------------------------------------------------------------------------------

void Batches::close(JobBatch& batch) {
  batch.state = BatchState::sealed;
  batch.sealed_at = step_.now;
  changed(batch);
  settle(batch);
}

void Batches::settle(JobBatch& batch) {
  if (batch.state == BatchState::open || batch.state == BatchState::succeeded) return;
  if (batch.pending() > 0) return;
  const bool success = batch.count(Status::completed) == batch.total();
  const bool ends = batch.state == BatchState::sealed;
  if (!ends && !success) return;
  if (success) {
    batch.state = BatchState::succeeded;
  } else {
    batch.state = batch.cancel_at ? BatchState::cancelled : BatchState::failed;
  }
  if (ends) batch.ended_at = step_.now;
  changed(batch);
  if (success) submit_callback(batch, Callback::success);
  if (ends) submit_callback(batch, Callback::complete);
  tell_end(batch);
}

void Batches::submit_callback(const JobBatch& batch, Callback kind) {
  const auto number = static_cast<std::int64_t>(kind);
  std::string text;
  {
    auto rows = step_.db.prepare(
        "SELECT job FROM job_batch_callbacks WHERE batch=?1 AND kind=?2 AND submitted_at IS NULL");
    rows.bind_all(batch.row, number);
    if (!rows.step()) return;
    text = rows.text(0);
  }
  step_.db
      .prepare("UPDATE job_batch_callbacks SET submitted_at=?3,job='' WHERE batch=?1 AND kind=?2")
      .bind_all(batch.row, number, step_.now)
      .run();
  auto job = parse_new_job(json::View(text));
  job.owed = true;
  const auto outcome = Submitter(step_).insert(job);
  WEIR_ASSERT(outcome.has_value());
}

void Batches::tell_end(const JobBatch& batch) {
  if (step_.context.outbound.anyone_watches()) step_.context.outbound.touch("batch:" + batch.id);
  Queue* const home = step_.state.queues.find(batch.home);
  if (home == nullptr) return;  // no job and no callback, or the queue was deleted
  ++step_.state.changes;
  if (!step_.listened && !home->config.notes_changes()) return;
  step_.noted.push_back({.change = {.row = batch.row,
                                    .queue = *home,
                                    .from = std::nullopt,
                                    .to = std::nullopt,
                                    .cause = Cause::complete},
                         .ordinal = step_.state.changes,
                         .removed = std::nullopt,
                         .batch = batch});
}

// --- time ----------------------------------------------------------------------------------------

void Batches::visit_due(std::int64_t limit) {
  auto& book = step_.state.batches;
  book.flush(step_.db);
  std::array<std::int64_t, kDueBatches> rows{};
  std::size_t count = 0;
  {
    auto due = step_.db.prepare(
        "SELECT row FROM job_batches INDEXED BY job_batches_due WHERE due IS NOT NULL AND due<=?1"
        " ORDER BY due,row LIMIT ?2");
    due.bind_all(step_.now, kDueBatches);
    while (due.step()) rows[count++] = due.int64(0);
  }
  for (std::size_t i = 0; i < count && limit > 0; ++i) {
    limit -= visit(*book.find(step_.db, rows[i]), limit);
  }
}

// How many rows it took.
std::int64_t Batches::visit(JobBatch& batch, std::int64_t limit) {
  if (batch.state == BatchState::open) {
    close(batch);
    return 1;
  }
  if (batch.state == BatchState::sealed) return sweep(batch, std::min(limit, kSweepRows));
  step_.state.batches.remove(step_.db, batch.row);
  return 1;
}

// Cancels the next members. How many were looked at.
std::int64_t Batches::sweep(JobBatch& batch, std::int64_t limit) {
  std::vector<std::string> ids;
  std::int64_t looked_at = 0;
  {
    auto rows = step_.db.prepare(
        "SELECT m.job,j.id,j.status FROM job_members AS m INDEXED BY job_members_batch"
        " CROSS JOIN jobs AS j ON j.row=m.job WHERE m.batch=?1 AND m.job>?2 ORDER BY m.job"
        " LIMIT ?3");
    rows.bind_all(batch.row, batch.swept, limit);
    while (rows.step()) {
      ++looked_at;
      batch.swept = rows.int64(0);
      if (!is_finished(static_cast<Status>(rows.int64(2)))) ids.emplace_back(rows.text(1));
    }
  }
  if (looked_at < limit) batch.swept = kSweptAll;
  changed(batch);
  for (const auto& id : ids) {
    json::Writer out(96);
    const auto body = out.begin_object().member("id", id).end_object().take();
    WEIR_ASSERT(Manager(step_).cancel(json::View(body)).has_value());
  }
  return looked_at;
}

}  // namespace weir::jobs
