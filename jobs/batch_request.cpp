// Requests about batches.
#include <algorithm>

#include "jobs/graph_order.hpp"
#include "jobs/job_request.hpp"
#include "jobs/request_parts.hpp"
#include "jobs/requests.hpp"

namespace weir::jobs {
namespace {

constexpr std::string_view kInvalid = "invalid_request";

Result<replica::Operation> on_batch(std::string_view name, std::string_view id, json::View body) {
  FieldErrors errors;
  Fields(errors, body).finish();
  if (!is_valid_id(id)) {
    return Error{Code::not_found, "batch_not_found", "There is no such batch",
                 std::string(id.substr(0, 128))};
  }
  return finish_request(errors, kInvalid, name, one_member("id", id), 1 << 20);
}

struct Members {
  json::View jobs;
  const JobRequestOptions& options;
};

// "jobs" in the order of their dependencies, and "places" when that is not the order of the
// request.
void write_jobs(FieldErrors& errors, const Members& members, json::Writer& out) {
  std::vector<std::string> all;
  for (const auto job : members.jobs.elements()) {
    json::Writer one(job.raw().size() + 128);
    write_job_request(errors, job, "jobs[" + std::to_string(all.size()) + "]", members.options,
                      one);
    all.push_back(one.take());
  }
  if (!errors.empty()) return;
  const auto order = order_graph(members.jobs, errors);
  out.key("jobs").begin_array();
  for (const auto item : order) out.raw(all[item]);
  out.end_array();
  if (std::is_sorted(order.begin(), order.end())) return;
  out.key("places").begin_array();
  for (const auto item : order) out.value(static_cast<std::uint64_t>(item));
  out.end_array();
}

void write_callback(Fields& fields, std::string_view name, const JobRequestOptions& options,
                    json::Writer& out) {
  const auto job = fields.object(name);
  if (job.is_missing()) return;
  out.key(name);
  write_job_request(fields.errors(), job, fields.path(name), options, out);
}

}  // namespace

Result<replica::Operation> Requests::batch_create(json::View body, const Idempotency& once) const {
  FieldErrors errors;
  Fields fields(errors, body);
  json::Writer out(body.raw().size() + 256);
  out.begin_object();
  if (once) {
    out.key("idempotency");
    write_idempotency(out, once);
  }
  const auto id = fields.text("id", 4'096).value_or(ids_.next());
  if (fields.has("id")) check_job_id(errors, "id", id);
  const auto jobs = fields.array("jobs", kMaxBatchJobs);
  out.key("batch").begin_object().member("id", id);
  if (const auto name = fields.text("name", kMaxBatchNameBytes)) out.member("name", *name);
  const auto seal_after = fields.duration_ms("seal_after_ms", kMinSealAfter, kMaxSealAfter);
  out.member("seal_after_ms", seal_after.value_or(kDefaultSealAfter.count()));
  out.member("seal", fields.boolean("seal").value_or(!jobs.is_missing()));
  auto options = job_options();
  options.batch = id;
  options.role = JobRole::callback;
  write_callback(fields, "on_success", options, out);
  write_callback(fields, "on_complete", options, out);
  out.end_object();
  options.role = JobRole::member;
  if (!jobs.is_missing()) write_jobs(errors, {jobs, options}, out);
  fields.finish();
  out.end_object();
  return finish_request(errors, kInvalid, "jobs.batch_create", out.take(),
                        options_.max_operation_bytes);
}

Result<replica::Operation> Requests::batch_seal(std::string_view id, json::View body) const {
  return on_batch("jobs.batch_seal", id, body);
}

Result<replica::Operation> Requests::batch_cancel(std::string_view id, json::View body) const {
  return on_batch("jobs.batch_cancel", id, body);
}

}  // namespace weir::jobs
