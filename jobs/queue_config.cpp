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

Rate parse_rate(json::View text) {
  Rate out;
  out.limit = text.find("limit").as_int().value_or(0);
  out.per_ms = text.find("per_ms").as_int().value_or(out.per_ms);
  out.burst = text.find("burst").as_int().value_or(out.limit);
  return out;
}

PerKey parse_per_key(json::View text) {
  PerKey out;
  out.concurrency = text.find("concurrency").as_int().value_or(0);
  out.max_waiting = text.find("max_waiting").as_int().value_or(0);
  if (const auto rate = text.find("rate"); !rate.is_missing()) out.rate = parse_rate(rate);
  return out;
}

void write_rate(json::Writer& out, const Rate& rate) {
  out.key("rate");
  if (!rate) {
    out.null();
    return;
  }
  out.begin_object()
      .member("limit", rate.limit)
      .member("per_ms", rate.per_ms)
      .member("burst", rate.burst)
      .end_object();
}

void write_limit(json::Writer& out, std::string_view name, std::int64_t limit) {
  out.key(name);
  if (limit == 0) {
    out.null();
  } else {
    out.value(limit);
  }
}

}  // namespace

QueueConfig parse_queue_config(json::View text) {
  QueueConfig out;
  for (const auto& member : text.members()) {
    if (member.raw_key == "max_attempts") {
      out.max_attempts = member.value.as_int().value_or(out.max_attempts);
    } else if (member.raw_key == "default_priority") {
      out.default_priority = member.value.as_int().value_or(out.default_priority);
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
    } else if (member.raw_key == "concurrency") {
      out.concurrency = member.value.as_int().value_or(0);
    } else if (member.raw_key == "max_waiting") {
      out.max_waiting = member.value.as_int().value_or(0);
    } else if (member.raw_key == "rate") {
      out.rate = parse_rate(member.value);
    } else if (member.raw_key == "per_key") {
      out.per_key = parse_per_key(member.value);
    } else if (member.raw_key == "aging_ms") {
      out.aging_ms = member.value.as_int().value_or(0);
    } else if (member.raw_key == "webhook") {
      out.webhook = parse_webhook(member.value);
    }
  }
  return out;
}

void write_queue_config(json::Writer& out, const QueueConfig& config) {
  out.begin_object()
      .member("default_priority", config.default_priority)
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
      .member("aging_ms", config.aging_ms);
  write_limit(out, "concurrency", config.concurrency);
  write_limit(out, "max_waiting", config.max_waiting);
  write_rate(out, config.rate);
  out.key("per_key").begin_object();
  write_limit(out, "concurrency", config.per_key.concurrency);
  write_limit(out, "max_waiting", config.per_key.max_waiting);
  write_rate(out, config.per_key.rate);
  out.end_object().key("webhook");
  write_webhook(out, config.webhook);
  out.end_object();
}

}  // namespace weir::jobs
