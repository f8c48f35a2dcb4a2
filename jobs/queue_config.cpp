#include "jobs/queue_config.hpp"

namespace weir::jobs {
namespace {

Retention parse_retention(json::View text) {
  Retention out;
  for (const auto& member : text.members()) {
    if (member.raw_key == "completed_ms") {
      out.completed_ms = member.value.as_int().value_or(out.completed_ms);
    } else if (member.raw_key == "failed_ms") {
      out.failed_ms = member.value.as_int().value_or(out.failed_ms);
    } else if (member.raw_key == "count") {
      out.count = member.value.as_int().value_or(out.count);
    }
  }
  return out;
}

}  // namespace

QueueConfig parse_queue_config(json::View text) {
  QueueConfig out;
  for (const auto& member : text.members()) {
    if (member.raw_key == "max_attempts") {
      out.max_attempts = member.value.as_int().value_or(out.max_attempts);
    } else if (member.raw_key == "lease_ms") {
      out.lease_ms = member.value.as_int().value_or(out.lease_ms);
    } else if (member.raw_key == "backoff") {
      out.backoff = parse_backoff(member.value);
    } else if (member.raw_key == "retention") {
      out.retention = parse_retention(member.value);
    } else if (member.raw_key == "dlq") {
      out.dlq = member.value.as_bool().value_or(out.dlq);
    } else if (member.raw_key == "events") {
      out.events = member.value.as_bool().value_or(out.events);
    }
  }
  return out;
}

void write_queue_config(json::Writer& out, const QueueConfig& config) {
  out.begin_object()
      .member("max_attempts", config.max_attempts)
      .member("lease_ms", config.lease_ms)
      .key("backoff");
  write_backoff(out, config.backoff);
  out.key("retention")
      .begin_object()
      .member("completed_ms", config.retention.completed_ms)
      .member("failed_ms", config.retention.failed_ms)
      .member("count", config.retention.count)
      .end_object()
      .member("dlq", config.dlq)
      .member("events", config.events)
      .end_object();
}

}  // namespace weir::jobs
