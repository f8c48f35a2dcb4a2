// QueueConfig: the settings of one queue, defaults included. Stored as JSON text in job_queues.
#pragma once

#include <cstdint>
#include <optional>

#include "jobs/backoff.hpp"
#include "jobs/limits.hpp"
#include "jobs/rate.hpp"
#include "jobs/webhook.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {

struct Retention {
  std::int64_t completed_ms = kDefaultRetention.count();
  std::int64_t failed_ms = kDefaultRetention.count();  // failed and cancelled
  std::int64_t count = kDefaultRetainedJobs;           // completed, failed and cancelled together
};

// Limits of each key of a queue; 0: none.
struct PerKey {
  std::int64_t concurrency = 0;
  std::int64_t max_waiting = 0;  // ready jobs
  Rate rate = {};
};

struct QueueConfig {
  std::int64_t default_priority = kDefaultPriority;  // of jobs that name none
  std::int64_t max_attempts = kDefaultMaxAttempts;
  std::int64_t lease_ms = kDefaultLease.count();
  Backoff backoff = {};
  Retention retention = {};
  bool dlq = true;      // dead letters; false: such jobs end as failed
  bool events = false;  // lifecycle events are kept and published
  // Limits; 0: none.
  std::int64_t concurrency = 0;  // running jobs
  std::int64_t max_waiting = 0;  // scheduled, blocked and ready jobs
  Rate rate = {};                // leases
  PerKey per_key = {};
  std::int64_t aging_ms = 0;  // a waiting job rises one priority per so much time; 0: never

  WebhookConfig webhook = {};

  // Every change of a job is looked at, whether it is an event for somebody.
  bool notes_changes() const { return events || webhook.is_on(); }
  // The end of a running job may let another one run.
  bool counts_running() const { return concurrency > 0 || per_key.concurrency > 0; }
  bool limits_waiting() const { return max_waiting > 0 || per_key.max_waiting > 0; }
  bool has_rate() const { return static_cast<bool>(rate) || static_cast<bool>(per_key.rate); }
};

// From a body that Requests::queue_config() made; members that are missing keep their defaults.
QueueConfig parse_queue_config(json::View text);
// Every setting, as GET /v1/queues/{q} shows it.
void write_queue_config(json::Writer& out, const QueueConfig& config);

}  // namespace weir::jobs
