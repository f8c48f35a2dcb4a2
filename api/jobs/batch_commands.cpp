#include "api/core/commands.hpp"
#include "api/jobs/idempotency.hpp"
#include "api/jobs/job_wait.hpp"
#include "api/jobs/parent_access.hpp"
#include "api/jobs/quota.hpp"
#include "jobs/batch_query.hpp"
#include "jobs/limits.hpp"

namespace weir::api {
namespace {

using auth::Scope;

constexpr std::size_t kCreateBytes = 32U << 20U;
constexpr std::string_view kBatchRef = R"({"$ref":"#/components/schemas/Batch"})";
constexpr std::string_view kLimitSchema =
    R"({"type":"integer","minimum":1,"maximum":1000,"default":50})";

// A key with queue patterns sees and touches a batch only when it is for all its queues.
Result<void> check_batch(const Call& call, sqlite::Database& db) {
  if (call.principal().queues.empty()) return {};
  WEIR_ASSIGN(const auto queues, jobs::get_batch_queues(db, call.param("id")));
  for (const auto& queue : queues) WEIR_TRY(call.check_queue(queue));
  return {};
}

Result<void> check_job(Services& services, const Call& call, json::View job) {
  if (const auto queue = job.find("queue").as_string()) WEIR_TRY(call.check_queue(*queue));
  return check_parents(services, call, job);
}

Result<void> check_new(Services& services, const Call& call) {
  if (call.principal().queues.empty()) return {};
  for (const std::string_view name : {"on_success", "on_complete"}) {
    WEIR_TRY(check_job(services, call, call.body().find(name)));
  }
  for (const auto job : call.body().find("jobs").elements()) {
    WEIR_TRY(check_job(services, call, job));
  }
  return {};
}

void create(Services& services, const Call& call) {
  if (const auto allowed = check_new(services, call); !allowed) return call.fail(allowed.error());
  const auto once = idempotency_of(services, call);
  if (!once) return call.fail(once.error());
  auto operation = services.requests.batch_create(call.body(), *once);
  if (!operation) return call.fail(operation.error());
  *operation = charged(call, std::move(*operation));
  services.instance.propose(std::move(*operation), [call](Result<replica::Reply> reply) {
    if (!reply) return call.fail(reply.error());
    const int status = jobs::is_duplicate(reply->json) ? 200 : 201;
    call.reply(status, std::move(reply->json), reply->revision);
  });
}

void list(Services& services, const Call& call) {
  const auto& request = call.request();
  jobs::BatchListRequest page;
  if (const auto word = request.query_value("status")) {
    page.state = jobs::parse_batch_state(*word);
    if (!page.state) {
      return call.fail(bad_parameter("status", "open, sealed, succeeded, failed or cancelled"));
    }
  }
  const auto limit = query_int(request, "limit", 50, 1, 1000);
  if (!limit) return call.fail(limit.error());
  page.limit = *limit;
  page.cursor = std::string(request.query_value("cursor").value_or(""));
  if (!call.principal().queues.empty()) {
    page.allowed = [&](std::string_view queue) { return call.principal().allows_queue(queue); };
  }
  answer_read(services, call, [&](sqlite::Database& db) { return jobs::list_batches(db, page); });
}

void get(Services& services, const Call& call) {
  const auto wait = query_duration(call.request(), "wait", jobs::kMaxWait);
  if (!wait) return call.fail(wait.error());
  const std::string id(call.param("id"));
  if (wait->count() == 0) {
    return answer_read(services, call, [&](sqlite::Database& db) -> Result<std::string> {
      WEIR_TRY(check_batch(call, db));
      return jobs::get_batch(db, id);
    });
  }
  const auto seen =
      services.instance.read([&](sqlite::Database& db) { return check_batch(call, db); });
  if (!seen) return call.fail(seen.error());
  answer_when_batch_ended(services, call, id, *wait);
}

void list_members(Services& services, const Call& call) {
  const auto& request = call.request();
  jobs::MemberListRequest page{.id = std::string(call.param("id"))};
  if (const auto word = request.query_value("status")) {
    page.status = jobs::parse_status(*word);
    if (!page.status) return call.fail(bad_parameter("status", "a status of jobs"));
  }
  const auto limit = query_int(request, "limit", 50, 1, 1000);
  if (!limit) return call.fail(limit.error());
  page.limit = *limit;
  page.cursor = std::string(request.query_value("cursor").value_or(""));
  answer_read(services, call, [&](sqlite::Database& db) -> Result<std::string> {
    WEIR_TRY(check_batch(call, db));
    return jobs::list_members(db, page);
  });
}

void change(Services& services, const Call& call, Result<replica::Operation> operation) {
  if (!call.principal().queues.empty()) {
    const auto seen =
        services.instance.read([&](sqlite::Database& db) { return check_batch(call, db); });
    if (!seen) return call.fail(seen.error());
  }
  answer_write(services, call, std::move(operation));
}

void add_create(CommandTable& table, Services& services) {
  table.push_back(
      {.name = "batches.create",
       .method = "POST",
       .path = "/v1/batches",
       .tag = "Batches",
       .scope = Scope::jobs_write,
       .body = Body::required_json,
       .max_body_bytes = kCreateBytes,
       .idempotency_key = true,
       .summary = "Make a batch of jobs",
       .description =
           "Open, for jobs that name it in `batch`; or with all its `jobs` at once, all or "
           "nothing, and then sealed. Its callbacks are submitted when all of them have ended.",
       .request_schema = R"({"$ref":"#/components/schemas/NewBatch"})",
       .answers = {{201, "Made.", kBatchRef},
                   {200, "A batch with this id or Idempotency-Key exists; it is answered.",
                    kBatchRef}},
       .errors = {{Code::invalid, "invalid_request"},
                  {Code::invalid, "parent_not_found"},
                  {Code::conflict, "unique_conflict"},
                  {Code::conflict, "idempotency_key_reused"},
                  {Code::bad_request, "bad_idempotency_key"},
                  {Code::too_large, "payload_too_large"},
                  {Code::too_many_requests, "too_many_batches"},
                  {Code::forbidden, "queue_not_allowed"},
                  {Code::unavailable, "nats_unavailable"},
                  {Code::deadline_exceeded, "outcome_unknown"}},
       .handler = [&services](const Call& call) { create(services, call); }});
}

void add_reads(CommandTable& table, Services& services) {
  table.push_back(
      {.name = "batches.list",
       .method = "GET",
       .path = "/v1/batches",
       .tag = "Batches",
       .scope = Scope::jobs_read,
       .reads_state = true,
       .summary = "List batches, newest first",
       .description = "A key with queue patterns sees the batches all of whose queues it is for.",
       .query = {{"status", "open, sealed, succeeded, failed or cancelled"},
                 {"limit", "batches on a page", kLimitSchema},
                 {"cursor", "next_cursor of the page before"}},
       .answers = {{200, "A page.", R"({"$ref":"#/components/schemas/BatchPage"})"}},
       .errors = {{Code::bad_request, "bad_parameter"}, {Code::invalid, "invalid_request"}},
       .handler = [&services](const Call& call) { list(services, call); }});
  table.push_back({.name = "batches.get",
                   .method = "GET",
                   .path = "/v1/batches/{id}",
                   .tag = "Batches",
                   .scope = Scope::jobs_read,
                   .reads_state = true,
                   .summary = "Everything about a batch",
                   .query = {{"wait",
                              "answer when the batch has ended, or after this time (30s); at "
                              "most 60s"}},
                   .answers = {{200, "The batch.", kBatchRef}},
                   .errors = {{Code::not_found, "batch_not_found"},
                              {Code::bad_request, "bad_parameter"},
                              {Code::unavailable, "overloaded"},
                              {Code::forbidden, "queue_not_allowed"}},
                   .handler = [&services](const Call& call) { get(services, call); }});
  table.push_back({.name = "batches.jobs",
                   .method = "GET",
                   .path = "/v1/batches/{id}/jobs",
                   .tag = "Batches",
                   .scope = Scope::jobs_read,
                   .reads_state = true,
                   .summary = "The jobs of a batch, in the order of submitting",
                   .query = {{"status", "one status word"},
                             {"limit", "jobs on a page", kLimitSchema},
                             {"cursor", "next_cursor of the page before"}},
                   .answers = {{200, "A page.", R"({"$ref":"#/components/schemas/JobPage"})"}},
                   .errors = {{Code::not_found, "batch_not_found"},
                              {Code::bad_request, "bad_parameter"},
                              {Code::invalid, "invalid_request"},
                              {Code::forbidden, "queue_not_allowed"}},
                   .handler = [&services](const Call& call) { list_members(services, call); }});
}

Command change_command(std::string_view name, std::string_view path) {
  return {.name = name,
          .method = "POST",
          .path = path,
          .tag = "Batches",
          .scope = Scope::jobs_write,
          .body = Body::optional_json,
          .request_schema = R"({"type":"object"})",
          .answers = {{200, "The batch.", kBatchRef}},
          .errors = {{Code::not_found, "batch_not_found"},
                     {Code::forbidden, "queue_not_allowed"},
                     {Code::unavailable, "nats_unavailable"},
                     {Code::deadline_exceeded, "outcome_unknown"}}};
}

void add_changes(CommandTable& table, Services& services) {
  Command seal = change_command("batches.seal", "/v1/batches/{id}/seal");
  seal.summary = "Take no more jobs into a batch";
  seal.description = "It ends when its last job has ended: at once, when all have.";
  seal.handler = [&services](const Call& call) {
    change(services, call, services.requests.batch_seal(call.param("id"), call.body()));
  };
  table.push_back(std::move(seal));
  Command cancel = change_command("batches.cancel", "/v1/batches/{id}/cancel");
  cancel.summary = "Cancel all jobs of a batch";
  cancel.description =
      "Seals it. Waiting jobs end at once, a thousand at a time; running ones are told by their "
      "next heartbeat. The batch ends with the last of them.";
  cancel.errors.push_back({Code::conflict, "batch_not_cancellable"});
  cancel.handler = [&services](const Call& call) {
    change(services, call, services.requests.batch_cancel(call.param("id"), call.body()));
  };
  table.push_back(std::move(cancel));
}

}  // namespace

void add_batch_commands(CommandTable& table, Services& services) {
  add_create(table, services);
  add_reads(table, services);
  add_changes(table, services);
}

}  // namespace weir::api
