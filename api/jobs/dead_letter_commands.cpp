#include "api/core/commands.hpp"
#include "api/jobs/bulk.hpp"
#include "api/jobs/bulk_page.hpp"
#include "api/jobs/job_filter.hpp"
#include "jobs/queries.hpp"

namespace weir::api {
namespace {

using auth::Scope;

void list(Services& services, const Call& call) {
  auto request = list_request(call);
  if (!request) return call.fail(request.error());
  request->status = jobs::Status::dlq;
  answer_read(services, call, [&](sqlite::Database& db) { return jobs::list_jobs(db, *request); });
}

void get(Services& services, const Call& call) {
  answer_read(services, call, [&](sqlite::Database& db) -> Result<std::string> {
    WEIR_ASSIGN(auto letter, jobs::get_dlq(db, call.param("id")));
    if (!call.principal().queues.empty()) {
      WEIR_TRY(call.check_queue(json::View(letter).find("queue").as_string().value_or("")));
    }
    return letter;
  });
}

// A key with queue patterns must name one of its queues: ids alone do not tell theirs.
Result<void> check_filter(const Call& call) {
  if (call.principal().queues.empty()) return {};
  auto queue = call.body().find("filter").find("queue").as_string();
  if (!queue) queue = call.body().find("queue").as_string();
  return call.check_queue(queue.value_or(""));
}

Command letter_command(std::string_view name, std::string_view method, std::string_view path) {
  return {.name = name,
          .method = method,
          .path = path,
          .tag = "Dead letters",
          .errors = {{Code::forbidden, "queue_not_allowed"}}};
}

void add_reads(CommandTable& table, Services& services) {
  Command all = letter_command("dlq.list", "GET", "/v1/dlq");
  all.scope = Scope::jobs_read;
  all.reads_state = true;
  all.summary = "List dead letters, newest first";
  all.query = filter_parameters();
  std::erase_if(all.query, [](const QueryParameter& each) { return each.name == "status"; });
  all.answers = {{200, "A page.", R"({"$ref":"#/components/schemas/JobPage"})"}};
  all.errors.push_back({Code::invalid, "invalid_request"});
  all.handler = [&services](const Call& call) { list(services, call); };
  table.push_back(std::move(all));

  Command one = letter_command("dlq.get", "GET", "/v1/dlq/{id}");
  one.scope = Scope::jobs_read;
  one.reads_state = true;
  one.summary = "A dead letter";
  one.answers = {{200, "The job.", R"({"$ref":"#/components/schemas/Job"})"}};
  one.errors.push_back({Code::not_found, "dead_letter_not_found"});
  one.handler = [&services](const Call& call) { get(services, call); };
  table.push_back(std::move(one));
}

void redrive_page(Services& services, const Call& call) {
  const auto request = jobs::parse_bulk_redrive(call.body());
  if (!request) return call.fail(request.error());
  answer_bulk_page(services, call, *request, jobs::redrive_jobs);
}

// 202: it goes on by itself.
void start_redrive(Services& services, const Call& call) {
  if (const auto allowed = check_filter(call); !allowed) return call.fail(allowed.error());
  answer_write(services, call, services.requests.redrive_start(call.body()), 202);
}

using Make = Result<replica::Operation> (jobs::Requests::*)(json::View) const;

void add_bulk(CommandTable& table, Services& services, Command command, Make make,
              const char* counted) {
  command.scope = Scope::queues_admin;
  command.body = Body::required_json;
  if (command.request_schema.empty()) {
    command.request_schema = R"({"$ref":"#/components/schemas/DeadLetterFilter"})";
  }
  command.errors.push_back({Code::invalid, "invalid_request"});
  command.errors.push_back({Code::not_found, "queue_not_found"});
  command.errors.push_back({Code::unavailable, "nats_unavailable"});
  command.errors.push_back({Code::deadline_exceeded, "outcome_unknown"});
  command.handler = [&services, make, counted](const Call& call) {
    const bool redrive = make == &jobs::Requests::dlq_redrive;
    if (redrive && jobs::is_timed_redrive(call.body())) return start_redrive(services, call);
    if (redrive && jobs::is_bulk_redrive(call.body())) return redrive_page(services, call);
    if (const auto allowed = check_filter(call); !allowed) return call.fail(allowed.error());
    answer_bulk(services, call, (services.requests.*make)(call.body()), counted);
  };
  table.push_back(std::move(command));
}

}  // namespace

void add_dead_letter_commands(CommandTable& table, Services& services) {
  add_reads(table, services);
  Command redrive = letter_command("dlq.redrive", "POST", "/v1/dlq/redrive");
  redrive.summary = "Run dead jobs again";
  redrive.description =
      "By ids or a whole queue: all of them, before the answer. With `rate_per_s` or `patch` (RFC "
      "7386, of each payload): 202, it goes on by itself, see `/v1/dlq/redrives/{id}`. By any "
      "other filter, or on a dry run: one page (`limit`) for each request; go on with "
      "`next_cursor` until it is null.";
  redrive.request_schema = R"({"$ref":"#/components/schemas/BulkRedrive"})";
  redrive.answers = {{200, "How many.", R"({"$ref":"#/components/schemas/BulkAnswer"})"},
                     {202, "It goes on.", R"({"$ref":"#/components/schemas/Redrive"})"}};
  redrive.errors.push_back({Code::too_many_requests, "too_many_redrives"});
  add_bulk(table, services, std::move(redrive), &jobs::Requests::dlq_redrive, "redriven");
  add_redrive_commands(table, services);
  Command purge = letter_command("dlq.purge", "POST", "/v1/dlq/purge");
  purge.summary = "Delete dead jobs";
  purge.answers = {
      {200, "How many.",
       R"({"type":"object","properties":{"purged":{"type":"integer"},)"
       R"("missing":{"type":"integer"},"revision":{"type":"integer"}},"required":["purged"]})"}};
  add_bulk(table, services, std::move(purge), &jobs::Requests::dlq_purge, "purged");
}

}  // namespace weir::api
