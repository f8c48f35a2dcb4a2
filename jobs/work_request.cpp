// Requests of workers: lease, work, and leases one at a time.
#include <set>

#include "jobs/job_log.hpp"
#include "jobs/request_parts.hpp"
#include "jobs/requests.hpp"
#include "jobs/target.hpp"

namespace weir::jobs {
namespace {

constexpr std::string_view kInvalid = "invalid_request";

// Sorted, each once: the same lists are equal.
void write_types(Fields& fields, json::Writer& out) {
  const auto types = fields.array("types", kMaxLeaseTypes);
  if (types.is_missing()) return;
  std::set<std::string> words;
  std::size_t index = 0;
  for (const auto type : types.elements()) {
    const auto field = fields.path("types[" + std::to_string(index++) + "]");
    const auto word = type.as_string();
    if (!word) {
      fields.errors().wrong_type(field, "a string", type);
    } else if (word->empty() || word->size() > kMaxTypeBytes) {
      fields.errors().invalid(field, "must be 1 to " + std::to_string(kMaxTypeBytes) + " bytes");
    } else {
      words.insert(*word);
    }
  }
  if (index == 0) fields.complain("types", "must name at least one type");
  out.key("types").begin_array();
  for (const auto& word : words) out.value(word);
  out.end_array();
}

// types, labels, max, wait_ms and lease_ms of a lease; answers wait_ms.
Millis write_lease_terms(Fields& fields, const LeaseWaiter& waiter, Millis slack,
                         json::Writer& out) {
  write_types(fields, out);
  write_labels(fields, out);
  out.member("max", fields.integer("max", 1, kMaxLeaseJobs).value_or(1));
  if (const auto lease = fields.duration_ms("lease_ms", kMinLease, kMaxLease)) {
    out.member("lease_ms", *lease);
  }
  const auto wait = fields.duration_ms("wait_ms", 0ms, kMaxWait).value_or(0);
  if (wait > 0) {
    out.member("node", waiter.node).member("waiter", waiter.waiter);
    out.member("wait_ms", wait + slack.count());
  }
  return Millis{wait};
}

void write_path_queues(FieldErrors& errors, std::string_view list, json::Writer& out) {
  out.key("queues").begin_array();
  std::size_t count = 0;
  while (true) {
    const auto comma = list.find(',');
    const auto name = list.substr(0, comma);
    if (check_queue_name(errors, "queue", name)) out.value(name);
    ++count;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  if (count > kMaxLeaseQueues) {
    errors.invalid("queue", "must name at most " + std::to_string(kMaxLeaseQueues) + " queues");
  }
  out.end_array();
}

void write_body_queues(Fields& fields, json::Writer& out) {
  const auto queues = fields.array("queues", kMaxLeaseQueues);
  out.key("queues").begin_array();
  std::size_t count = 0;
  for (const auto queue : queues.elements()) {
    const auto field = fields.path("queues[" + std::to_string(count++) + "]");
    const auto name = queue.as_string();
    if (!name) {
      fields.errors().wrong_type(field, "a string", queue);
    } else if (check_queue_name(fields.errors(), field, *name)) {
      out.value(*name);
    }
  }
  if (count == 0) fields.complain("queues", "must name at least one queue");
  out.end_array();
}

// What an item says beside its lease.
using ItemWriter = void (*)(Fields& fields, std::size_t max_bytes, json::Writer& out);

void write_complete(Fields& fields, std::size_t max_bytes, json::Writer& out) {
  write_json(fields, "result", max_bytes, out);
  write_log_request(fields, out);
}

void write_fail(Fields& fields, std::size_t, json::Writer& out) {
  const auto error = fields.raw("error");
  if (!error.is_missing() && !error.is_null()) {
    out.key("error");
    write_worker_error(fields.errors(), error, fields.path("error"), out);
  }
  const auto retry = fields.boolean("retry");
  if (retry) out.member("retry", *retry);
  if (const auto terminate = fields.boolean("terminate")) {
    if (*terminate && retry.value_or(false)) {
      fields.complain("terminate", "does not go with retry: true");
    }
    out.member("terminate", *terminate);
  }
  if (const auto after = fields.duration_ms("retry_after_ms", 0ms, kMaxDelay)) {
    out.member("retry_after_ms", *after);
  }
  write_log_request(fields, out);
}

void write_release(Fields& fields, std::size_t, json::Writer& out) {
  if (const auto delay = fields.duration_ms("delay_ms", 0ms, kMaxDelay)) {
    out.member("delay_ms", *delay);
  }
  write_log_request(fields, out);
}

void write_heartbeat(Fields& fields, std::size_t max_bytes, json::Writer& out) {
  write_json(fields, "progress", kMaxMessageBytes, out);
  if (const auto message = fields.text("message", kMaxMessageBytes)) {
    out.member("message", *message);
  }
  write_json(fields, "checkpoint", max_bytes, out);
  write_log_request(fields, out);
}

void write_items(Fields& fields, std::string_view list, ItemWriter write, std::size_t max_bytes,
                 json::Writer& out) {
  const auto items = fields.array(list, kMaxWorkItems);
  if (items.is_missing()) return;
  out.key(list).begin_array();
  std::size_t index = 0;
  for (const auto value : items.elements()) {
    const auto path = fields.path(std::string(list) + "[" + std::to_string(index++) + "]");
    // A release is often the token alone.
    const auto token = write == write_release ? value.as_string() : std::nullopt;
    out.begin_object();
    if (token) {
      out.member("lease", *token);
    } else {
      Fields item(fields.errors(), value, path);
      if (const auto lease = item.required_text("lease", 256)) out.member("lease", *lease);
      write(item, max_bytes, out);
      item.finish();
    }
    out.end_object();
  }
  out.end_array();
}

}  // namespace

Result<LeaseRequest> Requests::lease(std::string_view queues, json::View body,
                                     const LeaseWaiter& waiter) const {
  FieldErrors errors;
  Fields fields(errors, body);
  json::Writer out(256);
  out.begin_object();
  out.member("worker", fields.required_text("worker", kMaxWorkerBytes).value_or(""));
  write_path_queues(errors, queues, out);
  const auto wait = write_lease_terms(fields, waiter, options_.waiter_slack, out);
  out.member("salt", draw_salt(random_)).end_object();
  fields.finish();
  WEIR_ASSIGN(auto operation, finish_request(errors, kInvalid, "jobs.lease", out.take(),
                                             options_.max_operation_bytes));
  return LeaseRequest{std::move(operation), wait};
}

Result<LeaseRequest> Requests::work(json::View body, const LeaseWaiter& waiter) const {
  FieldErrors errors;
  Fields fields(errors, body);
  json::Writer out(body.raw().size() + 256);
  const auto worker = fields.required_text("worker", kMaxWorkerBytes).value_or("");
  out.begin_object().member("worker", worker).member("salt", draw_salt(random_));
  write_items(fields, "complete", write_complete, options_.max_payload_bytes, out);
  write_items(fields, "fail", write_fail, options_.max_payload_bytes, out);
  write_items(fields, "release", write_release, options_.max_payload_bytes, out);
  write_items(fields, "heartbeat", write_heartbeat, options_.max_payload_bytes, out);
  Millis wait{0};
  if (const auto lease = fields.object("lease"); !lease.is_missing()) {
    Fields terms(errors, lease, "lease");
    out.key("lease").begin_object().member("worker", worker);
    write_body_queues(terms, out);
    wait = write_lease_terms(terms, waiter, options_.waiter_slack, out);
    out.member("salt", draw_salt(random_)).end_object();
    terms.finish();
  }
  out.end_object();
  fields.finish();
  WEIR_ASSIGN(auto operation, finish_request(errors, kInvalid, "jobs.work", out.take(),
                                             options_.max_operation_bytes));
  return LeaseRequest{std::move(operation), wait};
}

Result<replica::Operation> Requests::lease_item(std::string_view name, std::string_view token,
                                                json::View body) const {
  FieldErrors errors;
  Fields fields(errors, body);
  json::Writer out(body.raw().size() + 128);
  out.begin_object().member("lease", token);
  const auto most = options_.max_payload_bytes;
  if (name == "jobs.complete") {
    write_complete(fields, most, out);
  } else if (name == "jobs.fail") {
    write_fail(fields, most, out);
  } else if (name == "jobs.release") {
    write_release(fields, most, out);
  } else if (name == "jobs.heartbeat") {
    write_heartbeat(fields, most, out);
  }
  out.member("salt", draw_salt(random_)).end_object();
  fields.finish();
  return finish_request(errors, kInvalid, name, out.take(), options_.max_operation_bytes);
}

Result<replica::Operation> Requests::complete(std::string_view token, json::View body) const {
  return lease_item("jobs.complete", token, body);
}

Result<replica::Operation> Requests::fail(std::string_view token, json::View body) const {
  return lease_item("jobs.fail", token, body);
}

Result<replica::Operation> Requests::release(std::string_view token, json::View body) const {
  return lease_item("jobs.release", token, body);
}

Result<replica::Operation> Requests::heartbeat(std::string_view token, json::View body) const {
  return lease_item("jobs.heartbeat", token, body);
}

// --- waiters and parked replies ------------------------------------------------------------------

replica::Operation waiter_close(const LeaseWaiter& waiter) {
  json::Writer out(96);
  out.begin_object().member("node", waiter.node).member("waiter", waiter.waiter).end_object();
  return {"jobs.waiter_close", out.take()};
}

replica::Operation node_started(std::string_view node) {
  return {"jobs.node_started", one_member("node", node)};
}

replica::Operation worker_drain(std::string_view worker) {
  json::Writer out(96);
  out.begin_object().member("worker", worker).member("drain", true).end_object();
  return {"jobs.worker_drain", out.take()};
}

replica::Operation worker_undrain(std::string_view worker) {
  json::Writer out(96);
  out.begin_object().member("worker", worker).member("drain", false).end_object();
  return {"jobs.worker_drain", out.take()};
}

std::optional<replica::Operation> release_delivery(std::string_view delivered_json) {
  json::Writer out(128);
  out.begin_object().member("worker", "weir").key("release").begin_array();
  bool any = false;
  for (const auto job : json::View(delivered_json).find("jobs").elements()) {
    out.raw(job.find("lease").raw());
    any = true;
  }
  out.end_array().end_object();
  if (!any) return std::nullopt;
  return replica::Operation{"jobs.work", out.take()};
}

namespace {

constexpr std::string_view kParkedHead = "{\"parked\":true,";
constexpr std::string_view kNoJobsTail = "\"jobs\":[]}";

}  // namespace

bool is_parked(std::string_view reply) {
  return reply.starts_with(kParkedHead);
}

std::string finish_parked(std::string_view reply, std::string_view delivered_json) {
  WEIR_ASSERT(is_parked(reply) && reply.ends_with(kNoJobsTail));
  std::string out = "{";
  out += reply.substr(kParkedHead.size(), reply.size() - kParkedHead.size() - kNoJobsTail.size());
  out += delivered_json.substr(1);
  return out;
}

std::string finish_timed_out(std::string_view reply) {
  WEIR_ASSERT(is_parked(reply));
  return "{" + std::string(reply.substr(kParkedHead.size()));
}

}  // namespace weir::jobs
