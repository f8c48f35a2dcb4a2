#include "api/core/commands.hpp"
#include "api/jobs/bulk.hpp"
#include "jobs/queries.hpp"
#include "pkg/json/writer.hpp"

namespace weir::api {
namespace {

using auth::Scope;

constexpr std::string_view kQueueRef = R"({"$ref":"#/components/schemas/Queue"})";

std::string name_of(json::View queue) {
  return queue.find("name").as_string().value_or("");
}

void list(Services& services, const Call& call) {
  const auto limit = query_int(call.request(), "limit", 100, 1, 1000);
  if (!limit) return call.fail(limit.error());
  const auto cursor = call.request().query_value("cursor").value_or("");
  answer_read(services, call, [&](sqlite::Database& db) -> Result<std::string> {
    WEIR_ASSIGN(auto page, jobs::list_queues(db, *limit, cursor));
    return only_allowed(call, std::move(page), name_of);
  });
}

void write_times(json::Writer& out, std::string_view name, const jobs::DurationCounts& times) {
  out.key(name).begin_object().member("count", times.count());
  for (const auto& [percentile, share] :
       {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}}) {
    out.key(percentile);
    if (times.count() == 0) {
      out.null();
    } else {
      out.value(times.percentile(share));
    }
  }
  out.end_object();
}

// The queue, with what this coordinator saw of its waits and runs.
void get(Services& services, const Call& call) {
  answer_read(services, call, [&](sqlite::Database& db) -> Result<std::string> {
    const auto now = services.clock.wall();
    WEIR_ASSIGN(auto queue, jobs::get_queue(db, call.param("queue"), now));
    const auto times = services.job_stats.times().queue(call.param("queue"), to_unix_ms(now));
    json::Writer out(256);
    out.begin_object();
    write_times(out, "wait_ms", times.wait);
    write_times(out, "run_ms", times.run);
    queue.back() = ',';
    return queue + out.end_object().take().substr(1);
  });
}

Command queue_command(std::string_view name, std::string_view method, std::string_view path) {
  return {.name = name,
          .method = method,
          .path = path,
          .tag = "Queues",
          .scope = Scope::queues_admin,
          .answers = {{200, "Changed.", kQueueRef}},
          .errors = {{Code::forbidden, "queue_not_allowed"},
                     {Code::invalid, "invalid_request"},
                     {Code::unavailable, "nats_unavailable"},
                     {Code::deadline_exceeded, "outcome_unknown"}}};
}

using Handle = void (*)(Services&, const Call&);

// Puts the pattern check in front of every command that names a queue.
void add(CommandTable& table, Services& services, Command command, Handle handle) {
  command.handler = [&services, handle](const Call& call) {
    const auto queue = call.param("queue");
    if (!queue.empty()) {
      if (const auto allowed = call.check_queue(queue); !allowed) return call.fail(allowed.error());
    }
    handle(services, call);
  };
  table.push_back(std::move(command));
}

void add_reads(CommandTable& table, Services& services) {
  Command all = queue_command("queues.list", "GET", "/v1/queues");
  all.scope = Scope::jobs_read;
  all.reads_state = true;
  all.summary = "List queues";
  all.query = {{"limit", "queues on a page",
                R"({"type":"integer","minimum":1,"maximum":1000,"default":100})"},
               {"cursor", "next_cursor of the page before"}};
  all.answers = {{200, "A page.", R"({"$ref":"#/components/schemas/QueuePage"})"}};
  all.errors = {{Code::bad_request, "bad_parameter"}};
  add(table, services, std::move(all), list);

  Command one = queue_command("queues.get", "GET", "/v1/queues/{queue}");
  one.scope = Scope::jobs_read;
  one.reads_state = true;
  one.summary = "Configuration and depth of a queue";
  one.answers = {{200, "The queue.", kQueueRef}};
  one.errors = {{Code::not_found, "queue_not_found"}, {Code::forbidden, "queue_not_allowed"}};
  add(table, services, std::move(one), get);
}

void add_changes(CommandTable& table, Services& services) {
  Command put = queue_command("queues.configure", "PUT", "/v1/queues/{queue}");
  put.summary = "Create or configure a queue";
  put.description = "Replaces the whole configuration; what is left out gets its default.";
  put.body = Body::optional_json;
  put.request_schema = R"({"$ref":"#/components/schemas/QueueConfig"})";
  put.errors.push_back({Code::too_many_requests, "too_many_queues"});
  add(table, services, std::move(put), [](Services& s, const Call& call) {
    answer_write(s, call, s.requests.queue_config(call.param("queue"), call.body()));
  });

  Command remove = queue_command("queues.remove", "DELETE", "/v1/queues/{queue}");
  remove.summary = "Remove an empty queue";
  remove.answers = {{200, "Removed.", R"({"type":"object"})"}};
  remove.errors.push_back({Code::not_found, "queue_not_found"});
  remove.errors.push_back({Code::conflict, "queue_not_empty"});
  add(table, services, std::move(remove), [](Services& s, const Call& call) {
    answer_write(s, call, s.requests.queue_remove(call.param("queue")));
  });

  Command pause = queue_command("queues.pause", "POST", "/v1/queues/{queue}/pause");
  pause.summary = "Stop leasing from a queue; running jobs go on";
  pause.errors.push_back({Code::not_found, "queue_not_found"});
  add(table, services, std::move(pause), [](Services& s, const Call& call) {
    answer_write(s, call, s.requests.pause(call.param("queue")));
  });

  Command resume = queue_command("queues.resume", "POST", "/v1/queues/{queue}/resume");
  resume.summary = "Lease from a paused queue again";
  resume.errors.push_back({Code::not_found, "queue_not_found"});
  add(table, services, std::move(resume), [](Services& s, const Call& call) {
    answer_write(s, call, s.requests.resume(call.param("queue")));
  });

  Command purge = queue_command("queues.purge", "POST", "/v1/queues/{queue}/purge");
  purge.summary = "Delete the waiting jobs of a queue";
  purge.answers = {{200, "How many.",
                    R"({"type":"object","properties":{"purged":{"type":"integer"},)"
                    R"("revision":{"type":"integer"}},"required":["purged"]})"}};
  purge.errors.push_back({Code::not_found, "queue_not_found"});
  add(table, services, std::move(purge), [](Services& s, const Call& call) {
    answer_bulk(s, call, s.requests.purge(call.param("queue")), "purged");
  });
}

void add_limits(CommandTable& table, Services& services) {
  constexpr std::string_view kLimitsRef = R"({"$ref":"#/components/schemas/Limits"})";
  Command get = queue_command("limits.get", "GET", "/v1/limits");
  get.summary = "Limits of all queues together";
  get.scope = Scope::jobs_read;
  get.answers = {{200, "The limits, and what runs.", kLimitsRef}};
  get.errors = {};
  get.handler = [&services](const Call& call) {
    answer_read(services, call,
                [](sqlite::Database& db) -> Result<std::string> { return jobs::get_limits(db); });
  };

  Command put = queue_command("limits.set", "PUT", "/v1/limits");
  put.summary = "Set the limits of all queues together";
  put.description = "Replaces them: without concurrency there is no limit.";
  put.body = Body::optional_json;
  put.request_schema = R"({"type":"object","additionalProperties":false,"properties":{)"
                       R"("concurrency":{"type":"integer","minimum":1,"maximum":1000000}}})";
  put.answers = {{200, "The limits.", kLimitsRef}};
  put.errors = {{Code::invalid, "invalid_request"},
                {Code::forbidden, "queue_not_allowed"},
                {Code::unavailable, "nats_unavailable"},
                {Code::deadline_exceeded, "outcome_unknown"}};
  put.handler = [&services](const Call& call) {
    // They concern every queue: a key for some of them is not for these.
    if (const auto allowed = call.check_queue("*"); !allowed) return call.fail(allowed.error());
    answer_write(services, call, services.requests.set_limits(call.body()));
  };
  for (auto* command : {&get, &put}) table.push_back(std::move(*command));
}

}  // namespace

void add_queue_commands(CommandTable& table, Services& services) {
  add_reads(table, services);
  add_changes(table, services);
  add_limits(table, services);
}

}  // namespace weir::api
