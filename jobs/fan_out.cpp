#include "jobs/fan_out.hpp"

#include <algorithm>

#include "jobs/dependencies.hpp"
#include "jobs/expiry.hpp"
#include "jobs/limits.hpp"
#include "jobs/manage.hpp"
#include "jobs/quota.hpp"
#include "jobs/submit.hpp"
#include "jobs/target.hpp"
#include "pkg/base/assert.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {
namespace {

struct Part {
  std::int64_t row;
  std::string id;
  std::int64_t counted;  // a Status, or kParentRemoved
};

std::vector<Part> parts_of(sqlite::Database& db, std::int64_t row) {
  std::vector<Part> out;
  auto rows = db.prepare(
      "SELECT parent,id,coalesce(counted,?2) FROM job_parents WHERE child=?1 ORDER BY parent");
  rows.bind_all(row, kParentRemoved);
  while (rows.step()) out.push_back({rows.int64(0), std::string(rows.text(1)), rows.int64(2)});
  return out;
}

std::string part_id(std::string_view id, std::size_t n) {
  return std::string(id) + ":" + std::to_string(n);
}

bool completed(const Part& part) {
  return part.counted == static_cast<std::int64_t>(Status::completed);
}

// `room` is what results may still take.
void write_part(json::Writer& out, sqlite::Database& db, const Part& part, std::size_t& room) {
  const auto job = load_job(db, part.row);
  out.begin_object().key("worker");
  if (job) {
    out.value(std::string_view(job->target).substr(kHostTarget.size()));
  } else {
    out.null();
  }
  out.member("id", part.id).member("status", counted_word(part.counted));
  const auto result = job ? result_of(db, *job) : std::string();
  const auto error = job ? error_of(db, *job) : std::string();
  if (result.size() + error.size() > room) {
    out.member("result_at", "/v1/jobs/" + part.id);
  } else {
    room -= result.size() + error.size();
    out.raw_member("result", result.empty() ? std::string_view("null") : result);
    if (!error.empty()) out.raw_member("error", error);
  }
  out.end_object();
}

// {"completed":n,"failed":m,"workers":[{"worker","id","status","result","error"?}]}.
std::string outcomes(sqlite::Database& db, const std::vector<Part>& parts, std::int64_t done) {
  json::Writer out(parts.size() * 128 + 64);
  out.begin_object().member("completed", done);
  out.member("failed", static_cast<std::int64_t>(parts.size()) - done);
  out.key("workers").begin_array();
  std::size_t room = kMaxParentBytes;
  for (const auto& part : parts) write_part(out, db, part, room);
  return out.end_array().end_object().take();
}

std::string failure(std::int64_t failed, std::size_t of) {
  json::Writer out(128);
  const auto partial = failed < static_cast<std::int64_t>(of);
  out.begin_object()
      .member("type", partial ? kPartialFailure : std::string_view("all_failed"))
      .member("message", std::to_string(failed) + " of " + std::to_string(of) +
                             " workers ended without success")
      .end_object();
  return out.take();
}

}  // namespace

Error no_workers(std::string_view queue) {
  return Error{Code::conflict, "no_workers", "No live worker is there for the target _all",
               "none has asked the queue " + std::string(queue) + " in the last " +
                   std::to_string(kWorkerLive.count() / 1'000) + " s, but those that drain"};
}

// Errors: conflict / no_workers, too_many_workers, job_id_taken.
Result<std::vector<std::string>> Submitter::workers_for(std::string_view id,
                                                        std::string_view queue) {
  auto workers = step_.state.workers.live(queue, step_.now);
  if (workers.empty()) return no_workers(queue);
  if (workers.size() > kMaxFanOut) {
    return Error{Code::conflict, "too_many_workers", "Too many workers for the target _all",
                 "the queue has " + std::to_string(workers.size()) + ", at most " +
                     std::to_string(kMaxFanOut) + ": use labels"};
  }
  for (std::size_t n = 1; n <= workers.size(); ++n) {
    const auto part = part_id(id, n);
    if (!is_known(part)) continue;
    return Error{Code::conflict, "job_id_taken", "A job for one of the workers is there already",
                 "id: " + part + ": choose another id"};
  }
  return workers;
}

// An atomic batch must not fail in its middle.
Result<void> Submitter::check_fan_outs(json::View jobs) {
  for (const auto job : jobs.elements()) {
    if (job.find("target").as_plain_string() != kAllTarget) continue;
    const auto id = job.find("id").as_string().value_or("");
    if (is_known(id)) continue;
    WEIR_TRY(workers_for(id, job.find("queue").as_string().value_or("")));
  }
  return {};
}

// The limits see one job: what it becomes is owed.
Result<Submitter::Outcome> Submitter::insert_fan_out(const NewJob& job) {
  if (is_known(job.id)) {
    step_.count(Total::duplicates);
    return existing(job.id);
  }
  WEIR_ASSIGN(const auto workers, workers_for(job.id, job.queue));
  if (!job.batch.empty()) WEIR_TRY(batch_of(job));
  // Before its queue is made.
  if (!job.owed) {
    WEIR_TRY(check_quota(step_));
    WEIR_TRY(check_signing(job));
  }
  WEIR_TRY(find_queue(job));
  if (last_queue_->config.limits_waiting() && !job.owed) {
    WEIR_TRY(check_waiting(*last_queue_, job.key));
  }
  Parents parts;
  parts.policy = OnFailure::run;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const auto id = part_id(job.id, i + 1);
    NewJob part = job;
    part.id = id;
    part.target = std::string(kHostTarget) + workers[i];
    part.batch = {};
    part.owed = true;
    WEIR_ASSIGN(const auto outcome, insert_behind(part, Parents{}));
    parts.all.push_back({outcome.row, id, outcome.status});
  }
  NewJob whole = job;
  if (!job.options.empty()) whole.options = without_expiry(job.options);
  whole.owed = true;
  return insert_behind(whole, parts);
}

void end_fan_out(Step& step, Job& job) {
  const auto parts = parts_of(step.db, job.row);
  const auto done = std::count_if(parts.begin(), parts.end(), completed);
  const auto failed = static_cast<std::int64_t>(parts.size()) - done;
  auto result = outcomes(step.db, parts, done);
  if (result.size() > kInlineBytes) {
    write_blob(step.db, job.row, Blob::result, result);
    job.parts |= blob_bit(Blob::result);
  } else {
    job.result = std::move(result);
  }
  if (failed > 0) set_error(step.db, job, failure(failed, parts.size()));
  if (failed > 0 && done > 0) job.parts |= kPartial;
  job.status = failed == 0 ? Status::completed : Status::failed;
  job.at = job.finished_at = step.now;
  job.revision = step.revision;
  store_job(step.db, job);
  step.count(failed == 0 ? Total::completed : Total::failed);
  step.change({.row = job.row,
               .queue = step.state.queues.get(job.queue),
               .from = Status::blocked,
               .to = job.status,
               .cause = Cause::parents,
               .priority = job.priority,
               .at = step.now,
               .parts = job.parts});
  step.touch(job.id);
}

void cancel_fan_out(Step& step, std::int64_t row) {
  for (const auto& part : parts_of(step.db, row)) {
    json::Writer out(96);
    const auto body = out.begin_object().member("id", part.id).end_object().take();
    // Those that have ended refuse.
    static_cast<void>(Manager(step).cancel(json::View(body)));
  }
}

}  // namespace weir::jobs
