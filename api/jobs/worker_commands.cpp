#include "api/core/commands.hpp"
#include "jobs/fleet_query.hpp"

namespace weir::api {
namespace {

using auth::Scope;

jobs::MaySee may_see(const Call& call) {
  return [&call](std::string_view queue) { return call.principal().allows_queue(queue); };
}

void list(Services& services, const Call& call) {
  const auto limit = query_int(call.request(), "limit", 100, 1, 1000);
  if (!limit) return call.fail(limit.error());
  const auto cursor = call.request().query_value("cursor").value_or("");
  answer_read(services, call, [&](sqlite::Database& db) {
    return jobs::list_workers(db, *limit, cursor, services.clock.wall(), may_see(call));
  });
}

void get(Services& services, const Call& call) {
  answer_read(services, call, [&](sqlite::Database& db) {
    return jobs::get_worker(db, call.param("worker"), services.clock.wall(), may_see(call));
  });
}

// A key for some queues may drain a worker that asks only those.
Result<void> check_queues(Services& services, const Call& call) {
  if (call.principal().queues.empty()) return {};
  const auto read = services.instance.read([&](sqlite::Database& db) -> Result<void> {
    for (const auto& queue : jobs::queues_of_worker(db, call.param("worker"))) {
      WEIR_TRY(call.check_queue(queue));
    }
    return {};
  });
  if (!read) return read.error();
  return {};
}

void drain(Services& services, const Call& call) {
  if (const auto allowed = check_queues(services, call); !allowed) {
    return call.fail(allowed.error());
  }
  answer_write(services, call, jobs::worker_drain(call.param("worker")));
}

void undrain(Services& services, const Call& call) {
  if (const auto allowed = check_queues(services, call); !allowed) {
    return call.fail(allowed.error());
  }
  answer_write(services, call, jobs::worker_undrain(call.param("worker")));
}

Command drain_command(std::string_view name, std::string_view method) {
  return {.name = name,
          .method = method,
          .path = "/v1/workers/{worker}/drain",
          .tag = "Workers",
          .scope = Scope::queues_admin,
          .answers = {{200, "Changed.", R"({"$ref":"#/components/schemas/Drain"})"}},
          .errors = {{Code::not_found, "worker_not_found"},
                     {Code::forbidden, "queue_not_allowed"},
                     {Code::unavailable, "nats_unavailable"},
                     {Code::deadline_exceeded, "outcome_unknown"}}};
}

void add_changes(CommandTable& table, Services& services) {
  Command on = drain_command("workers.drain", "POST");
  on.summary = "Give a worker no more jobs";
  on.description =
      "It finishes what it runs. What it waits for is answered at once; each answer to it says "
      "`draining`. Holds until it is undone, or the worker was not seen for 24 hours.";
  on.body = Body::optional_json;
  on.request_schema = R"({"type":"object"})";
  on.handler = [&services](const Call& call) { drain(services, call); };
  table.push_back(std::move(on));

  Command off = drain_command("workers.undrain", "DELETE");
  off.summary = "Give a draining worker jobs again";
  off.handler = [&services](const Call& call) { undrain(services, call); };
  table.push_back(std::move(off));
}

}  // namespace

void add_worker_commands(CommandTable& table, Services& services) {
  Command all{.name = "workers.list",
              .method = "GET",
              .path = "/v1/workers",
              .tag = "Workers",
              .scope = Scope::jobs_read,
              .answers = {{200, "A page.", R"({"$ref":"#/components/schemas/WorkerPage"})"}},
              .errors = {{Code::bad_request, "bad_parameter"}}};
  all.summary = "Who asked for jobs lately, with labels and what each runs";
  all.description =
      "By name. A worker that runs nothing is forgotten 15 minutes after it was last seen. A key "
      "for some queues sees the workers of those queues.";
  all.reads_state = true;
  all.query = {{"limit", "workers on a page",
                R"({"type":"integer","minimum":1,"maximum":1000,"default":100})"},
               {"cursor", "next_cursor of the page before"}};
  all.handler = [&services](const Call& call) { list(services, call); };
  table.push_back(std::move(all));

  Command one{.name = "workers.get",
              .method = "GET",
              .path = "/v1/workers/{worker}",
              .tag = "Workers",
              .scope = Scope::jobs_read,
              .answers = {{200, "The worker.", R"({"$ref":"#/components/schemas/Worker"})"}},
              .errors = {{Code::not_found, "worker_not_found"}}};
  one.summary = "A worker, and what it runs";
  one.reads_state = true;
  one.handler = [&services](const Call& call) { get(services, call); };
  table.push_back(std::move(one));
  add_changes(table, services);
}

}  // namespace weir::api
