// QueueConfig: the settings of one queue, defaults included. Stored as JSON text in job_queues.
#pragma once

#include <cstdint>
#include <optional>

#include "jobs/backoff.hpp"
#include "jobs/limits.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {

struct Retention {
  std::int64_t completed_ms = kDefaultRetention.count();
  std::int64_t failed_ms = kDefaultRetention.count();  // failed and cancelled
  std::int64_t count = kDefaultRetainedJobs;           // completed, failed and cancelled together
};

struct QueueConfig {
  std::int64_t max_attempts = kDefaultMaxAttempts;
  std::int64_t lease_ms = kDefaultLease.count();
  Backoff backoff = {};
  Retention retention = {};
  bool dlq = true;      // dead letters; false: such jobs end as failed
  bool events = false;  // lifecycle events are kept and published
};

// From a body that Requests::queue_config() made; members that are missing keep their defaults.
QueueConfig parse_queue_config(json::View text);
// Every setting, as GET /v1/queues/{q} shows it.
void write_queue_config(json::Writer& out, const QueueConfig& config);

}  // namespace weir::jobs
