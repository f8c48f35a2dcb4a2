// The limits of the job API, in one place. Requests outside of them are refused with the limit
// named (docs/errors.md: invalid_job, batch_too_large, ...).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace weir::jobs {

using namespace std::chrono_literals;
using Millis = std::chrono::milliseconds;

inline constexpr std::size_t kMaxBatchJobs = 10'000;
inline constexpr std::size_t kMaxTypeBytes = 128;
inline constexpr std::size_t kMaxKeyBytes = 256;
inline constexpr std::size_t kMaxUniqueKeyBytes = 256;
inline constexpr std::size_t kMaxIdempotencyKeyBytes = 255;
inline constexpr Millis kIdempotencyKept = 24h;  // answers of batches
inline constexpr Millis kMaxUniqueTtl = std::chrono::hours(24 * 365);
inline constexpr std::size_t kMaxWorkerBytes = 128;
inline constexpr std::size_t kMaxLabels = 16;  // of one worker
inline constexpr std::size_t kMaxLabelKeyBytes = 64;
inline constexpr std::size_t kMaxLabelValueBytes = 128;
inline constexpr std::size_t kMaxLabelLevels = 16;  // parts between the dots of a value
inline constexpr std::size_t kMaxTargetBytes = 256;
inline constexpr std::size_t kMaxFanOut = 1'000;     // workers of one job with the target _all
inline constexpr std::size_t kMaxFanOutId = 120;     // bytes of its id
inline constexpr std::size_t kMaxFilterBytes = 256;  // of the text looked for in errors
inline constexpr std::size_t kMaxTags = 32;
inline constexpr std::size_t kMaxTagBytes = 64;
inline constexpr std::size_t kMaxMembers = 64;              // of metadata and of headers
inline constexpr std::size_t kMaxMemberNameBytes = 128;     // of metadata and of headers
inline constexpr std::size_t kMaxMetadataBytes = 16 << 10;  // as JSON text; headers too
inline constexpr std::size_t kMaxErrorBytes = 64 << 10;     // a worker's error, as JSON text
inline constexpr std::size_t kMaxMessageBytes = 4 << 10;    // of a heartbeat
inline constexpr std::size_t kMaxLogLines = 500;            // of one report
inline constexpr std::size_t kMaxLogMessageBytes = 4 << 10;
inline constexpr std::int64_t kLogLinesKept = 1'000;      // of one job
inline constexpr std::int64_t kLogBytesKept = 256 << 10;  // of one job, the messages
inline constexpr std::int64_t kMaxPriority = 9;
inline constexpr std::int64_t kDefaultPriority = 5;
inline constexpr std::int64_t kMaxAttempts = 1'000;
inline constexpr std::int64_t kDefaultMaxAttempts = 25;
inline constexpr Millis kMinLease = 100ms;
inline constexpr Millis kMaxLease = 24h;
inline constexpr Millis kDefaultLease = 30s;
inline constexpr Millis kMinTimeout = 100ms;  // of one attempt
inline constexpr Millis kMaxTimeout = std::chrono::hours(24 * 365);
inline constexpr Millis kMaxWait = 60s;
inline constexpr std::int64_t kMaxLeaseJobs = 1'000;         // in one lease request
inline constexpr std::size_t kMaxLeaseReplyBytes = 8 << 20;  // payloads; then fewer than `max`
inline constexpr std::size_t kMaxWorkItems = 10'000;         // per list of one work request
inline constexpr std::size_t kMaxLeaseQueues = 64;           // named by one lease request
inline constexpr std::size_t kMaxLeaseTypes = 64;            // the same
inline constexpr Millis kMaxDelay = std::chrono::hours(24 * 365);
inline constexpr std::size_t kMaxBackoffSteps = 64;
inline constexpr Millis kMaxRetention = std::chrono::hours(24 * 365 * 10);
inline constexpr std::int64_t kMaxRetainedJobs = 100'000'000;
inline constexpr std::int64_t kMaxConcurrency = 1'000'000;    // of a queue, a key, everything
inline constexpr std::int64_t kMaxWaitingJobs = 100'000'000;  // of a queue or a key
inline constexpr std::int64_t kMaxRate = 1'000'000;           // limit and burst
inline constexpr Millis kMaxRatePeriod = 24h;
inline constexpr Millis kMaxAging = std::chrono::hours(24 * 30);
inline constexpr std::size_t kMaxIdsPerRequest = 10'000;
inline constexpr std::size_t kMaxQueues = 10'000;
inline constexpr std::size_t kMaxWaiters = 100'000;
inline constexpr std::size_t kMaxWorkersKept = 10'000;
inline constexpr Millis kWorkerKept = 15min;  // after it was last seen, when idle
inline constexpr Millis kDrainKept = 24h;     // the same, of a worker that is draining
inline constexpr Millis kWorkerLive = 75s;    // longer than kMaxWait: a live worker was seen since
inline constexpr Millis kAskedStep = 10s;     // how exactly it is known when workers asked a queue
inline constexpr Millis kAskedLately = 60s;   // a queue nobody asked for longer has no workers
inline constexpr Millis kCancelGrace = 30s;   // a cancelled running job ends by then
inline constexpr Millis kDefaultRetention = std::chrono::hours(24 * 7);
inline constexpr std::int64_t kDefaultRetainedJobs = 1'000'000;  // per queue

inline constexpr std::size_t kMaxParents = 100;           // of one job
inline constexpr std::size_t kMaxParentBytes = 64 << 10;  // results of parents, in one lease
inline constexpr std::int64_t kFollowRows = 1'000;        // edges one operation may follow

inline constexpr std::int64_t kMaxBatches = 1'000'000;  // kept at a time
inline constexpr std::size_t kMaxBatchNameBytes = 256;
inline constexpr Millis kDefaultSealAfter = 24h;  // an open batch is sealed by itself
inline constexpr Millis kMinSealAfter = 1s;
inline constexpr Millis kMaxSealAfter = std::chrono::hours(24 * 365);
inline constexpr Millis kBatchKept = 24h;          // after its end, when no member is kept
inline constexpr std::int64_t kSweepRows = 1'000;  // members one operation may look at to cancel

inline constexpr std::int64_t kMaxEventsKept = 500'000;  // lifecycle events, of all queues
inline constexpr Millis kEventsKept = std::chrono::hours(24 * 7);

inline constexpr std::int64_t kDefaultWebhookAttempts = 10;
inline constexpr std::int64_t kMaxWebhookAttempts = 100;
inline constexpr Millis kWebhookAge = std::chrono::hours(24 * 7);  // no retry later than that
inline constexpr Millis kMaxRetryAfter = 24h;                      // of a receiver
inline constexpr Millis kOldWebhookSecret = 24h;  // one that was replaced signs so much longer
inline constexpr std::int64_t kMaxWebhooksPending = 100'000;  // deliveries; more are dead at once
inline constexpr std::int64_t kMaxQueueWebhooks = 20'000;     // the same, of one queue
inline constexpr std::int64_t kMaxWebhooksKept = 10'000;      // deliveries that succeeded
inline constexpr std::int64_t kMaxWebhooksDead = 100'000;
inline constexpr Millis kWebhooksKept = 24h;                              // that succeeded
inline constexpr Millis kDeadWebhooksKept = std::chrono::hours(24 * 30);  // since they died
inline constexpr std::size_t kMaxWebhookReports = 1'000;                  // in one operation
inline constexpr std::size_t kMaxWebhookErrorBytes = 512;

inline constexpr std::size_t kMaxSchedules = 10'000;
inline constexpr std::size_t kMaxScheduleNameBytes = 100;
inline constexpr std::size_t kMaxScheduleJobBytes = 64 << 10;  // its job, as JSON text
inline constexpr std::size_t kMaxCronBytes = 256;
inline constexpr std::size_t kMaxTimeZoneBytes = 64;
inline constexpr Millis kMaxJitter = 24h;
inline constexpr std::int64_t kMaxCatchup = 1'000;      // runs made up at once
inline constexpr std::int64_t kDefaultCatchup = 100;    // for catchup "all"
inline constexpr std::size_t kMaxBackfill = 1'000;      // runs of one request
inline constexpr Millis kOnTime = 60s;                  // later, catchup "none" runs no more
inline constexpr std::size_t kScheduleScan = 10'000;    // missed runs looked at in one step
inline constexpr std::size_t kSchedulesPerRound = 500;  // that fire in one round of the leader

// Of queues of messages.
inline constexpr std::int64_t kDefaultMaxDepth = 100'000;
inline constexpr std::int64_t kDefaultMaxRetries = 3;
inline constexpr Millis kAckedKept = 1h;  // messages that were acknowledged
inline constexpr std::size_t kMaxConsumerBytes = 64;

inline constexpr std::int64_t kTickRows = 1'000;     // rows one tick may change
inline constexpr std::int64_t kPurgeRows = 5'000;    // rows one purge or redrive may change
inline constexpr std::int64_t kMaxRedrives = 100;    // that run at a time
inline constexpr std::int64_t kRedrivesKept = 100;   // that have ended
inline constexpr std::int64_t kRedriveRows = 500;    // of one redrive in one tick
inline constexpr std::int64_t kRedriveStepMs = 200;  // a redrive with a rate goes on so often
inline constexpr std::size_t kMaxPatchBytes = 64 << 10;
inline constexpr std::size_t kInlineBytes = 1'024;     // larger payloads, results: side table
inline constexpr std::int64_t kAttemptsKept = 100;     // attempt rows kept for one job
inline constexpr std::int64_t kListScanRows = 10'000;  // rows one list page may look at
inline constexpr std::size_t kWorkerJobsShown = 20;    // of each worker in a list
inline constexpr std::int64_t kExplainCount = 1'000;   // jobs or keys ahead that explain counts
inline constexpr std::int64_t kExplainKeys = 20'000;   // keys of a queue that explain looks at

}  // namespace weir::jobs
