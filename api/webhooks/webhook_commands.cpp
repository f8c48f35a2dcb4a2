#include "api/core/commands.hpp"
#include "api/jobs/bulk.hpp"
#include "jobs/webhook_query.hpp"

namespace weir::api {
namespace {

using auth::Scope;

constexpr std::string_view kDelivery = R"({"$ref":"#/components/schemas/WebhookDelivery"})";

Result<jobs::DeliveryListRequest> list_of(const Call& call) {
  jobs::DeliveryListRequest out;
  const auto& request = call.request();
  if (const auto word = request.query_value("status")) {
    out.state = jobs::parse_delivery_state(*word);
    if (!out.state) return bad_parameter("status", "pending, delivered or dead");
  }
  out.queue = std::string(request.query_value("queue").value_or(""));
  out.cursor = std::string(request.query_value("cursor").value_or(""));
  WEIR_ASSIGN(out.limit, query_int(request, "limit", 50, 1, 1000));
  if (!call.principal().queues.empty()) {
    out.allowed = [&call](std::string_view queue) { return call.check_queue(queue).has_value(); };
  }
  return out;
}

void list(Services& services, const Call& call) {
  const auto request = list_of(call);
  if (!request) return call.fail(request.error());
  answer_read(services, call,
              [&](sqlite::Database& db) { return jobs::list_deliveries(db, *request); });
}

void get(Services& services, const Call& call) {
  answer_read(services, call, [&](sqlite::Database& db) -> Result<std::string> {
    WEIR_ASSIGN(auto delivery, jobs::get_delivery(db, call.param("id")));
    WEIR_TRY(call.check_queue(json::View(delivery).find("queue").as_string().value_or("")));
    return delivery;
  });
}

void test(Services& services, const Call& call) {
  const auto queue = call.param("queue");
  if (const auto allowed = call.check_queue(queue); !allowed) return call.fail(allowed.error());
  answer_write(services, call, services.requests.webhook_test(queue));
}

using Make = Result<replica::Operation> (jobs::Requests::*)(json::View) const;

// A key with queue patterns must name one of its queues: ids alone do not tell theirs.
void change(Services& services, const Call& call, Make make, const char* counted) {
  if (!call.principal().queues.empty()) {
    const auto queue = call.body().find("queue").as_string().value_or("");
    if (const auto allowed = call.check_queue(queue); !allowed) return call.fail(allowed.error());
  }
  answer_bulk(services, call, (services.requests.*make)(call.body()), counted);
}

Command webhook_command(std::string_view name, std::string_view method, std::string_view path) {
  return {.name = name,
          .method = method,
          .path = path,
          .tag = "Webhooks",
          .scope = Scope::queues_admin,
          .errors = {{Code::forbidden, "queue_not_allowed"}}};
}

void add_reads(CommandTable& table, Services& services) {
  Command all = webhook_command("webhooks.list", "GET", "/v1/webhooks/deliveries");
  all.scope = Scope::jobs_read;
  all.reads_state = true;
  all.summary = "List deliveries of webhooks, newest first";
  all.description =
      "Those that succeeded are kept for a day, dead ones for 30 days. A page may be short, or "
      "empty, although there is a next one.";
  all.query = {{"status", "pending, delivered or dead"},
               {"queue", "of this queue only"},
               {"limit", "deliveries on a page",
                R"({"type":"integer","minimum":1,"maximum":1000,"default":50})"},
               {"cursor", "next_cursor of the page before"}};
  all.answers = {{200, "A page.", R"({"$ref":"#/components/schemas/WebhookDeliveryPage"})"}};
  all.errors = {{Code::bad_request, "bad_parameter"}, {Code::invalid, "invalid_request"}};
  all.handler = [&services](const Call& call) { list(services, call); };
  table.push_back(std::move(all));

  Command one = webhook_command("webhooks.get", "GET", "/v1/webhooks/deliveries/{id}");
  one.scope = Scope::jobs_read;
  one.reads_state = true;
  one.summary = "A delivery, with its body";
  one.answers = {{200, "The delivery.", kDelivery}};
  one.errors.push_back({Code::not_found, "delivery_not_found"});
  one.handler = [&services](const Call& call) { get(services, call); };
  table.push_back(std::move(one));
}

void add_change(CommandTable& table, Services& services, Command command, Make make,
                const char* counted) {
  command.description = "Those with the ids, or all of a queue. Others than dead ones are missing.";
  command.body = Body::required_json;
  command.request_schema = R"({"$ref":"#/components/schemas/DeliveryFilter"})";
  command.answers = {{200, "How many.", R"({"$ref":"#/components/schemas/DeliveryCount"})"}};
  for (const auto& problem :
       {Problem{Code::invalid, "invalid_request"}, Problem{Code::unavailable, "nats_unavailable"},
        Problem{Code::deadline_exceeded, "outcome_unknown"}}) {
    command.errors.push_back(problem);
  }
  command.handler = [&services, make, counted](const Call& call) {
    change(services, call, make, counted);
  };
  table.push_back(std::move(command));
}

}  // namespace

void add_webhook_commands(CommandTable& table, Services& services) {
  add_reads(table, services);
  Command redrive = webhook_command("webhooks.redrive", "POST", "/v1/webhooks/deliveries/redrive");
  redrive.summary = "Try dead deliveries again, with fresh attempts";
  add_change(table, services, std::move(redrive), &jobs::Requests::webhook_redrive, "redriven");
  Command purge = webhook_command("webhooks.purge", "POST", "/v1/webhooks/deliveries/purge");
  purge.summary = "Delete dead deliveries";
  add_change(table, services, std::move(purge), &jobs::Requests::webhook_purge, "purged");

  Command one = webhook_command("webhooks.test", "POST", "/v1/queues/{queue}/webhook/test");
  one.summary = "Send a test to the webhook of a queue";
  one.description = "A delivery of type weir.webhook.test; read it to see what came of it.";
  one.answers = {{200, "Made.",
                  R"({"type":"object","required":["id"],"properties":{"id":{"type":"string"},)"
                  R"("queue":{"type":"string"},"revision":{"type":"integer"}}})"}};
  for (const auto& problem :
       {Problem{Code::not_found, "queue_not_found"}, Problem{Code::conflict, "webhook_not_set"},
        Problem{Code::invalid, "invalid_request"}, Problem{Code::unavailable, "nats_unavailable"},
        Problem{Code::deadline_exceeded, "outcome_unknown"}}) {
    one.errors.push_back(problem);
  }
  one.handler = [&services](const Call& call) { test(services, call); };
  table.push_back(std::move(one));
}

}  // namespace weir::api
