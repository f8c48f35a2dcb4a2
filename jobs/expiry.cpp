#include "jobs/expiry.hpp"

#include <algorithm>
#include <vector>

#include "jobs/edit.hpp"
#include "jobs/limits.hpp"
#include "pkg/base/assert.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {
namespace {

constexpr std::string_view kExpiredError =
    R"({"type":"expired","message":"it had not begun by its expires_at"})";

void note(Step& step, std::int64_t at) {
  step.state.next_expiry = std::min(step.state.next_expiry, at);
}

void forget(Step& step, std::int64_t row) {
  step.db.prepare("DELETE FROM job_expiries WHERE job=?1").bind_all(row).run();
}

void end_expired(Step& step, std::int64_t row) {
  Job job = *load_job(step.db, row);
  WEIR_ASSERT(is_waiting(job.status));
  Queue& queue = step.state.queues.get(job.queue);
  const auto from = job.status;
  set_error(step.db, job, kExpiredError);
  job.status = Status::failed;
  job.at = job.finished_at = step.now;
  job.revision = step.revision;
  store_job(step.db, job);
  step.count(Total::failed);
  step.change({.row = row,
               .queue = queue,
               .from = from,
               .to = Status::failed,
               .cause = Cause::expire,
               .priority = job.priority,
               .at = step.now,
               .parts = job.parts});
  step.touch(job.id);
}

}  // namespace

std::int64_t expires_of(std::string_view options) {
  return json::View(options).find("expires_at").as_int().value_or(0);
}

std::string without_expiry(std::string_view options) {
  json::Writer out(options.size());
  out.begin_object();
  for (const auto& member : json::View(options).members()) {
    if (member.raw_key != "expires_at") out.raw_member(member.key(), member.value.raw());
  }
  return out.end_object().take();
}

void begin_expiry(Step& step, std::int64_t row, std::int64_t at) {
  step.db.prepare("INSERT OR REPLACE INTO job_expiries(job,at,waits) VALUES(?1,?2,1)")
      .bind_all(row, at)
      .run();
  note(step, at);
}

void replace_expiry(Step& step, std::int64_t row, bool expires, std::string_view options) {
  forget(step, row);
  if (expires) begin_expiry(step, row, expires_of(options));
}

void follow_expiry(Step& step, const Change& change) {
  if (!change.from) return;  // begin_expiry()
  const bool again = is_finished(*change.from);
  if (!change.to || again) return forget(step, change.row);
  const std::int64_t waits = is_waiting(*change.to) ? 1 : 0;
  step.db.prepare("UPDATE job_expiries SET waits=?2 WHERE job=?1 AND waits<>?2")
      .bind_all(change.row, waits)
      .run();
  if (waits == 0) return;
  auto rows = step.db.prepare("SELECT at FROM job_expiries WHERE job=?1");
  rows.bind_all(change.row);
  if (rows.step()) note(step, rows.int64(0));
}

void expire_due(Step& step, std::int64_t limit) {
  if (step.state.next_expiry > step.now) return;
  std::vector<std::int64_t> due;
  {
    auto rows = step.db.prepare(
        "SELECT job FROM job_expiries INDEXED BY job_expiries_due"
        " WHERE waits=1 AND at<=?1 ORDER BY at,job LIMIT ?2");
    rows.bind_all(step.now, limit);
    while (rows.step()) due.push_back(rows.int64(0));
  }
  for (const auto row : due) {
    step.db.prepare("UPDATE job_expiries SET waits=0 WHERE job=?1").bind_all(row).run();
    end_expired(step, row);
  }
  step.state.next_expiry = first_expiry(step.db);
}

std::int64_t first_expiry(sqlite::Database& db) {
  auto rows = db.prepare(
      "SELECT at FROM job_expiries INDEXED BY job_expiries_due WHERE waits=1 AND at>=0"
      " ORDER BY at LIMIT 1");
  return rows.step() ? rows.int64(0) : kNever;
}

}  // namespace weir::jobs
