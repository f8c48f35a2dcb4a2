// Redrives that go on by themselves: what they have done, and stopping them.
#include "api/core/commands.hpp"
#include "jobs/redrive_query.hpp"

namespace weir::api {
namespace {

using auth::Scope;

// A key with queue patterns sees those that name one of its queues.
Result<std::string> visible_redrive(const Call& call, sqlite::Database& db) {
  const auto id = call.param("id");
  if (!call.principal().queues.empty()) {
    WEIR_ASSIGN(const auto queue, jobs::redrive_queue(db, id));
    WEIR_TRY(call.check_queue(queue));
  }
  return jobs::get_redrive(db, id);
}

std::string queue_of(json::View redrive) {
  return redrive.find("queue").as_string().value_or("");
}

void list(Services& services, const Call& call) {
  const auto limit = query_int(call.request(), "limit", 50, 1, 1'000);
  if (!limit) return call.fail(limit.error());
  answer_read(services, call, [&](sqlite::Database& db) -> Result<std::string> {
    const auto cursor = call.request().query_value("cursor").value_or("");
    WEIR_ASSIGN(auto page, jobs::list_redrives(db, *limit, cursor));
    return only_allowed(call, std::move(page), queue_of);
  });
}

void cancel(Services& services, const Call& call) {
  const auto seen = services.instance.read([&](sqlite::Database& db) -> Result<void> {
    WEIR_TRY(visible_redrive(call, db));
    return {};
  });
  if (!seen) return call.fail(seen.error());
  answer_write(services, call, jobs::Requests::redrive_cancel(call.param("id")));
}

Command redrive_command(std::string_view name, std::string_view method, std::string_view path) {
  return {.name = name,
          .method = method,
          .path = path,
          .tag = "Dead letters",
          .answers = {{200, "The redrive.", R"({"$ref":"#/components/schemas/Redrive"})"}},
          .errors = {{Code::forbidden, "queue_not_allowed"}}};
}

}  // namespace

void add_redrive_commands(CommandTable& table, Services& services) {
  Command all = redrive_command("dlq.redrives", "GET", "/v1/dlq/redrives");
  all.scope = Scope::jobs_read;
  all.reads_state = true;
  all.summary = "List redrives, newest first";
  all.description = "Those that run, and the last 100 that have ended.";
  all.query = {{"limit", "redrives on a page",
                R"({"type":"integer","minimum":1,"maximum":1000,"default":50})"},
               {"cursor", "next_cursor of the page before"}};
  all.answers = {{200, "A page.", R"({"$ref":"#/components/schemas/RedrivePage"})"}};
  all.errors.push_back({Code::invalid, "invalid_request"});
  all.errors.push_back({Code::bad_request, "bad_parameter"});
  all.handler = [&services](const Call& call) { list(services, call); };
  table.push_back(std::move(all));

  Command one = redrive_command("dlq.redrive_get", "GET", "/v1/dlq/redrives/{id}");
  one.scope = Scope::jobs_read;
  one.reads_state = true;
  one.summary = "How far a redrive is";
  one.errors.push_back({Code::not_found, "redrive_not_found"});
  one.handler = [&services](const Call& call) {
    answer_read(services, call, [&](sqlite::Database& db) { return visible_redrive(call, db); });
  };
  table.push_back(std::move(one));

  Command stop = redrive_command("dlq.redrive_cancel", "POST", "/v1/dlq/redrives/{id}/cancel");
  stop.scope = Scope::queues_admin;
  stop.body = Body::optional_json;
  stop.request_schema = R"({"type":"object"})";
  stop.summary = "Stop a redrive";
  stop.description = "What it has redriven stays so.";
  stop.errors.push_back({Code::not_found, "redrive_not_found"});
  stop.errors.push_back({Code::conflict, "redrive_ended"});
  stop.errors.push_back({Code::unavailable, "nats_unavailable"});
  stop.errors.push_back({Code::deadline_exceeded, "outcome_unknown"});
  stop.handler = [&services](const Call& call) { cancel(services, call); };
  table.push_back(std::move(stop));
}

}  // namespace weir::api
