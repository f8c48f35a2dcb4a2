// Queries about one job.
#include <array>
#include <functional>

#include "jobs/batch_query.hpp"
#include "jobs/dependencies.hpp"
#include "jobs/expiry.hpp"
#include "jobs/own_retention.hpp"
#include "jobs/queries.hpp"
#include "jobs/query_parts.hpp"
#include "jobs/step.hpp"
#include "jobs/stored_form.hpp"
#include "jobs/unique.hpp"
#include "pkg/base/assert.hpp"

namespace weir::jobs {
namespace {

struct Attempt {
  std::int64_t attempt = 0;
  std::string_view outcome;
  std::optional<std::int64_t> started_at;
  std::optional<std::int64_t> ended_at;
  std::string worker;
  std::string error;
};

constexpr std::array<std::string_view, 5> kOutcomes{"failed", "lease_expired", "released",
                                                    "cancelled", "timeout"};

// Oldest first: those that ended without success, then the one that runs or succeeded.
void each_attempt(sqlite::Database& db, const Job& job,
                  const std::function<void(const Attempt&)>& visit) {
  if ((job.parts & kHasAttempts) != 0) {
    auto rows = db.prepare(
        "SELECT attempt,outcome,started_at,ended_at,worker,error FROM job_attempts"
        " WHERE job=?1 ORDER BY fence");
    rows.bind(1, job.row);
    while (rows.step()) {
      visit(Attempt{.attempt = rows.int64(0),
                    .outcome = kOutcomes.at(static_cast<std::size_t>(rows.int64(1))),
                    .started_at = rows.optional_int64(2),
                    .ended_at = rows.int64(3),
                    .worker = std::string(rows.text(4)),
                    .error = std::string(rows.text(5))});
    }
  }
  if (job.status != Status::processing && job.status != Status::completed) return;
  const bool running = job.status == Status::processing;
  visit(Attempt{.attempt = job.attempt,
                .outcome = running ? "running" : "completed",
                .started_at = job.started_at,
                .ended_at = running ? std::nullopt : job.finished_at,
                .worker = job.worker,
                .error = {}});
}

void write_attempt(json::Writer& out, const Attempt& attempt) {
  out.begin_object().member("attempt", attempt.attempt).member("outcome", attempt.outcome);
  member_text(out, "worker", attempt.worker);
  member_time(out, "started_at", attempt.started_at);
  member_time(out, "ended_at", attempt.ended_at);
  out.key("duration_ms");
  if (attempt.started_at && attempt.ended_at) {
    out.value(*attempt.ended_at - *attempt.started_at);
  } else {
    out.null();
  }
  member_json(out, "error", attempt.error);
  out.end_object();
}

void write_option(json::Writer& out, const Job& job, std::string_view name) {
  const auto value = json::View(job.options).find(name);
  out.raw_member(name, value.is_missing() ? std::string_view("{}") : value.raw());
}

std::string detail(sqlite::Database& db, const Job& job) {
  const auto queue = load_queue(db, job.queue);
  WEIR_ASSERT(queue.has_value());
  json::Writer out(1'024);
  out.begin_object();
  write_summary(out, job, *queue);
  if (!job.target.empty()) out.member("target", job.target);
  member_json(out, "payload", payload_of(db, job));
  const auto result = result_of(db, job);
  const auto checkpoint = (job.parts & blob_bit(Blob::checkpoint)) != 0
                              ? read_blob(db, job.row, Blob::checkpoint)
                              : std::string();
  if (is_stored_form(result) || is_stored_form(checkpoint)) out.member(kRowMember, job.row);
  member_json(out, "result", result);
  member_json(out, "error", error_of(db, job));
  const auto progress =
      (job.parts & blob_bit(Blob::progress)) != 0 ? read_blob(db, job.row, Blob::progress) : "";
  member_json(out, "progress", json::View(progress).find("progress").raw());
  member_json(out, "message", json::View(progress).find("message").raw());
  member_json(out, "checkpoint", checkpoint);
  write_option(out, job, "metadata");
  write_option(out, job, "headers");
  const bool running = job.status == Status::processing;
  member_time(out, "deadline", running ? job.deadline : std::nullopt);
  out.member("cancel_requested", job.cancel_at != 0);
  out.member("lease_ms", job.lease_ms.value_or(queue->config.lease_ms)).key("backoff");
  const auto backoff = json::View(job.options).find("backoff");
  write_backoff(out, backoff.is_missing() ? queue->config.backoff : parse_backoff(backoff));
  out.key("timeout_ms");
  if ((job.parts & kTimedBit) != 0) {
    out.value(timeout_of(job.options));
  } else {
    out.null();
  }
  out.key("retention_ms");
  if ((job.parts & kRetentionBit) != 0) {
    out.value(retention_of(job.options));
  } else {
    out.null();
  }
  member_time(
      out, "expires_at",
      (job.parts & kExpiringBit) != 0 ? std::optional(expires_of(job.options)) : std::nullopt);
  out.key("unique");
  if ((job.parts & kUniqueBit) != 0) {
    write_unique(out, db, job.row);
  } else {
    out.null();
  }
  if (const auto webhook = (job.parts & kHookedBit) != 0 ? webhook_of(job.options) : std::nullopt) {
    out.key("webhook");
    write_job_webhook(out, *webhook);
  }
  if ((job.parts & kInBatch) != 0) out.member("batch", batch_id_of(db, job.row));
  if ((job.parts & kHasParents) != 0) {
    out.member("on_failure", to_string(policy_of(db, job.row)))
        .member("waiting_for", count_waiting(db, job.row))
        .key("depends_on");
    write_parents(out, db, job.row);
  }
  out.key("attempts").begin_array();
  each_attempt(db, job, [&](const Attempt& attempt) { write_attempt(out, attempt); });
  out.end_array().member("revision", job.revision).end_object();
  return out.take();
}

void write_event(json::Writer& out, std::string_view event, std::optional<std::int64_t> at,
                 const Attempt* attempt) {
  out.begin_object();
  member_time(out, "at", at);
  out.member("event", event);
  if (attempt != nullptr) {
    out.member("attempt", attempt->attempt);
    member_text(out, "worker", attempt->worker);
    if (!attempt->error.empty() && event != "started") out.raw_member("error", attempt->error);
  }
  out.end_object();
}

}  // namespace

Result<std::string> get_job(sqlite::Database& db, std::string_view id) {
  const auto job = find_job(db, id);
  if (!job) return job_not_found(id);
  return detail(db, *job);
}

Result<std::string> get_dlq(sqlite::Database& db, std::string_view id) {
  const auto job = find_job(db, id);
  if (!job || job->status != Status::dlq) {
    return Error{Code::not_found, "dead_letter_not_found", "There is no such dead letter",
                 std::string(id)};
  }
  return detail(db, *job);
}

std::optional<std::string> find_queue_of(sqlite::Database& db, std::string_view id) {
  auto rows =
      db.prepare("SELECT q.name FROM jobs AS j JOIN job_queues AS q ON q.id=j.queue WHERE j.id=?1");
  rows.bind(1, id);
  if (!rows.step()) return std::nullopt;
  return std::string(rows.text(0));
}

Result<Status> get_status(sqlite::Database& db, std::string_view id) {
  auto rows = db.prepare("SELECT status FROM jobs WHERE id=?1");
  rows.bind(1, id);
  if (!rows.step()) return job_not_found(id);
  return static_cast<Status>(rows.int64(0));
}

Result<std::string> get_timeline(sqlite::Database& db, std::string_view id) {
  const auto job = find_job(db, id);
  if (!job) return job_not_found(id);
  json::Writer out(512);
  out.begin_object().member("id", job->id).member("status", shown_status(*job)).key("items");
  out.begin_array();
  write_event(out, "submitted", job->created_at, nullptr);
  each_attempt(db, *job, [&](const Attempt& attempt) {
    write_event(out, "started", attempt.started_at, &attempt);
    if (attempt.ended_at) write_event(out, attempt.outcome, attempt.ended_at, &attempt);
  });
  if (job->status == Status::scheduled) write_event(out, "scheduled", job->run_at, nullptr);
  if (is_finished(job->status) && job->status != Status::completed) {
    write_event(out, to_string(job->status), job->finished_at, nullptr);
  }
  out.end_array().end_object();
  return out.take();
}

}  // namespace weir::jobs
