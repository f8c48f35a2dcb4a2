// The tables of the job machine and the numbers stored in them.
//
// Rows stay near the end of their table and indexes (row numbers and UUIDv7 ids grow), and there
// are four indexes only: by id, the ready jobs by target (most have none), priority and key, in the
// order of leasing, the same for those with a type by type (workers that name types), and all
// others by status and queue in the order of `at`, which also serves as the timer queue of its
// status:
//   scheduled: run_at · processing: started_at · finished and dlq: finished_at
#pragma once

#include <cstdint>
#include <span>

#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

std::span<const sqlite::Migration> job_migrations();

// Values over kInlineBytes live in job_blobs under row * 8 + kind, so that updates of a job do not
// rewrite them. Bit 1 << kind of jobs.parts says that the value is there.
enum class Blob : std::uint8_t { payload = 0, result = 1, checkpoint = 2, progress = 3, error = 4 };
inline constexpr std::int64_t kBlobKinds = 8;
// Bit of jobs.parts: rows in job_attempts.
inline constexpr std::int64_t kHasAttempts = 1 << 7;
// Bits of jobs.parts from here on: something follows when the job changes its status
// (jobs/followers.hpp).
inline constexpr std::int64_t kQuotaBit = 1 << 21;  // a row in job_owners
inline constexpr std::int64_t kLargeBit = 1 << 24;  // rows in job_large
inline constexpr std::int64_t kFollowed = 0xFF00 | kQuotaBit | kLargeBit;
inline constexpr std::int64_t kUniqueBit = 1 << 8;      // a row in job_unique
inline constexpr std::int64_t kIdempotentBit = 1 << 9;  // rows in job_idempotency
inline constexpr std::int64_t kInBatch = 1 << 10;       // a row in job_members
inline constexpr std::int64_t kExpiringBit = 1 << 15;   // options have expires_at (jobs/expiry.hpp)
inline constexpr std::int64_t kRetentionBit = 1 << 11;  // options have retention_ms
inline constexpr std::int64_t kScheduleBit = 1 << 12;   // a row in job_schedule_runs
inline constexpr std::int64_t kHasParents = 1 << 13;    // rows in job_parents, as the child
inline constexpr std::int64_t kHasChildren = 1 << 14;   // rows in job_parents, as the parent

// Bit of jobs.parts: options have timeout_ms.
inline constexpr std::int64_t kTimedBit = 1 << 16;
// Bit of jobs.parts: the job has a key, so a lane of its queue counts it (jobs/lane_ring.hpp).
inline constexpr std::int64_t kKeyed = 1 << 17;
// Bit of jobs.parts: rows in job_logs and job_log_sums (jobs/job_log.hpp).
inline constexpr std::int64_t kHasLog = 1 << 20;
// Bit of jobs.parts: the job has a target, whose ready jobs its queue counts (jobs/target.hpp).
inline constexpr std::int64_t kTargeted = 1 << 18;
// Bits of jobs.parts: the target is _all, and its parents in job_parents are the jobs of its
// workers; some of those completed, others did not (jobs/fan_out.hpp).
inline constexpr std::int64_t kFanOut = 1 << 19;
inline constexpr std::int64_t kPartial = 1 << 22;
// Bit of jobs.parts: options have a webhook of the job.
inline constexpr std::int64_t kHookedBit = 1 << 23;
// What the lease of a running job remembers of its parts.
inline constexpr std::int64_t kNoted = kFollowed | kKeyed | kTargeted | kHookedBit;

constexpr std::int64_t blob_key(std::int64_t row, Blob kind) {
  return row * kBlobKinds + static_cast<std::int64_t>(kind);
}
constexpr std::int64_t blob_bit(Blob kind) {
  return std::int64_t{1} << static_cast<int>(kind);
}

// How an attempt in job_attempts ended. The numbers are stored.
enum class Outcome : std::uint8_t {
  failed = 0,
  expired = 1,
  released = 2,
  cancelled = 3,
  timeout = 4
};

// job_totals.kind: the revision of the newest event that is not kept any more.
inline constexpr std::int64_t kEventsDroppedKind = 1'001;

// job_counts.kind: the index of a status, or this plus the priority of ready jobs.
inline constexpr std::int64_t kReadyKind = 16;
// job_counts.kind: this plus a QueueTotal.
inline constexpr std::int64_t kTotalKind = 48;
// job_counts.kind: the token bucket of a queue (jobs/rate.hpp).
inline constexpr std::int64_t kBucketKind = 64;
// job_counts.kind: when a worker last asked for jobs of a queue, see Queue::asked_at.
inline constexpr std::int64_t kAskedKind = 67;
// job_counts.kind beside kAllQueues: the last turn of a lane; the limit of running jobs.
inline constexpr std::int64_t kTurnKind = 65;
inline constexpr std::int64_t kConcurrencyKind = 66;
// job_counts.queue of the sums over all queues; real queues count from 1.
inline constexpr std::int64_t kAllQueues = 0;

}  // namespace weir::jobs
