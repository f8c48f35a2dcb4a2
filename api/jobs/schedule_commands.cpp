#include <algorithm>

#include "api/core/commands.hpp"
#include "jobs/queries.hpp"

namespace weir::api {
namespace {

using auth::Scope;

constexpr std::string_view kScheduleRef = R"({"$ref":"#/components/schemas/Schedule"})";

// The time that schedules are computed from: not before the log's, which decides what is due.
Timestamp schedule_clock(const Services& services) {
  return std::max(services.clock.wall(), services.instance.health().applied_time);
}

std::string queue_of(json::View schedule) {
  return schedule.find("job").find("queue").as_string().value_or("");
}

// forbidden / queue_not_allowed when the schedule is there and of a queue the key is not for.
Result<void> check_schedule(Services& services, const Call& call) {
  if (call.principal().queues.empty()) return {};
  std::string queue;
  const auto read = services.instance.read([&](sqlite::Database& db) -> Result<void> {
    WEIR_ASSIGN(queue, jobs::schedule_queue(db, call.param("name")));
    return {};
  });
  if (!read) return read.error().code == Code::not_found ? Result<void>() : read.error();
  return call.check_queue(queue);
}

void list(Services& services, const Call& call) {
  const auto limit = query_int(call.request(), "limit", 100, 1, 1000);
  if (!limit) return call.fail(limit.error());
  const auto cursor = call.request().query_value("cursor").value_or("");
  answer_read(services, call, [&](sqlite::Database& db) -> Result<std::string> {
    WEIR_ASSIGN(auto page, jobs::list_schedules(db, *limit, cursor));
    return only_allowed(call, std::move(page), queue_of);
  });
}

void get(Services& services, const Call& call) {
  const auto upcoming = query_int(call.request(), "upcoming", 0, 0, 100);
  if (!upcoming) return call.fail(upcoming.error());
  answer_read(services, call, [&](sqlite::Database& db) {
    return jobs::get_schedule(db, call.param("name"), static_cast<std::size_t>(*upcoming),
                              schedule_clock(services));
  });
}

void runs(Services& services, const Call& call) {
  const auto limit = query_int(call.request(), "limit", 50, 1, 1000);
  if (!limit) return call.fail(limit.error());
  const auto cursor = call.request().query_value("cursor").value_or("");
  answer_read(services, call, [&](sqlite::Database& db) {
    return jobs::list_schedule_runs(db, call.param("name"), *limit, cursor);
  });
}

void configure(Services& services, const Call& call) {
  if (const auto queue = queue_of(call.body()); !queue.empty()) {
    if (const auto allowed = call.check_queue(queue); !allowed) return call.fail(allowed.error());
  }
  answer_write(
      services, call,
      services.requests.schedule_set(call.param("name"), call.body(), schedule_clock(services)));
}

// Proposes what `make` makes of the state.
template <class Make>
void answer_with_state(Services& services, const Call& call, Make make) {
  Result<replica::Operation> operation = Error{};
  const auto read = services.instance.read([&](sqlite::Database& db) -> Result<void> {
    operation = make(db);
    return {};
  });
  if (!read) return call.fail(read.error());
  answer_write(services, call, std::move(operation));
}

void resume(Services& services, const Call& call) {
  answer_with_state(services, call, [&](sqlite::Database& db) {
    return jobs::Requests::schedule_resume(db, call.param("name"), schedule_clock(services));
  });
}

void backfill(Services& services, const Call& call) {
  answer_with_state(services, call, [&](sqlite::Database& db) {
    return jobs::Requests::schedule_backfill(db, call.param("name"), call.body(),
                                             schedule_clock(services));
  });
}

Command schedule_command(std::string_view name, std::string_view method, std::string_view path) {
  return {
      .name = name,
      .method = method,
      .path = path,
      .tag = "Schedules",
      .scope = Scope::queues_admin,
      .answers = {{200, "The schedule.", kScheduleRef}},
      .errors = {{Code::not_found, "schedule_not_found"}, {Code::forbidden, "queue_not_allowed"}}};
}

using Handle = void (*)(Services&, const Call&);

// Puts the pattern check in front of every command that names a schedule.
void add(CommandTable& table, Services& services, Command command, Handle handle) {
  if (command.method != "GET") {
    command.errors.push_back({Code::unavailable, "nats_unavailable"});
    command.errors.push_back({Code::deadline_exceeded, "outcome_unknown"});
  }
  command.handler = [&services, handle](const Call& call) {
    if (!call.param("name").empty()) {
      const auto allowed = check_schedule(services, call);
      if (!allowed) return call.fail(allowed.error());
    }
    handle(services, call);
  };
  table.push_back(std::move(command));
}

void add_reads(CommandTable& table, Services& services) {
  const QueryParameter cursor{"cursor", "next_cursor of the page before"};
  Command all = schedule_command("schedules.list", "GET", "/v1/schedules");
  all.reads_state = true;
  all.summary = "List schedules";
  all.query = {{"limit", "schedules on a page",
                R"({"type":"integer","minimum":1,"maximum":1000,"default":100})"},
               cursor};
  all.answers = {{200, "A page.", R"({"$ref":"#/components/schemas/SchedulePage"})"}};
  all.errors = {{Code::bad_request, "bad_parameter"}};
  add(table, services, std::move(all), list);

  Command one = schedule_command("schedules.get", "GET", "/v1/schedules/{name}");
  one.reads_state = true;
  one.summary = "A schedule, what has become of it, and its next runs";
  one.query = {{"upcoming", "how many next runs to show",
                R"({"type":"integer","minimum":0,"maximum":100,"default":0})"}};
  one.errors.push_back({Code::bad_request, "bad_parameter"});
  add(table, services, std::move(one), get);

  Command past = schedule_command("schedules.runs", "GET", "/v1/schedules/{name}/runs");
  past.reads_state = true;
  past.summary = "The runs whose jobs are kept, newest first";
  past.query = {
      {"limit", "runs on a page", R"({"type":"integer","minimum":1,"maximum":1000,"default":50})"},
      cursor};
  past.answers = {{200, "A page.", R"({"$ref":"#/components/schemas/ScheduleRunPage"})"}};
  past.errors.push_back({Code::bad_request, "bad_parameter"});
  past.errors.push_back({Code::invalid, "invalid_request"});
  add(table, services, std::move(past), runs);
}

void add_definition(CommandTable& table, Services& services) {
  Command put = schedule_command("schedules.configure", "PUT", "/v1/schedules/{name}");
  put.summary = "Create or replace a schedule";
  put.description =
      "Replaces all of it; what is left out gets its default, but `paused` stays as it is. "
      "Counters "
      "and earlier runs stay. When the clocks change, see docs/schedules.md.";
  put.body = Body::required_json;
  put.request_schema = R"({"$ref":"#/components/schemas/ScheduleSpec"})";
  put.errors = {{Code::forbidden, "queue_not_allowed"},
                {Code::invalid, "invalid_schedule"},
                {Code::too_large, "payload_too_large"},
                {Code::too_many_requests, "too_many_schedules"}};
  add(table, services, std::move(put), configure);

  Command remove = schedule_command("schedules.remove", "DELETE", "/v1/schedules/{name}");
  remove.summary = "Delete a schedule; its jobs stay";
  remove.answers = {{200, "Deleted.", R"({"type":"object"})"}};
  add(table, services, std::move(remove), [](Services& s, const Call& call) {
    answer_write(s, call, s.requests.schedule_remove(call.param("name")));
  });
}

void add_actions(CommandTable& table, Services& services) {
  Command pause = schedule_command("schedules.pause", "POST", "/v1/schedules/{name}/pause");
  pause.summary = "Start no more runs";
  add(table, services, std::move(pause), [](Services& s, const Call& call) {
    answer_write(s, call, s.requests.schedule_pause(call.param("name")));
  });

  Command again = schedule_command("schedules.resume", "POST", "/v1/schedules/{name}/resume");
  again.summary = "Go on with the next run; what was due meanwhile is not made up";
  again.errors.push_back({Code::conflict, "schedule_changed"});
  add(table, services, std::move(again), resume);

  Command now = schedule_command("schedules.trigger", "POST", "/v1/schedules/{name}/trigger");
  now.summary = "Run it once now, paused or not, whatever runs";
  now.answers = {{201, "The job.", R"({"$ref":"#/components/schemas/ScheduleTriggered"})"}};
  now.errors.push_back({Code::conflict, "run_refused"});
  add(table, services, std::move(now), [](Services& s, const Call& call) {
    answer_write(s, call, s.requests.schedule_trigger(call.param("name")), 201);
  });

  Command past = schedule_command("schedules.backfill", "POST", "/v1/schedules/{name}/backfill");
  past.summary = "Make the runs of a time that is over";
  past.description =
      "At most 1,000 runs, all of them at once, whatever runs. A run whose job is kept is not made "
      "again.";
  past.body = Body::required_json;
  past.request_schema = R"({"$ref":"#/components/schemas/ScheduleBackfill"})";
  past.answers = {{200, "How many.", R"({"$ref":"#/components/schemas/ScheduleBackfilled"})"}};
  past.errors.push_back({Code::conflict, "schedule_changed"});
  past.errors.push_back({Code::invalid, "backfill_too_large"});
  past.errors.push_back({Code::invalid, "invalid_request"});
  add(table, services, std::move(past), backfill);
}

}  // namespace

void add_schedule_commands(CommandTable& table, Services& services) {
  add_reads(table, services);
  add_definition(table, services);
  add_actions(table, services);
}

}  // namespace weir::api
