// Requests of owners and operators: jobs, queues, dead letters.
#include "jobs/job_request.hpp"
#include "jobs/request_parts.hpp"
#include "jobs/requests.hpp"
#include "jobs/webhook_request.hpp"
#include "pkg/webhook/signature.hpp"

namespace weir::jobs {
namespace {

constexpr std::string_view kInvalid = "invalid_request";

Result<replica::Operation> on_job(std::string_view name, std::string_view id, json::View body) {
  FieldErrors errors;
  Fields(errors, body).finish();
  if (!is_valid_id(id)) {
    return Error{Code::not_found, "job_not_found", "There is no such job",
                 std::string(id.substr(0, 128))};
  }
  return finish_request(errors, kInvalid, name, one_member("id", id), 1 << 20);
}

Result<replica::Operation> on_queue(std::string_view name, std::string_view queue) {
  FieldErrors errors;
  check_queue_name(errors, "queue", queue);
  return finish_request(errors, kInvalid, name, one_member("queue", queue), 1 << 20);
}

void write_retention(FieldErrors& errors, json::View value, json::Writer& out) {
  Fields fields(errors, value, "retention");
  out.key("retention").begin_object();
  for (const std::string_view name : {"completed_ms", "failed_ms"}) {
    if (const auto ms = fields.duration_ms(name, 0ms, kMaxRetention)) out.member(name, *ms);
  }
  if (const auto count = fields.integer("count", 0, kMaxRetainedJobs)) out.member("count", *count);
  fields.finish();
  out.end_object();
}

void write_limit(Fields& fields, std::string_view name, std::int64_t most, json::Writer& out) {
  if (const auto limit = fields.integer(name, 1, most)) out.member(name, *limit);
}

void write_rate(Fields& parent, json::Writer& out) {
  const auto value = parent.object("rate");
  if (value.is_missing()) return;
  Fields fields(parent.errors(), value, parent.path("rate"));
  out.key("rate").begin_object();
  const auto limit = fields.integer("limit", 1, kMaxRate);
  if (limit) {
    out.member("limit", *limit);
  } else if (!fields.has("limit")) {
    fields.complain("limit", "is required");
  }
  if (const auto per = fields.duration_ms("per_ms", 1ms, kMaxRatePeriod)) {
    out.member("per_ms", *per);
  }
  write_limit(fields, "burst", kMaxRate, out);
  fields.finish();
  out.end_object();
}

void write_limits(Fields& fields, json::Writer& out) {
  write_limit(fields, "concurrency", kMaxConcurrency, out);
  write_limit(fields, "max_waiting", kMaxWaitingJobs, out);
  write_rate(fields, out);
  if (const auto aging = fields.duration_ms("aging_ms", 0ms, kMaxAging)) {
    out.member("aging_ms", *aging);
  }
  const auto value = fields.object("per_key");
  if (value.is_missing()) return;
  Fields own(fields.errors(), value, fields.path("per_key"));
  out.key("per_key").begin_object();
  write_limit(own, "concurrency", kMaxConcurrency, out);
  write_limit(own, "max_waiting", kMaxWaitingJobs, out);
  write_rate(own, out);
  own.finish();
  out.end_object();
}

void write_ids(Fields& fields, json::View ids, json::Writer& out) {
  out.key("ids").begin_array();
  std::size_t index = 0;
  for (const auto id : ids.elements()) {
    const auto field = fields.path("ids[" + std::to_string(index++) + "]");
    const auto text = id.as_string();
    if (!text) {
      fields.errors().wrong_type(field, "a string", id);
    } else if (check_job_id(fields.errors(), field, *text)) {
      out.value(*text);
    }
  }
  out.end_array();
}

// {"ids":[...]} or {"queue":"q"}, bare or inside "filter".
Result<replica::Operation> on_dead(std::string_view name, json::View body, std::size_t max_bytes) {
  FieldErrors errors;
  Fields outer(errors, body);
  const auto filter = outer.object("filter");
  const auto read = [&](Fields& fields) {
    json::Writer out(256);
    out.begin_object();
    const auto ids = fields.array("ids", kMaxIdsPerRequest);
    const auto queue = fields.text("queue", 4'096);
    if (!ids.is_missing() == queue.has_value()) {
      fields.complain("queue", "or ids is required, not both");
    } else if (queue) {
      check_queue_name(errors, fields.path("queue"), *queue);
      out.member("queue", *queue);
    } else {
      write_ids(fields, ids, out);
    }
    fields.finish();
    out.end_object();
    return out.take();
  };
  std::string text;
  if (filter.is_missing()) {
    text = read(outer);
  } else {
    Fields inner(errors, filter, "filter");
    text = read(inner);
    outer.finish();
  }
  return finish_request(errors, kInvalid, name, std::move(text), max_bytes);
}

}  // namespace

Result<replica::Operation> Requests::cancel(std::string_view id, json::View body) const {
  return on_job("jobs.cancel", id, body);
}

Result<replica::Operation> Requests::promote(std::string_view id, json::View body) const {
  return on_job("jobs.promote", id, body);
}

Result<replica::Operation> Requests::remove(std::string_view id) const {
  return on_job("jobs.remove", id, json::View());
}

Result<replica::Operation> Requests::edit(std::string_view id, json::View body) const {
  WEIR_TRY(on_job("jobs.edit", id, json::View()));
  FieldErrors errors;
  json::Writer out(body.raw().size() + 64);
  out.begin_object().member("id", id);
  write_job_edit(errors, body, options_.max_payload_bytes, out);
  out.end_object();
  return finish_request(errors, kInvalid, "jobs.edit", out.take(), options_.max_operation_bytes);
}

Result<replica::Operation> Requests::retry(std::string_view id, json::View body) const {
  FieldErrors errors;
  Fields fields(errors, body);
  const bool as_new = fields.boolean("as_new").value_or(false);
  fields.finish();
  WEIR_ASSIGN(auto operation, on_job("jobs.retry", id, json::View()));
  if (as_new) {
    json::Writer out(128);
    out.begin_object().member("id", id).member("as_new", ids_.next()).end_object();
    operation.body = out.take();
  }
  if (!errors.empty()) return errors.error(kInvalid, "The request is not valid");
  return operation;
}

Result<replica::Operation> Requests::queue_config(std::string_view queue, json::View body) const {
  FieldErrors errors;
  check_queue_name(errors, "queue", queue);
  Fields fields(errors, body);
  json::Writer out(256);
  out.begin_object().member("queue", queue).key("config").begin_object();
  if (const auto priority = fields.integer("default_priority", 0, kMaxPriority)) {
    out.member("default_priority", *priority);
  }
  if (const auto most = fields.integer("max_attempts", 1, kMaxAttempts)) {
    out.member("max_attempts", *most);
  }
  if (const auto lease = fields.duration_ms("lease_ms", kMinLease, kMaxLease)) {
    out.member("lease_ms", *lease);
  }
  if (const auto backoff = fields.object("backoff"); !backoff.is_missing()) {
    out.key("backoff");
    write_backoff_request(errors, backoff, "backoff", out);
  }
  if (const auto keep = fields.object("retention"); !keep.is_missing()) {
    write_retention(errors, keep, out);
  }
  if (const auto dlq = fields.boolean("dlq")) out.member("dlq", *dlq);
  if (const auto events = fields.boolean("events")) out.member("events", *events);
  write_limits(fields, out);
  write_queue_webhook(fields, webhook::make_secret(random_), out);
  fields.finish();
  out.end_object().end_object();
  return finish_request(errors, kInvalid, "jobs.queue_config", out.take(),
                        options_.max_operation_bytes);
}

Result<replica::Operation> Requests::set_limits(json::View body) const {
  FieldErrors errors;
  Fields fields(errors, body);
  json::Writer out(64);
  out.begin_object();
  write_limit(fields, "concurrency", kMaxConcurrency, out);
  fields.finish();
  out.end_object();
  return finish_request(errors, kInvalid, "jobs.limits", out.take(), options_.max_operation_bytes);
}

Result<replica::Operation> Requests::queue_remove(std::string_view queue) const {
  return on_queue("jobs.queue_remove", queue);
}

Result<replica::Operation> Requests::pause(std::string_view queue) const {
  return on_queue("jobs.pause", queue);
}

Result<replica::Operation> Requests::resume(std::string_view queue) const {
  return on_queue("jobs.resume", queue);
}

Result<replica::Operation> Requests::purge(std::string_view queue) const {
  return on_queue("jobs.purge", queue);
}

Result<replica::Operation> Requests::dlq_redrive(json::View body) const {
  return on_dead("jobs.dlq_redrive", body, options_.max_operation_bytes);
}

Result<replica::Operation> Requests::dlq_purge(json::View body) const {
  return on_dead("jobs.dlq_purge", body, options_.max_operation_bytes);
}

Result<replica::Operation> Requests::webhook_redrive(json::View body) const {
  return on_dead("jobs.webhook_redrive", body, options_.max_operation_bytes);
}

Result<replica::Operation> Requests::webhook_purge(json::View body) const {
  return on_dead("jobs.webhook_purge", body, options_.max_operation_bytes);
}

Result<replica::Operation> Requests::webhook_test(std::string_view queue) const {
  return on_queue("jobs.webhook_test", queue);
}

Bulk next_step(const replica::Operation& operation, std::string_view reply) {
  const json::View answer(reply);
  Bulk out;
  for (const std::string_view name : {"purged", "redriven"}) {
    if (const auto done = answer.find(name).as_int()) out.done = *done;
  }
  if (!answer.find("more").as_bool().value_or(false)) return out;
  json::Writer body(128);
  body.begin_object()
      .raw_member("queue", json::View(operation.body).find("queue").raw())
      .raw_member("before", answer.find("before").raw())
      .end_object();
  out.next = replica::Operation{operation.name, body.take()};
  return out;
}

}  // namespace weir::jobs
