// queue.publish, consume, ack and nack. Whose lease an ack means is decided where the log is
// applied (jobs/messages.hpp).
#include "api/messages/queue_rpc.hpp"
#include "jobs/messages.hpp"
#include "jobs/quota.hpp"

namespace weir::api::queue_commands {
namespace {

using rpc::Payload;

constexpr std::size_t kMaxMessageIdBytes = 256;

std::int64_t seconds_of(Millis longest) {
  return std::chrono::duration_cast<std::chrono::seconds>(longest).count();
}

// The message under its name or its alias.
json::View message_of(Payload& payload) {
  const auto message = payload.raw("message");
  const auto alias = payload.raw("payload");
  if (message.is_missing() && alias.is_missing()) {
    payload.complain("message", "is required, any JSON");
  } else if (!message.is_missing() && !alias.is_missing()) {
    payload.complain("payload", "is another name of message: give one of them");
  }
  return message.is_missing() ? alias : message;
}

// The job that the message becomes, as the body of a submit.
Result<std::string> job_of(const Context& context, const rpc::Call& call) {
  Payload payload(call.payload());
  const auto queue = payload.required_text("queue", kMaxQueueNameBytes);
  const auto message = message_of(payload);
  const auto priority = payload.integer("priority", 0, jobs::kMaxPriority);
  const auto ttl = payload.integer("ttl", 1, seconds_of(jobs::kMaxDelay));
  const auto delay = payload.integer("delay", 0, seconds_of(jobs::kMaxDelay));
  if (payload.has("headers") && !payload.raw("headers").is_object()) {
    payload.complain("headers", "must be an object of texts");
  }
  WEIR_TRY(check_payload(call, payload, queue));
  json::Writer out(message.raw().size() + 256);
  out.begin_object().member("queue", queue).member("type", jobs::kMessageType);
  if (priority) out.member("priority", *priority);
  if (delay) out.member("delay_ms", *delay * 1'000);
  if (ttl) out.member("expires_at", to_unix_ms(context.services.clock.wall()) + *ttl * 1'000);
  if (payload.has("headers")) out.raw_member("headers", payload.raw("headers").raw());
  return out.raw_member("payload", message.raw()).end_object().take();
}

Result<replica::Operation> publish_operation(const Context& context, const rpc::Call& call) {
  WEIR_ASSIGN(auto job, job_of(context, call));
  WEIR_ASSIGN(auto stored, context.services.values.store_jobs(job));
  if (stored) job = std::move(*stored);
  WEIR_ASSIGN(auto operation, context.services.requests.message_publish(json::View(job)));
  const auto& key = call.principal();
  if (!key.max_waiting) return operation;
  return jobs::of_key(std::move(operation), key.key_id, *key.max_waiting);
}

// Without authentication everybody is the same consumer.
std::string key_of(const rpc::Call& call) {
  const auto& principal = call.principal();
  return principal.key_id.empty() ? principal.name : principal.key_id;
}

// Who consumes or answers: by a name, by the socket, or by the key alone.
void read_consumer(const Context& context, const rpc::Call& call, Payload& payload,
                   jobs::MessageAnswer& out) {
  out.key = key_of(call);
  if (payload.has("consumer_id")) {
    out.consumer = payload.required_text("consumer_id", jobs::kMaxConsumerBytes);
    if (out.consumer->starts_with('~')) payload.complain("consumer_id", "must not begin with ~");
  } else if (call.caller().session) {
    out.socket = context.sockets->name_of(call.caller().session);
  }
}

struct Wish {
  jobs::MessageAnswer consumer;  // queue, and who
  std::int64_t timeout = 0;      // seconds
  std::optional<std::int64_t> ack_deadline;
  std::optional<std::int64_t> count;  // given: the answer is a list
};

Result<Wish> read_wish(const Context& context, const rpc::Call& call) {
  Payload payload(call.payload());
  Wish wish;
  wish.consumer.queue = payload.required_text("queue", kMaxQueueNameBytes);
  read_consumer(context, call, payload, wish.consumer);
  wish.timeout = payload.integer("timeout", 0, seconds_of(jobs::kMaxWait)).value_or(0);
  wish.ack_deadline = payload.integer("ack_deadline", 1, seconds_of(jobs::kMaxLease));
  wish.count = payload.integer("count", 1, jobs::kMaxLeaseJobs);
  WEIR_TRY(check_payload(call, payload, wish.consumer.queue));
  return wish;
}

std::string lease_body(const Wish& wish) {
  json::Writer out(192);
  out.begin_object().member("worker", jobs::message_worker(wish.consumer));
  out.member("max", wish.count.value_or(1)).member("wait_ms", wish.timeout * 1'000);
  if (wish.ack_deadline) out.member("lease_ms", *wish.ack_deadline * 1'000);
  return out.end_object().take();
}

// The members of a message. With the name of a consumer the message is an object of its own.
void write_message(json::Writer& out, json::View job, bool named) {
  const auto retries = [&](std::string_view name) {
    return job.find(name).as_int().value_or(1) - 1;
  };
  out.raw_member(named ? "id" : "message_id", job.find("id").raw());
  out.raw_member(named ? "payload" : "message", job.find("payload").raw());
  out.raw_member("priority", job.find("priority").raw());
  out.member("retry_count", retries("attempt")).member("max_retries", retries("max_attempts"));
  out.raw_member("headers", job.find("headers").raw());
  out.raw_member("deadline", job.find("deadline").raw());
}

std::string consumed(const Wish& wish, std::string_view leased) {
  const auto messages = json::View(leased).find("jobs");
  const bool named = wish.consumer.consumer.has_value();
  json::Writer out(leased.size() + 64);
  out.begin_object();
  if (wish.count) {
    out.key("messages").begin_array();
    for (const auto job : messages.elements()) {
      out.begin_object();
      write_message(out, job, named);
      out.end_object();
    }
    return out.end_array().end_object().take();
  }
  bool any = false;
  for (const auto job : messages.elements()) {
    any = true;
    if (named) out.key("message").begin_object();
    write_message(out, job, named);
    if (named) out.end_object();
  }
  if (!any && !named) out.key("message_id").null();
  if (!any) out.key("message").null();
  return out.end_object().take();
}

// Tells the leases when the caller goes away; of a socket only until the answer.
LeaseClient client_of(const Context& context, const rpc::Call& call,
                      std::function<void(Result<replica::Reply>)> answer) {
  const auto session = call.caller().session;
  if (!session) return {std::move(answer), call.caller().on_closed};
  const auto wait = std::make_shared<std::atomic<SocketConsumers::Wait>>(0);
  return {.answer =
              [sockets = context.sockets, session, wait,
               answer = std::move(answer)](Result<replica::Reply> reply) {
                sockets->done(session.get(), wait->load());
                answer(std::move(reply));
              },
          .on_closed =
              [sockets = context.sockets, session, wait](std::function<void()> closed) {
                wait->store(sockets->wait(session, std::move(closed)));
              }};
}

Result<jobs::MessageAnswer> read_answer(const Context& context, const rpc::Call& call,
                                        Payload& payload) {
  jobs::MessageAnswer answer;
  answer.queue = payload.required_text("queue", kMaxQueueNameBytes);
  answer.id = payload.required_text("message_id", kMaxMessageIdBytes);
  read_consumer(context, call, payload, answer);
  WEIR_TRY(check_payload(call, payload, answer.queue));
  return answer;
}

void propose(const Context& context, Result<replica::Operation> operation,
             const rpc::Reply& reply) {
  if (!operation) return reply(of_payload(std::move(operation).error()));
  context.services.instance.propose(std::move(*operation), [reply](Result<replica::Reply> applied) {
    if (!applied) return reply(std::move(applied).error());
    reply(std::move(applied->json));
  });
}

}  // namespace

void run_publish(const Context& context, const rpc::Call& call, const rpc::Reply& reply) {
  propose(context, publish_operation(context, call), reply);
}

void run_consume(const Context& context, const rpc::Call& call, const rpc::Reply& reply) {
  auto wish = read_wish(context, call);
  if (!wish) return reply(std::move(wish).error());
  const auto waiter = context.leases.new_waiter();
  const auto body = lease_body(*wish);
  auto request =
      context.services.requests.message_consume(wish->consumer.queue, json::View(body), waiter);
  if (!request) return reply(of_payload(std::move(request).error()));
  const auto answer = [&values = context.services.values, wish = std::move(*wish),
                       reply](Result<replica::Reply> leased) {
    if (!leased) return reply(std::move(leased).error());
    values.open_leased(std::move(leased->json), [wish, reply](Result<std::string> opened) {
      if (!opened) return reply(std::move(opened).error());
      reply(consumed(wish, *opened));
    });
  };
  context.leases.run(client_of(context, call, answer), std::move(*request), waiter);
}

void run_ack(const Context& context, const rpc::Call& call, const rpc::Reply& reply) {
  Payload payload(call.payload());
  auto answer = read_answer(context, call, payload);
  if (!answer) return reply(std::move(answer).error());
  propose(context, context.services.requests.message_ack(*answer), reply);
}

void run_nack(const Context& context, const rpc::Call& call, const rpc::Reply& reply) {
  Payload payload(call.payload());
  const auto requeue = payload.flag("requeue", true) ? jobs::Requeue::yes : jobs::Requeue::no;
  auto answer = read_answer(context, call, payload);
  if (!answer) return reply(std::move(answer).error());
  propose(context, context.services.requests.message_nack(*answer, requeue), reply);
}

}  // namespace weir::api::queue_commands
