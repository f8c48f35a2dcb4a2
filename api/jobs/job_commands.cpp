#include "api/core/commands.hpp"
#include "api/jobs/batch_submit.hpp"
#include "api/jobs/bulk_page.hpp"
#include "api/jobs/idempotency.hpp"
#include "api/jobs/job_filter.hpp"
#include "api/jobs/job_wait.hpp"
#include "api/jobs/parent_access.hpp"
#include "api/jobs/quota.hpp"
#include "jobs/explain.hpp"
#include "jobs/kept.hpp"
#include "jobs/limits.hpp"
#include "jobs/queries.hpp"
#include "pkg/base/time_text.hpp"

namespace weir::api {
namespace {

using auth::Scope;
using http::Lane;

constexpr std::size_t kSubmitBytes = 2U << 20U;
constexpr std::size_t kBatchBytes = 32U << 20U;
constexpr std::string_view kJobRef = R"({"$ref":"#/components/schemas/Job"})";
constexpr std::string_view kChangedRef = R"({"$ref":"#/components/schemas/JobChanged"})";

void submit(Services& services, const Call& call) {
  // A body without a queue is refused by the parser.
  if (const auto queue = call.body().find("queue").as_string()) {
    if (const auto allowed = call.check_queue(*queue); !allowed) return call.fail(allowed.error());
  }
  if (const auto allowed = check_parents(services, call, call.body()); !allowed) {
    return call.fail(allowed.error());
  }
  const auto once = idempotency_of(services, call);
  if (!once) return call.fail(once.error());
  auto operation = services.requests.submit(call.body(), *once);
  if (!operation) return call.fail(operation.error());
  *operation = charged(call, std::move(*operation));
  const auto answer = [&services, call](Result<replica::Reply> reply) {
    if (!reply) return call.fail(reply.error());
    if (reply->kept) return answer_kept(services, call, *reply);
    const int status = jobs::is_duplicate(reply->json) ? 200 : 201;
    call.reply(status, std::move(reply->json), reply->revision);
  };
  if (jobs::may_wait(*operation)) {
    operation->when_kept = jobs::kAccepted;
    services.instance.propose_or_keep(std::move(*operation), answer);
  } else {
    services.instance.propose(std::move(*operation), answer);
  }
}

void list_jobs(Services& services, const Call& call) {
  const auto list = list_request(call);
  if (!list) return call.fail(list.error());
  answer_read(services, call, [&](sqlite::Database& db) { return jobs::list_jobs(db, *list); });
}

// The job as JSON, if the key may see its queue.
Result<std::string> visible_job(const Call& call, sqlite::Database& db) {
  WEIR_ASSIGN(auto job, jobs::get_job(db, call.param("id")));
  if (!call.principal().queues.empty()) {
    WEIR_TRY(call.check_queue(json::View(job).find("queue").as_string().value_or("")));
  }
  return job;
}

void get_job(Services& services, const Call& call) {
  const auto wait = query_duration(call.request(), "wait", jobs::kMaxWait);
  if (!wait) return call.fail(wait.error());
  if (wait->count() == 0) {
    return answer_read(services, call, [&](sqlite::Database& db) { return visible_job(call, db); });
  }
  const auto seen = services.instance.read([&](sqlite::Database& db) -> Result<void> {
    WEIR_TRY(visible_job(call, db));
    return {};
  });
  if (!seen) return call.fail(seen.error());
  answer_when_finished(services, call, std::string(call.param("id")), *wait);
}

void get_timeline(Services& services, const Call& call) {
  answer_read(services, call, [&](sqlite::Database& db) -> Result<std::string> {
    WEIR_TRY(visible_job(call, db));
    return jobs::get_timeline(db, call.param("id"));
  });
}

void explain_job(Services& services, const Call& call) {
  answer_read(services, call, [&](sqlite::Database& db) -> Result<std::string> {
    WEIR_ASSIGN(auto reasons, jobs::explain_job(db, call.param("id"), services.clock.wall()));
    WEIR_TRY(call.check_queue(json::View(reasons).find("queue").as_string().value_or("")));
    return reasons;
  });
}

// Whether the key may touch the queue of the job in the path.
Result<void> check_visible(Services& services, const Call& call) {
  if (call.principal().queues.empty()) return {};
  const auto seen = services.instance.read([&](sqlite::Database& db) -> Result<void> {
    WEIR_TRY(visible_job(call, db));
    return {};
  });
  if (!seen) return seen.error();
  return {};
}

// Proposes a change of one job, if the key may touch its queue.
void change_job(Services& services, const Call& call, Result<replica::Operation> operation) {
  if (const auto seen = check_visible(services, call); !seen) return call.fail(seen.error());
  answer_write(services, call, std::move(operation));
}

// A copy is given the payload in a form of its own: an encrypted one is bound to its job.
Result<replica::Operation> retry_operation(Services& services, const Call& call) {
  WEIR_TRY(check_visible(services, call));
  WEIR_ASSIGN(auto operation, services.requests.retry(call.param("id"), call.body()));
  const auto new_id = json::View(operation.body).find("as_new").as_string();
  if (!new_id) return operation;
  WEIR_ASSIGN(const auto payload, services.values.payload_for_copy(call.param("id"), *new_id));
  if (!payload.empty()) {
    operation.body.pop_back();
    operation.body.append(",\"payload\":").append(payload).append("}");
  }
  return charged(call, std::move(operation));
}

void add_submit(CommandTable& table, Services& services) {
  table.push_back({.name = "jobs.submit",
                   .method = "POST",
                   .path = "/v1/jobs",
                   .tag = "Jobs",
                   .scope = Scope::jobs_write,
                   .lane = Lane::inline_,
                   .body = Body::required_json,
                   .max_body_bytes = kSubmitBytes,
                   .idempotency_key = true,
                   .summary = "Submit a job",
                   .description =
                       "Answered when the job is in the log and applied here. Give it an `id` of "
                       "your own to make repeating the request safe.",
                   .request_schema = R"({"$ref":"#/components/schemas/NewJob"})",
                   .answers = {{201, "Accepted.", R"({"$ref":"#/components/schemas/Submitted"})"},
                               {202, "NATS is away: kept on disk, applied when it is back.",
                                R"({"$ref":"#/components/schemas/Kept"})"},
                               {200,
                                "A job with this id, unique key or Idempotency-Key exists; it is "
                                "answered.",
                                R"({"$ref":"#/components/schemas/Submitted"})"}},
                   .errors = {{Code::invalid, "invalid_job"},
                              {Code::invalid, "parent_not_found"},
                              {Code::conflict, "unique_conflict"},
                              {Code::conflict, "idempotency_key_reused"},
                              {Code::bad_request, "bad_idempotency_key"},
                              {Code::too_large, "payload_too_large"},
                              {Code::forbidden, "queue_not_allowed"},
                              {Code::unavailable, "nats_unavailable"},
                              {Code::too_many_requests, "proposer_full"},
                              {Code::too_many_requests, "quota_exceeded"},
                              {Code::deadline_exceeded, "outcome_unknown"}},
                   .handler = [&services](const Call& call) { submit(services, call); }});
  table.push_back({.name = "jobs.submit_batch",
                   .method = "POST",
                   .path = "/v1/jobs/batch",
                   .tag = "Jobs",
                   .scope = Scope::jobs_write,
                   .lane = Lane::inline_,
                   .body = Body::json_or_ndjson,
                   .max_body_bytes = kBatchBytes,
                   .idempotency_key = true,
                   .summary = "Submit up to 10,000 jobs",
                   .description =
                       "As one JSON object, or as NDJSON with one job a line. Jobs that are not "
                       "acceptable are answered with their error in their place and the others go "
                       "on, unless `atomic` is true.",
                   .request_schema = R"({"$ref":"#/components/schemas/NewJobs"})",
                   .answers = {{201, "One result per job, in order.",
                                R"({"$ref":"#/components/schemas/SubmittedBatch"})"},
                               {200, "The Idempotency-Key was seen before: the first answer.",
                                R"({"$ref":"#/components/schemas/SubmittedBatch"})"}},
                   .errors = {{Code::invalid, "invalid_job"},
                              {Code::invalid, "invalid_request"},
                              {Code::invalid, "parent_not_found"},
                              {Code::conflict, "unique_conflict"},
                              {Code::conflict, "idempotency_key_reused"},
                              {Code::bad_request, "bad_idempotency_key"},
                              {Code::too_large, "batch_too_large"},
                              {Code::forbidden, "queue_not_allowed"},
                              {Code::unavailable, "nats_unavailable"},
                              {Code::too_many_requests, "proposer_full"},
                              {Code::too_many_requests, "quota_exceeded"},
                              {Code::deadline_exceeded, "outcome_unknown"}},
                   .handler = [&services](const Call& call) { submit_batch(services, call); }});
}

void add_reads(CommandTable& table, Services& services) {
  table.push_back(
      {.name = "jobs.list",
       .method = "GET",
       .path = "/v1/jobs",
       .tag = "Jobs",
       .scope = Scope::jobs_read,
       .reads_state = true,
       .summary = "List jobs",
       .description = "A key with queue patterns must name a queue it is for.",
       .query = filter_parameters(),
       .answers = {{200, "A page.", R"({"$ref":"#/components/schemas/JobPage"})"}},
       .errors = {{Code::invalid, "invalid_request"}, {Code::forbidden, "queue_not_allowed"}},
       .handler = [&services](const Call& call) { list_jobs(services, call); }});
  table.push_back({.name = "jobs.get",
                   .method = "GET",
                   .path = "/v1/jobs/{id}",
                   .tag = "Jobs",
                   .scope = Scope::jobs_read,
                   .reads_state = true,
                   .summary = "Everything about a job",
                   .query = {{"wait",
                              "answer when the job has ended, or after this time (30s); at "
                              "most 60s"}},
                   .answers = {{200, "The job.", kJobRef}},
                   .errors = {{Code::not_found, "job_not_found"},
                              {Code::bad_request, "bad_parameter"},
                              {Code::unavailable, "overloaded"},
                              {Code::forbidden, "queue_not_allowed"}},
                   .handler = [&services](const Call& call) { get_job(services, call); }});
  table.push_back(
      {.name = "jobs.timeline",
       .method = "GET",
       .path = "/v1/jobs/{id}/timeline",
       .tag = "Jobs",
       .scope = Scope::jobs_read,
       .reads_state = true,
       .summary = "What happened to a job, oldest first",
       .answers = {{200, "The events.", R"({"$ref":"#/components/schemas/Timeline"})"}},
       .errors = {{Code::not_found, "job_not_found"}, {Code::forbidden, "queue_not_allowed"}},
       .handler = [&services](const Call& call) { get_timeline(services, call); }});
  table.push_back(
      {.name = "jobs.explain",
       .method = "GET",
       .path = "/v1/jobs/{id}/explain",
       .tag = "Jobs",
       .scope = Scope::jobs_read,
       .reads_state = true,
       .summary = "Why a job is not running now",
       .description = "Everything that holds the job back, in words and as data. A ready job that "
                      "the next worker gets has the reason `ready`.",
       .answers = {{200, "The reasons.", R"({"$ref":"#/components/schemas/Explanation"})"}},
       .errors = {{Code::not_found, "job_not_found"}, {Code::forbidden, "queue_not_allowed"}},
       .handler = [&services](const Call& call) { explain_job(services, call); }});
}

Command change_command(std::string_view name, std::string_view method, std::string_view path) {
  return {.name = name,
          .method = method,
          .path = path,
          .tag = "Jobs",
          .scope = Scope::jobs_write,
          .answers = {{200, "Changed.", kChangedRef}},
          .errors = {{Code::not_found, "job_not_found"},
                     {Code::forbidden, "queue_not_allowed"},
                     {Code::unavailable, "nats_unavailable"},
                     {Code::deadline_exceeded, "outcome_unknown"}}};
}

void cancel_many(Services& services, const Call& call) {
  const auto request = jobs::parse_bulk_cancel(call.body());
  if (!request) return call.fail(request.error());
  answer_bulk_page(services, call, *request, jobs::cancel_jobs);
}

void add_bulk(CommandTable& table, Services& services) {
  Command cancel = change_command("jobs.cancel_many", "POST", "/v1/jobs/cancel");
  cancel.summary = "Cancel the jobs that a filter names";
  cancel.description =
      "One page of jobs (`limit`) for each request; go on with `next_cursor` until it is null. A "
      "dry run answers which jobs it would be. A key with queue patterns must name a queue.";
  cancel.body = Body::required_json;
  cancel.request_schema = R"({"$ref":"#/components/schemas/BulkCancel"})";
  cancel.answers = {{200, "What was done.", R"({"$ref":"#/components/schemas/BulkAnswer"})"}};
  cancel.errors = {{Code::invalid, "invalid_request"},
                   {Code::forbidden, "queue_not_allowed"},
                   {Code::unavailable, "nats_unavailable"},
                   {Code::deadline_exceeded, "outcome_unknown"}};
  cancel.handler = [&services](const Call& call) { cancel_many(services, call); };
  table.push_back(std::move(cancel));
}

void add_changes(CommandTable& table, Services& services) {
  Command cancel = change_command("jobs.cancel", "POST", "/v1/jobs/{id}/cancel");
  cancel.summary = "Cancel a job";
  cancel.description = "A waiting job ends at once. A running one is told by its next heartbeat.";
  cancel.body = Body::optional_json;
  cancel.request_schema = R"({"type":"object"})";
  cancel.errors.push_back({Code::conflict, "job_not_cancellable"});
  cancel.handler = [&services](const Call& call) {
    change_job(services, call, services.requests.cancel(call.param("id"), call.body()));
  };
  Command retry = change_command("jobs.retry", "POST", "/v1/jobs/{id}/retry");
  retry.summary = "Run a finished job again";
  retry.body = Body::optional_json;
  retry.request_schema =
      R"({"type":"object","properties":{"as_new":{"type":"boolean","default":false,)"
      R"("description":"run a copy with a new id"}},"additionalProperties":false})";
  retry.errors.push_back({Code::conflict, "job_not_retryable"});
  retry.errors.push_back({Code::too_many_requests, "quota_exceeded"});
  retry.handler = [&services](const Call& call) {
    answer_write(services, call, retry_operation(services, call));
  };
  Command promote = change_command("jobs.promote", "POST", "/v1/jobs/{id}/promote");
  promote.summary = "Run a scheduled job now";
  promote.body = Body::optional_json;
  promote.request_schema = R"({"type":"object"})";
  promote.errors.push_back({Code::conflict, "job_not_scheduled"});
  promote.handler = [&services](const Call& call) {
    change_job(services, call, services.requests.promote(call.param("id"), call.body()));
  };
  Command edit = change_command("jobs.edit", "PATCH", "/v1/jobs/{id}");
  edit.summary = "Change a job that waits";
  edit.description = "What is left out stays. A job that runs or has ended is not changed.";
  edit.body = Body::required_json;
  edit.max_body_bytes = kSubmitBytes;
  edit.request_schema = R"({"$ref":"#/components/schemas/JobEdit"})";
  edit.errors.push_back({Code::conflict, "job_not_waiting"});
  edit.errors.push_back({Code::invalid, "invalid_request"});
  edit.errors.push_back({Code::too_large, "payload_too_large"});
  edit.handler = [&services](const Call& call) {
    change_job(services, call, services.requests.edit(call.param("id"), call.body()));
  };
  Command remove = change_command("jobs.remove", "DELETE", "/v1/jobs/{id}");
  remove.summary = "Forget a finished job";
  remove.errors.push_back({Code::conflict, "job_not_finished"});
  remove.handler = [&services](const Call& call) {
    change_job(services, call, services.requests.remove(call.param("id")));
  };
  for (auto* command : {&cancel, &retry, &promote, &edit, &remove}) {
    table.push_back(std::move(*command));
  }
}

}  // namespace

void add_job_commands(CommandTable& table, Services& services) {
  add_submit(table, services);
  add_reads(table, services);
  add_changes(table, services);
  add_bulk(table, services);
}

}  // namespace weir::api
