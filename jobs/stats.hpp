// What the job machine shows to /metrics and /health/status without touching SQLite: published
// after each commit, read from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "jobs/status.hpp"
#include "jobs/times.hpp"
#include "pkg/base/clock.hpp"

namespace weir::jobs {

using Counts = std::array<std::int64_t, kStatusCount>;  // by index_of(Status)

// Lifecycle events since the first entry of the log; kept in the tables.
enum class Total : std::uint8_t {
  submitted,
  duplicates,
  leased,
  completed,
  failed_attempts,  // failed by the worker or by expiry
  expired,          // leases that ran out
  released,
  retries_scheduled,
  dead_lettered,
  failed,  // ended as failed
  cancelled,
  retried,  // by an operator, redrives included
  removed,  // deleted, purged or past retention
  // Of schedules, not of jobs:
  schedule_runs,
  schedule_missed,   // not started in time and not made up
  schedule_skipped,  // because of earlier runs, or refused
  schedule_late_ms,  // how late the runs that were due began, added up
  // Of webhooks:
  webhooks,  // deliveries that were made
  webhooks_delivered,
  webhook_attempts_failed,
  webhooks_dead,
};
inline constexpr std::size_t kJobTotalCount = 13;
inline constexpr std::size_t kTotalCount = 21;
using Totals = std::array<std::int64_t, kTotalCount>;  // by static_cast<size_t>(Total)
std::string_view to_string(Total total);               // "failed_attempts"

struct WorkerStats {
  std::string name;
  Timestamp last_seen{};
  std::int64_t running = 0;
};

struct QueueStats {
  std::string name;
  bool paused = false;
  Counts counts{};
};

// Deliveries as they stand.
struct WebhookStats {
  std::int64_t pending = 0;
  std::int64_t dead = 0;
};

struct Stats {
  Counts counts{};
  Totals totals{};
  std::vector<QueueStats> queues;    // by name
  std::vector<WorkerStats> workers;  // seen in the last kWorkerKept, by name
  std::int64_t waiters = 0;          // parked lease requests
  WebhookStats webhooks;
  // Everything retained, and the public `unprocessed` (scheduled and blocked included).
  std::int64_t total() const;
  std::int64_t waiting() const;
};

// Thread-safe. One writer (the machine, in after_commit), any readers.
class StatsBoard {
 public:
  Stats snapshot() const;         // copies; for pages that list everything
  Counts counts() const;          // O(1)
  Totals totals() const;          // O(1)
  WebhookStats webhooks() const;  // O(1)

  TimesBoard& times() { return times_; }
  const TimesBoard& times() const { return times_; }

  struct Update {
    Counts counts{};
    Totals totals{};
    std::int64_t waiters = 0;
    WebhookStats webhooks;
    bool replace = false;  // forget queues and workers that are not in this update
    std::vector<QueueStats> queues;
    std::vector<std::string> removed_queues;
    std::vector<WorkerStats> workers;
    std::vector<std::string> removed_workers;
  };
  void publish(Update update);

 private:
  TimesBoard times_;
  mutable std::mutex mutex_;
  Counts counts_{};
  Totals totals_{};
  std::int64_t waiters_ = 0;
  WebhookStats webhooks_;
  std::map<std::string, QueueStats, std::less<>> queues_;
  std::map<std::string, WorkerStats, std::less<>> workers_;
};

}  // namespace weir::jobs
