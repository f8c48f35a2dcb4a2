#include "jobs/finish.hpp"

#include "jobs/backoff.hpp"
#include "jobs/job_log.hpp"
#include "jobs/large_values.hpp"
#include "pkg/base/assert.hpp"
#include "pkg/base/ids.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {
namespace {

constexpr std::string_view kOk = "{\"ok\":true}";

constexpr std::string_view kComplete =
    "UPDATE jobs SET status=4,at=?2,finished_at=?2,cancel_at=0,revision=?3,result=?4,parts=parts|?5"
    " WHERE row=?1";

constexpr std::string_view kExpiredError =
    R"({"type":"lease_expired","message":"the lease ran out before the worker answered"})";
constexpr std::string_view kTimeoutError =
    R"({"type":"timeout","message":"the attempt took longer than its timeout_ms"})";
constexpr std::string_view kCancelledError =
    R"({"type":"cancelled","message":"cancelled while it was running"})";
constexpr std::string_view kNoError = R"({"message":"the worker gave no reason"})";

}  // namespace

Lease* Finisher::find(json::View token, std::int64_t& row) {
  const auto text = token.as_plain_string();
  const auto parsed = text ? parse_token(*text) : std::nullopt;
  if (!parsed) return nullptr;
  row = parsed->row;
  return step_.state.leases.find(*parsed);
}

Job Finisher::loaded(std::int64_t row) {
  auto job = load_job(step_.db, row);
  WEIR_ASSERT(job.has_value() && job->status == Status::processing);
  job->revision = step_.revision;
  return std::move(*job);
}

void Finisher::end_lease(std::int64_t row, Lease& lease) {
  step_.state.workers.ended(*lease.worker);
  step_.state.times->ran(lease.queue->name, step_.now - lease.started_at, step_.now);
  step_.state.leases.remove(row);
}

// --- complete ------------------------------------------------------------------------------------

Result<void> Finisher::complete(json::View item, std::string& out) {
  std::string_view result;
  json::View log;
  Lease* lease = nullptr;
  std::int64_t row = 0;
  for (const auto& member : item.members()) {
    if (member.raw_key == "lease") {
      lease = find(member.value, row);
    } else if (member.raw_key == "result") {
      result = member.value.raw();
    } else if (member.raw_key == "log") {
      log = member.value;
    }
  }
  if (lease == nullptr) return lease_lost();
  if (!log.is_missing()) keep_log(step_, row, log);
  const bool beside = result.size() > kInlineBytes;
  {
    auto write = step_.db.prepare(kComplete);
    write.bind_all(row, step_.now, step_.revision);
    if (beside || result.empty()) {
      write.bind_null(4);
    } else {
      write.bind(4, result);
    }
    write.bind(5, beside ? blob_bit(Blob::result) : 0).run();
  }
  if (beside) write_blob(step_.db, row, Blob::result, result);
  keep_large(step_, row, Blob::result, result);
  step_.count(Total::completed);
  step_.change({.row = row,
                .queue = *lease->queue,
                .from = Status::processing,
                .to = Status::completed,
                .cause = Cause::complete,
                .at = step_.now,
                .parts = lease->followed},
               lease->key);
  end_lease(row, *lease);
  if (step_.context.outbound.anyone_watches()) step_.touch(id_of(row));
  out += kOk;
  return {};
}

std::string Finisher::id_of(std::int64_t row) {
  auto rows = step_.db.prepare("SELECT id FROM jobs WHERE row=?1");
  rows.bind(1, row);
  return rows.step() ? std::string(rows.text(0)) : std::string();
}

// --- fail ----------------------------------------------------------------------------------------

Result<void> Finisher::fail(json::View item, std::string& out) {
  Failure failure{.error = kNoError, .retry_after_ms = std::nullopt};
  json::View log;
  Lease* lease = nullptr;
  std::int64_t row = 0;
  for (const auto& member : item.members()) {
    if (member.raw_key == "lease") {
      lease = find(member.value, row);
    } else if (member.raw_key == "error") {
      failure.error = member.value.raw();
    } else if (member.raw_key == "retry") {
      failure.may_retry = member.value.as_bool().value_or(true);
    } else if (member.raw_key == "retry_after_ms") {
      failure.retry_after_ms = member.value.as_int();
    } else if (member.raw_key == "terminate") {
      failure.terminate = member.value.as_bool().value_or(false);
    } else if (member.raw_key == "log") {
      log = member.value;
    }
  }
  if (lease == nullptr) return lease_lost();
  if (!log.is_missing()) keep_log(step_, row, log);
  Job job = loaded(row);
  Queue& queue = *lease->queue;
  end_lease(row, *lease);
  fail_attempt(job, queue, failure);
  out += kOk;
  return {};
}

void Finisher::expire(std::int64_t row) {
  Lease* lease = step_.state.leases.find(row);
  WEIR_ASSERT(lease != nullptr);
  Job job = loaded(row);
  Queue& queue = *lease->queue;
  const bool timeout = lease->ends_by != 0 && lease->ends_by <= step_.now;
  end_lease(row, *lease);
  step_.count(Total::expired);
  fail_attempt(job, queue,
               {.error = timeout ? kTimeoutError : kExpiredError,
                .retry_after_ms = {},
                .outcome = timeout ? Outcome::timeout : Outcome::expired});
}

void Finisher::revoke(std::int64_t row) {
  Lease* lease = step_.state.leases.find(row);
  WEIR_ASSERT(lease != nullptr);
  Job job = loaded(row);
  Queue& queue = *lease->queue;
  end_lease(row, *lease);
  end_cancelled(job, queue, kCancelledError);
}

void Finisher::fail_attempt(Job& job, Queue& queue, const Failure& failure) {
  if (job.cancel_at != 0) {
    end_cancelled(job, queue, failure.outcome != Outcome::failed ? kCancelledError : failure.error);
    return;
  }
  step_.count(Total::failed_attempts);
  record_attempt(job, failure.outcome, failure.error);
  set_error(step_.db, job, failure.error);
  const bool used_up = job.attempt >= job.max_attempts.value_or(queue.config.max_attempts);
  if (used_up || !failure.may_retry || failure.terminate) {
    end_failed(job, queue, failure);
  } else {
    schedule_retry(job, queue, failure);
  }
}

// The attempt is over: the job leaves `processing` for its new status.
void Finisher::ended(const Job& job, Queue& queue, Cause cause, std::int64_t at) {
  step_.change({.row = job.row,
                .queue = queue,
                .from = Status::processing,
                .to = job.status,
                .cause = cause,
                .priority = job.priority,
                .at = at,
                .parts = job.parts});
}

void Finisher::schedule_retry(Job& job, Queue& queue, const Failure& failure) {
  const auto delay = failure.retry_after_ms ? *failure.retry_after_ms : backoff_ms(job, queue);
  job.status = delay > 0 ? Status::scheduled : Status::unprocessed;
  job.run_at = step_.now + delay;
  job.at = delay > 0 ? job.run_at : std::nullopt;
  store_job(step_.db, job);
  step_.count(Total::retries_scheduled);
  ended(job, queue, Cause::fail, *job.run_at);
}

std::int64_t Finisher::backoff_ms(const Job& job, const Queue& queue) const {
  const auto own = json::View(job.options).find("backoff");
  const auto random = mix64(salt_ ^ mix64(static_cast<std::uint64_t>(job.row)));
  return retry_delay_ms(own.is_missing() ? queue.config.backoff : parse_backoff(own), job.attempt,
                        random);
}

void Finisher::end_failed(Job& job, Queue& queue, const Failure& failure) {
  const bool dead = queue.config.dlq && !failure.terminate;
  job.status = dead ? Status::dlq : Status::failed;
  job.at = job.finished_at = step_.now;
  store_job(step_.db, job);
  step_.count(dead ? Total::dead_lettered : Total::failed);
  ended(job, queue, Cause::fail, step_.now);
  if (dead) dead_letter(job, queue, failure.error);
  step_.touch(job.id);
}

void Finisher::dead_letter(const Job& job, const Queue& queue, std::string_view error) {
  const auto payload = payload_of(step_.db, job);
  json::Writer body(payload.size() + error.size() + 256);
  body.begin_object().member("job_id", job.id).member("queue", queue.name).key("type");
  if (job.type.empty()) {
    body.null();
  } else {
    body.value(job.type);
  }
  body.raw_member("payload", payload.empty() ? std::string_view("null") : payload)
      .raw_member("error", error)
      .member("attempts", job.attempt)
      .member("dead_at", from_unix_ms(step_.now))
      .end_object();
  step_.context.add_effect(
      {.subject = "weir.dlq." + queue.name, .headers_json = {}, .body = body.take()});
}

void Finisher::end_cancelled(Job& job, Queue& queue, std::string_view error) {
  record_attempt(job, Outcome::cancelled, error);
  set_error(step_.db, job, error);
  job.status = Status::cancelled;
  job.at = job.finished_at = step_.now;
  job.cancel_at = 0;
  store_job(step_.db, job);
  step_.count(Total::cancelled);
  ended(job, queue, Cause::cancel, step_.now);
  step_.touch(job.id);
}

void Finisher::record_attempt(Job& job, Outcome outcome, std::string_view error) {
  job.parts |= kHasAttempts;
  auto write = step_.db.prepare(
      "INSERT OR REPLACE INTO job_attempts"
      "(job,fence,attempt,outcome,started_at,ended_at,worker,error) "
      "VALUES(?1,?2,?3,?4,?5,?6,?7,?8)");
  write.bind_all(job.row, job.fence, job.attempt, static_cast<std::int64_t>(outcome),
                 job.started_at, step_.now, job.worker);
  if (error.empty()) {
    write.bind_null(8);
  } else {
    write.bind(8, error);
  }
  write.run();
  if (job.fence <= kAttemptsKept) return;
  step_.db.prepare("DELETE FROM job_attempts WHERE job=?1 AND fence<=?2")
      .bind_all(job.row, job.fence - kAttemptsKept)
      .run();
}

// --- release, heartbeat --------------------------------------------------------------------------

Result<void> Finisher::release(json::View item, std::string& out) {
  std::int64_t row = 0;
  Lease* lease = find(item.is_object() ? item.find("lease") : item, row);
  if (lease == nullptr) return lease_lost();
  const auto log = item.is_object() ? item.find("log") : json::View();
  if (!log.is_missing()) keep_log(step_, row, log);
  Job job = loaded(row);
  Queue& queue = *lease->queue;
  end_lease(row, *lease);
  out += kOk;
  if (job.cancel_at != 0) {
    end_cancelled(job, queue, kCancelledError);
    return {};
  }
  record_attempt(job, Outcome::released, {});
  --job.attempt;
  const auto delay = item.is_object() ? item.find("delay_ms").as_int().value_or(0) : 0;
  job.status = delay > 0 ? Status::scheduled : Status::unprocessed;
  job.at.reset();
  if (delay > 0) job.at = job.run_at = step_.now + delay;
  store_job(step_.db, job);
  step_.count(Total::released);
  ended(job, queue, Cause::release, job.at.value_or(0));
  return {};
}

Result<void> Finisher::heartbeat(json::View item, std::string& out) {
  std::int64_t row = 0;
  Lease* lease = find(item.find("lease"), row);
  if (lease == nullptr) return lease_lost();
  step_.state.leases.set_deadline(row, *lease, lease->extended(step_.now));
  if (const auto log = item.find("log"); !log.is_missing()) keep_log(step_, row, log);
  std::int64_t parts = 0;
  const auto checkpoint = item.find("checkpoint");
  if (!checkpoint.is_missing()) {
    write_blob(step_.db, row, Blob::checkpoint, checkpoint.raw());
    keep_large(step_, row, Blob::checkpoint, checkpoint.raw());
    parts |= blob_bit(Blob::checkpoint);
  }
  const auto progress = item.find("progress");
  const auto message = item.find("message");
  if (!progress.is_missing() || !message.is_missing()) {
    keep_progress(row, progress, message);
    parts |= blob_bit(Blob::progress);
  }
  step_.db.prepare("UPDATE jobs SET deadline=?2,revision=?3,parts=parts|?4 WHERE row=?1")
      .bind_all(row, lease->deadline, step_.revision, parts)
      .run();
  json::Writer answer(96);
  answer.begin_object()
      .member("ok", true)
      .member("deadline", from_unix_ms(lease->ends_at()))
      .member("cancel", lease->cancel_at != 0)
      .end_object();
  out += answer.str();
  return {};
}

// The newest of each, whichever heartbeat brought it.
void Finisher::keep_progress(std::int64_t row, json::View progress, json::View message) {
  const auto before = read_blob(step_.db, row, Blob::progress);
  const json::View old{before};
  const auto keep = [&](json::View fresh, std::string_view name) {
    const auto value = fresh.is_missing() ? old.find(name) : fresh;
    return value.is_missing() ? std::string_view("null") : value.raw();
  };
  json::Writer text(128);
  text.begin_object()
      .raw_member("progress", keep(progress, "progress"))
      .raw_member("message", keep(message, "message"))
      .member("at", step_.now)
      .end_object();
  write_blob(step_.db, row, Blob::progress, text.str());
}

}  // namespace weir::jobs
