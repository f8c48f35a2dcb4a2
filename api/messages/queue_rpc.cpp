// The queue.* commands: queues of messages on the job engine.
#include "api/messages/queue_rpc.hpp"
#include "api/core/audit_trail.hpp"

#include "jobs/queries.hpp"
#include "pkg/auth/audit_machine.hpp"

namespace weir::api {
namespace queue_commands {
namespace {

using auth::Scope;
using rpc::Field;
using rpc::Payload;

constexpr std::int64_t kPage = 1'000;

// The name under `queue`, or `name`.
std::string queue_of(Payload& payload) {
  if (!payload.has("name")) return payload.required_text("queue", kMaxQueueNameBytes);
  if (payload.has("queue")) payload.complain("name", "is another name of queue: give one of them");
  return payload.required_text("name", kMaxQueueNameBytes);
}

Result<std::string> read_queue(const rpc::Call& call) {
  Payload payload(call.payload());
  auto queue = queue_of(payload);
  WEIR_TRY(check_payload(call, payload, queue));
  return queue;
}

// Members of config, all of them at once when they are wrong.
jobs::MessageQueue read_settings(Payload& payload) {
  jobs::MessageQueue out;
  if (!payload.has("config")) return out;
  const auto config = payload.raw("config");
  if (!config.is_object()) {
    payload.complain("config", "must be an object");
    return out;
  }
  const auto integer = [&](json::View value, std::string_view name, std::int64_t least,
                           std::int64_t most, std::int64_t fallback) {
    const auto number = value.as_int();
    if (number && *number >= least && *number <= most) return *number;
    payload.complain("config." + std::string(name), "a whole number from " + std::to_string(least) +
                                                        " to " + std::to_string(most));
    return fallback;
  };
  for (const auto& member : config.members()) {
    const auto name = member.key();
    const auto value = member.value;
    if (value.is_null()) continue;
    if (name == "max_depth") {
      out.max_depth = integer(value, name, 1, jobs::kMaxWaitingJobs, out.max_depth);
    } else if (name == "ack_deadline_secs") {
      const auto longest = std::chrono::duration_cast<std::chrono::seconds>(jobs::kMaxLease);
      out.ack_deadline = std::chrono::seconds(integer(value, name, 1, longest.count(), 30));
    } else if (name == "default_max_retries") {
      out.max_retries = integer(value, name, 0, jobs::kMaxAttempts - 1, out.max_retries);
    } else if (name == "default_priority") {
      out.default_priority = integer(value, name, 0, jobs::kMaxPriority, out.default_priority);
    } else {
      payload.complain("config." + name, "is not known here");
    }
  }
  return out;
}

void run_create(const Context& context, const rpc::Call& call, const rpc::Reply& reply) {
  Payload payload(call.payload());
  const auto queue = queue_of(payload);
  const auto settings = read_settings(payload);
  if (const auto fine = check_payload(call, payload, queue); !fine) return reply(fine.error());
  auto operation = context.services.requests.message_queue(queue, settings);
  if (!operation) return reply(of_payload(std::move(operation).error()));
  operation->actor = actor_of(call, "queue.create", queue, call.payload().find("config").raw());
  context.services.instance.propose(std::move(*operation), [reply](Result<replica::Reply> applied) {
    if (!applied) return reply(std::move(applied).error());
    reply(std::move(applied->json));
  });
}

// As many bounded operations as it takes, one after the other.
void run_steps(replica::Instance& instance, replica::Operation operation, std::int64_t done,
               const std::function<void(Result<std::int64_t>)>& finish) {
  const auto sent = operation;
  instance.propose(std::move(operation),
                   [&instance, sent, done, finish](const Result<replica::Reply>& applied) {
                     if (!applied) return finish(applied.error());
                     auto step = jobs::next_step(sent, applied->json);
                     if (!step.next) return finish(done + step.done);
                     run_steps(instance, std::move(*step.next), done + step.done, finish);
                   });
}

enum class Bulk : std::uint8_t { purge, remove };

template <Bulk kBulk>
void run_bulk(const Context& context, const rpc::Call& call, const rpc::Reply& reply) {
  constexpr bool kDeletes = kBulk == Bulk::remove;
  const auto queue = read_queue(call);
  if (!queue) return reply(queue.error());
  const auto& requests = context.services.requests;
  auto operation = kDeletes ? requests.queue_drop(*queue) : requests.purge(*queue);
  if (!operation) return reply(of_payload(std::move(operation).error()));
  operation->actor = actor_of(call, kDeletes ? "queue.delete" : "queue.purge", *queue);
  run_steps(context.services.instance, std::move(*operation), 0,
            [reply, queue = *queue](const Result<std::int64_t>& purged) {
              if (!purged) return reply(purged.error());
              json::Writer out(96);
              out.begin_object().member("queue", queue);
              if (kDeletes) out.member("deleted", true);
              reply(out.member("purged", *purged).end_object().take());
            });
}

Result<std::string> list_names(sqlite::Database& db, const auth::Principal& principal) {
  json::Writer out(1'024);
  out.begin_object().key("queues").begin_array();
  std::string cursor;
  do {
    WEIR_ASSIGN(const auto page, jobs::list_queues(db, kPage, cursor));
    const json::View view(page);
    for (const auto item : view.find("items").elements()) {
      const auto name = item.find("name").as_string().value_or("");
      if (principal.allows_queue(name)) out.value(name);
    }
    cursor = view.find("next_cursor").as_string().value_or("");
  } while (!cursor.empty());
  return out.end_array().end_object().take();
}

void answer_read(const Context& context, const rpc::Reply& reply,
                 const std::function<Result<std::string>(sqlite::Database&)>& query) {
  context.services.reads.fetch_add(1, std::memory_order_relaxed);
  std::string json;
  const auto revision = context.services.instance.read([&](sqlite::Database& db) -> Result<void> {
    WEIR_ASSIGN(json, query(db));
    return {};
  });
  if (!revision) return reply(revision.error());
  reply(std::move(json));
}

void run_list(const Context& context, const rpc::Call& call, const rpc::Reply& reply) {
  answer_read(context, reply,
              [&](sqlite::Database& db) { return list_names(db, call.principal()); });
}

void run_stats(const Context& context, const rpc::Call& call, const rpc::Reply& reply) {
  const auto queue = read_queue(call);
  if (!queue) return reply(queue.error());
  const auto now =
      std::max(context.services.clock.wall(), context.services.instance.health().applied_time);
  answer_read(context, reply,
              [&](sqlite::Database& db) { return jobs::message_stats(db, *queue, now); });
}

struct Row {
  std::string_view name;
  Scope scope;
  std::string_view summary;
  std::vector<Field> payload;
  std::string_view answer;
  bool pipelined;
  Run run;
};

std::vector<Row> rows() {
  constexpr Field queue{"queue", "the queue"};
  constexpr Field name{"name", "the same"};
  constexpr Field id{"message_id", "from consume", true};
  constexpr Field consumer{"consumer_id", "who asks; others of the same key are others then"};
  return {{"queue.create",
           Scope::queues_admin,
           "Make a queue",
           {queue,
            name,
            {"config",
             "max_depth, ack_deadline_secs, default_max_retries, "
             "default_priority"}},
           "success",
           false,
           run_create},
          {"queue.publish",
           Scope::jobs_write,
           "Add a message; the queue is made when it is not there",
           {queue,
            {"message", "any JSON"},
            {"payload", "the same"},
            {"priority", "0 to 9, 9 first"},
            {"headers", "an object of texts"},
            {"ttl", "seconds; not consumed later"},
            {"delay", "seconds; not consumed earlier"}},
           "message_id, position",
           true,
           run_publish},
          {"queue.consume",
           Scope::jobs_work,
           "Take the next message; without one, wait",
           {queue,
            {"timeout", "seconds to wait, 0 to 60"},
            {"ack_deadline", "seconds until it is given to another"},
            consumer,
            {"count", "up to so many, as messages[]"}},
           "message_id, message, priority, retry_count, max_retries, headers, deadline; with "
           "consumer_id they are the members of message, with id and payload",
           false,
           run_consume},
          {"queue.ack",
           Scope::jobs_work,
           "The message is done",
           {queue, id, consumer},
           "success",
           true,
           run_ack},
          {"queue.nack",
           Scope::jobs_work,
           "The message is not done: again, or to the dead letters",
           {queue, id, {"requeue", "true when not given"}, consumer},
           "success, action",
           true,
           run_nack},
          {"queue.delete",
           Scope::queues_admin,
           "Delete a queue with its messages",
           {queue, name},
           "queue, deleted, purged",
           false,
           run_bulk<Bulk::remove>},
          {"queue.purge",
           Scope::queues_admin,
           "Delete the messages that wait",
           {queue, name},
           "queue, purged",
           false,
           run_bulk<Bulk::purge>},
          {"queue.list", Scope::jobs_read, "Names of the queues", {}, "queues", false, run_list},
          {"queue.stats",
           Scope::jobs_read,
           "Figures of a queue",
           {queue, name},
           "queue, depth, in_flight, consumers, published_total, consumed_total, acked_total, "
           "nacked_total, dead_lettered_total, oldest_message_age_secs",
           false,
           run_stats}};
}

}  // namespace

Result<void> check_queue(const rpc::Call& call, std::string_view queue) {
  if (call.principal().allows_queue(queue)) return {};
  return Error{Code::forbidden, "queue_not_allowed", "The API key is not for this queue.",
               "queue: " + std::string(queue) + "; key: " + call.principal().key_id};
}

Result<void> check_payload(const rpc::Call& call, const rpc::Payload& payload,
                           std::string_view queue) {
  WEIR_TRY(payload.done());
  return check_queue(call, queue);
}

Error of_payload(Error error) {
  if (error.code != Code::bad_request && error.code != Code::invalid) return error;
  error.code = Code::invalid;
  error.reason = "invalid_payload";
  return error;
}

}  // namespace queue_commands

void add_queue_rpc(rpc::CommandTable& table, Services& services, ParkedLeases& leases) {
  const queue_commands::Context context{services, leases,
                                        std::make_shared<SocketConsumers>(services.random)};
  for (auto& row : queue_commands::rows()) {
    const bool once =
        row.name == "queue.publish" || row.name == "queue.ack" || row.name == "queue.nack";
    table.push_back({.name = row.name,
                     .scope = row.scope,
                     .summary = row.summary,
                     .payload = std::move(row.payload),
                     .answer = row.answer,
                     .once_per_request_id = once,
                     .pipelined = row.pipelined,
                     .handler = [context, run = row.run](const rpc::Call& call, rpc::Reply reply) {
                       run(context, call, reply);
                     }});
  }
}

}  // namespace weir::api
