// Requests of redrives that take their time (jobs/redrives.hpp).
#include "jobs/bulk_request.hpp"
#include "jobs/request_parts.hpp"
#include "jobs/requests.hpp"

namespace weir::jobs {
namespace {

constexpr std::string_view kInvalid = "invalid_request";

void write_ids(Fields& fields, json::Writer& out) {
  const auto ids = fields.array("ids", kMaxIdsPerRequest);
  std::size_t index = 0;
  for (const auto id : ids.elements()) {
    const auto field = fields.path("ids[" + std::to_string(index++) + "]");
    if (const auto text = id.as_string()) {
      check_job_id(fields.errors(), field, *text);
    } else {
      fields.errors().wrong_type(field, "a string", id);
    }
  }
  if (index == 0) fields.complain("ids", "must name at least one dead letter");
  out.raw_member("ids", ids.is_missing() ? std::string_view("[]") : ids.raw());
}

// Checks the members and writes them as they are.
void write_filter(Fields& fields, json::View filter, json::Writer& out) {
  ListRequest read;
  Fields members(fields.errors(), filter, "filter");
  read_filter(members, read);
  members.finish();
  if (read.status && *read.status != Status::dlq) {
    fields.errors().invalid("filter.status", "must be dlq");
  }
  if (filter.is_missing() || filter.members().begin() == filter.members().end()) {
    fields.complain("filter", "must have one member at least");
  }
  if (!read.queue.empty()) out.member("queue", read.queue);
  out.raw_member("filter", filter.is_missing() ? std::string_view("{}") : filter.raw());
}

// Either {"filter":{...}}, or ids or a queue, in the filter or on their own.
void write_letters(Fields& fields, json::Writer& out) {
  const auto filter = fields.object("filter");
  int ways = 0;
  for (const std::string_view name : {"filter", "ids", "queue"}) ways += fields.has(name) ? 1 : 0;
  if (ways > 1) fields.complain("filter", "cannot stand beside ids or queue: give one of them");
  if (fields.has("ids")) return write_ids(fields, out);
  if (!filter.find("ids").is_missing()) {
    Fields members(fields.errors(), filter, "filter");
    write_ids(members, out);
    return members.finish();
  }
  if (!fields.has("queue")) return write_filter(fields, filter, out);
  const auto queue = fields.text("queue", 4'096).value_or("");
  check_queue_name(fields.errors(), "queue", queue);
  out.member("queue", queue).raw_member("filter", one_member("queue", queue));
}

}  // namespace

Result<replica::Operation> Requests::redrive_start(json::View body) const {
  FieldErrors errors;
  Fields fields(errors, body);
  json::Writer out(body.raw().size() + 128);
  out.begin_object().member("id", ids_.next());
  write_letters(fields, out);
  if (const auto rate = fields.integer("rate_per_s", 1, kMaxRate)) out.member("rate_per_s", *rate);
  write_json(fields, "patch", kMaxPatchBytes, out);
  fields.boolean("dry_run");
  fields.finish();
  out.member("max_bytes", static_cast<std::int64_t>(options_.max_payload_bytes)).end_object();
  return finish_request(errors, kInvalid, "jobs.redrive_start", out.take(),
                        options_.max_operation_bytes);
}

Result<replica::Operation> Requests::redrive_cancel(std::string_view id) {
  return replica::Operation{"jobs.redrive_cancel", one_member("id", id)};
}

}  // namespace weir::jobs
