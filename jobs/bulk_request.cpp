#include "jobs/bulk_request.hpp"

#include "jobs/limits.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {
namespace {

constexpr std::int64_t kDefaultBulkJobs = 1'000;

BulkRequest read_bulk(Fields& fields) {
  BulkRequest out;
  const auto filter = fields.object("filter");
  Fields members(fields.errors(), filter, "filter");
  read_filter(members, out.select);
  members.finish();
  if (filter.is_missing() || filter.members().begin() == filter.members().end()) {
    fields.complain("filter", "must have one member at least");
  }
  out.dry_run = fields.boolean("dry_run").value_or(false);
  out.select.limit = fields.integer("limit", 1, kDefaultBulkJobs).value_or(kDefaultBulkJobs);
  out.select.cursor = fields.text("cursor", 4'096).value_or("");
  return out;
}

void write_ids(const std::vector<std::string>& ids, json::Writer& out) {
  out.key("ids").begin_array();
  for (const auto& id : ids) out.value(id);
  out.end_array();
}

Result<BulkRequest> finish_bulk(Fields& fields, BulkRequest request) {
  fields.finish();
  if (!fields.errors().empty()) {
    return fields.errors().error("invalid_request", "The request is not valid");
  }
  return request;
}

}  // namespace

Result<BulkRequest> parse_bulk_cancel(json::View body) {
  FieldErrors errors;
  Fields fields(errors, body);
  auto request = read_bulk(fields);
  request.select.unfinished = true;
  if (request.select.status && is_finished(*request.select.status)) {
    errors.invalid("filter.status", "must be one of jobs that have not ended");
  }
  return finish_bulk(fields, std::move(request));
}

Result<BulkRequest> parse_bulk_redrive(json::View body) {
  FieldErrors errors;
  Fields fields(errors, body);
  auto request = read_bulk(fields);
  if (request.select.status && *request.select.status != Status::dlq) {
    errors.invalid("filter.status", "must be dlq");
  }
  request.select.status = Status::dlq;
  // Of a dry run; they change nothing about which jobs it is.
  fields.integer("rate_per_s", 1, kMaxRate);
  fields.raw("patch");
  return finish_bulk(fields, std::move(request));
}

bool is_bulk_redrive(json::View body) {
  for (const auto& member : body.members()) {
    if (member.raw_key != "filter" && member.raw_key != "ids" && member.raw_key != "queue") {
      return true;
    }
  }
  for (const auto& member : body.find("filter").members()) {
    if (member.raw_key != "ids" && member.raw_key != "queue") return true;
  }
  return false;
}

bool is_timed_redrive(json::View body) {
  if (body.find("dry_run").as_bool().value_or(false)) return false;
  return !body.find("rate_per_s").is_missing() || !body.find("patch").is_missing();
}

ListRequest parse_redrive_filter(json::View filter, std::int64_t now) {
  FieldErrors errors;
  Fields fields(errors, filter);
  ListRequest out;
  read_filter(fields, out);
  out.status = Status::dlq;
  const auto before = from_unix_ms(now + 1);
  if (!out.finished_before || *out.finished_before > before) out.finished_before = before;
  return out;
}

replica::Operation cancel_jobs(const std::vector<std::string>& ids) {
  json::Writer out(48 * ids.size() + 32);
  out.begin_object();
  write_ids(ids, out);
  return {"jobs.cancel_many", out.end_object().take()};
}

replica::Operation redrive_jobs(const std::vector<std::string>& ids) {
  json::Writer out(48 * ids.size() + 64);
  out.begin_object();
  write_ids(ids, out);
  return {"jobs.dlq_redrive", out.end_object().take()};
}

}  // namespace weir::jobs
