#include "jobs/edit.hpp"

#include "jobs/expiry.hpp"
#include "jobs/large_values.hpp"
#include "jobs/limits.hpp"
#include "jobs/stored_form.hpp"
#include "pkg/base/assert.hpp"

namespace weir::jobs {
namespace {

void set_payload(Step& step, Job& job, std::string_view payload) {
  const auto bit = blob_bit(Blob::payload);
  if (is_large_form(payload)) job.parts |= kLargeBit;
  keep_large(step, job.row, Blob::payload, payload);
  if (payload.size() > kInlineBytes) {
    write_blob(step.db, job.row, Blob::payload, payload);
    job.parts |= bit;
    job.payload.clear();
    return;
  }
  job.payload = payload;
  if ((job.parts & bit) == 0) return;
  step.db.prepare("DELETE FROM job_blobs WHERE key=?1")
      .bind_all(blob_key(job.row, Blob::payload))
      .run();
  job.parts &= ~bit;
}

void bind_text(sqlite::Statement& write, int index, const std::string& text) {
  if (text.empty()) {
    write.bind_null(index);
  } else {
    write.bind(index, text);
  }
}

void write_row(Step& step, const Job& job) {
  auto write = step.db.prepare(
      "UPDATE jobs SET status=?2,priority=?3,at=?4,run_at=?5,max_attempts=?6,lease_ms=?7,"
      "revision=?8,parts=?9,type=?10,options=?11,payload=?12,target=?13 WHERE row=?1");
  write.bind_all(job.row, static_cast<std::int64_t>(job.status), job.priority, job.at, job.run_at,
                 job.max_attempts, job.lease_ms, job.revision, job.parts);
  bind_text(write, 10, job.type);
  bind_text(write, 11, job.options);
  bind_text(write, 12, job.payload);
  bind_text(write, 13, job.target);
  write.run();
}

// A ready job is one of its new target from here on; other workers may run it now.
void set_target(Step& step, Queue& queue, Job& job, const std::string& target) {
  if (target == job.target) return;
  const bool ready = job.status == Status::unprocessed;
  if (ready && !job.target.empty()) QueueBook::count_target(queue, job.target, -1);
  if (ready && !target.empty()) QueueBook::count_target(queue, target, 1);
  if (ready) step.state.queues.wake(queue);
  job.target = target;
  job.parts = target.empty() ? job.parts & ~kTargeted : job.parts | kTargeted;
}

}  // namespace

void edit_job(Step& step, Job& job, const Edit& edit) {
  WEIR_ASSERT(is_waiting(job.status));
  Queue& queue = step.state.queues.get(job.queue);
  const auto from = job.status;
  const auto old_priority = job.priority;
  job.revision = step.revision;
  if (edit.payload) set_payload(step, job, *edit.payload);
  if (edit.type) job.type = *edit.type;
  if (edit.target) set_target(step, queue, job, *edit.target);
  if (edit.options) {
    job.options = *edit.options;
    const auto before = job.parts & kExpiringBit;
    job.parts = (job.parts & ~(kTimedBit | kExpiringBit | kRetentionBit | kHookedBit)) |
                option_bits(job.options);
    const auto after = job.parts & kExpiringBit;
    if ((before | after) != 0) replace_expiry(step, job.row, after != 0, job.options);
  }
  if (edit.priority) job.priority = *edit.priority;
  if (edit.max_attempts) job.max_attempts = edit.max_attempts;
  if (edit.lease_ms) job.lease_ms = edit.lease_ms;
  if (edit.run_at) job.run_at = edit.run_at;
  if (edit.run_at && from != Status::blocked) {
    job.status = *edit.run_at > step.now ? Status::scheduled : Status::unprocessed;
    job.at = job.status == Status::scheduled ? job.run_at : std::nullopt;
  }
  write_row(step, job);
  if (job.status != from) {
    step.change({.row = job.row,
                 .queue = queue,
                 .from = from,
                 .to = job.status,
                 .cause = Cause::edit,
                 .priority = from == Status::unprocessed ? old_priority : job.priority,
                 .at = job.at.value_or(0),
                 .parts = job.parts});
  } else if (from == Status::unprocessed) {
    step.state.queues.reprioritize(queue, job.key, old_priority, job.priority, step.now);
  } else if (job.at) {
    QueueBook::note_due(queue, *job.at);
  }
}

}  // namespace weir::jobs
