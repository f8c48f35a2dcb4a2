#include "jobs/messages.hpp"

#include "jobs/finish.hpp"
#include "jobs/lease.hpp"
#include "jobs/quota.hpp"
#include "jobs/submit.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {
namespace {

constexpr std::string_view kNacked = R"({"type":"nack","message":"its consumer gave it back"})";

std::string text_of(json::View body, std::string_view name) {
  return body.find(name).as_string().value_or("");
}

Error message_not_found(std::string_view queue, std::string_view id) {
  return Error{Code::not_found, "message_not_found", "There is no such message in the queue",
               "queue: " + std::string(queue) + "; message_id: " + std::string(id) +
                   ". Perhaps it was acknowledged already, or its retries are used up."};
}

Error not_held(std::string_view why) {
  auto error = lease_lost();
  error.details = why;
  return error;
}

// Whether who asks is the consumer that `worker` names.
bool is_holder(std::string_view worker, json::View body) {
  const auto key = text_of(body, "key");
  if (!worker.starts_with(key)) return false;
  const auto rest = worker.substr(key.size());
  if (const auto consumer = body.find("consumer"); !consumer.is_missing()) {
    return rest == "/" + consumer.as_string().value_or("");
  }
  if (rest.empty()) return true;
  if (rest.front() != '/') return false;
  const auto socket = body.find("socket");
  return socket.is_missing() || !rest.starts_with("/~") ||
         rest == "/~" + socket.as_string().value_or("");
}

std::int64_t position_of(const Queue& queue, const Submitter::Outcome& outcome,
                         std::int64_t priority) {
  if (outcome.status != Status::unprocessed) return queue.waiting();
  std::int64_t ahead = 0;
  for (auto level = static_cast<std::size_t>(priority); level < kPriorities; ++level) {
    ahead += queue.ready[level];
  }
  return ahead;
}

std::string_view action_of(Status status) {
  if (status == Status::dlq) return "dead_lettered";
  return is_finished(status) ? "discarded" : "requeued";
}

}  // namespace

Result<Queue*> Messages::make_queue(std::string_view name, json::View config) {
  WEIR_ASSIGN(Queue * queue, step_.state.queues.get_or_create(step_.db, name, step_.now));
  step_.state.queues.set_config(step_.db, *queue, config.raw());
  return queue;
}

Result<std::string> Messages::create(json::View body) {
  const auto name = text_of(body, "queue");
  if (step_.state.queues.find(name) != nullptr) {
    return Error{Code::conflict, "queue_exists", "There is such a queue already", "queue: " + name};
  }
  WEIR_TRY(make_queue(name, body.find("config")));
  return std::string(R"({"success":true})");
}

Result<std::string> Messages::publish(json::View body) {
  const auto text = body.find("job");
  const NewJob job = parse_new_job(text);
  Queue* queue = step_.state.queues.find(job.queue);
  if (queue == nullptr) {
    WEIR_TRY(check_quota(step_));
    WEIR_ASSIGN(queue, make_queue(job.queue, body.find("config")));
  }
  WEIR_ASSIGN(const auto outcome, Submitter(step_).insert(job));
  const auto priority = job.priority.value_or(queue->config.default_priority);
  json::Writer out(96);
  out.begin_object().member("message_id", job.id);
  out.member("position", position_of(*queue, outcome, priority)).end_object();
  return out.take();
}

Result<std::string> Messages::consume(json::View body) {
  for (const auto queue : body.find("queues").elements()) {
    const auto name = queue.as_string().value_or("");
    if (step_.state.queues.find(name) == nullptr) return queue_not_found(name);
  }
  return Leaser(step_).apply(body);
}

Result<Messages::Held> Messages::find_held(json::View body) {
  const auto name = text_of(body, "queue");
  const auto id = text_of(body, "id");
  const Queue* queue = step_.state.queues.find(name);
  if (queue == nullptr) return queue_not_found(name);
  auto rows = step_.db.prepare("SELECT row,queue,status FROM jobs WHERE id=?1");
  rows.bind(1, id);
  if (!rows.step() || rows.int64(1) != queue->id ||
      is_finished(static_cast<Status>(rows.int64(2)))) {
    return message_not_found(name, id);
  }
  const auto row = rows.int64(0);
  const Lease* lease = step_.state.leases.find(row);
  if (lease == nullptr)
    return not_held("the deadline passed: the message waits in the queue again");
  if (!is_holder(lease->worker->name, body)) return not_held("another consumer has the message");
  return Held{row, format_token({row, lease->fence, lease->nonce})};
}

Result<std::string> Messages::ack(json::View body) {
  WEIR_ASSIGN(const Held held, find_held(body));
  json::Writer item(96);
  item.begin_object().member("lease", held.token).end_object();
  std::string ignored;
  WEIR_TRY(Finisher(step_, 0).complete(json::View(item.str()), ignored));
  return std::string(R"({"success":true})");
}

Result<std::string> Messages::nack(json::View body) {
  WEIR_ASSIGN(const Held held, find_held(body));
  json::Writer item(192);
  item.begin_object().member("lease", held.token).raw_member("error", kNacked);
  item.member("retry", body.find("requeue").as_bool().value_or(true)).end_object();
  const auto salt = static_cast<std::uint64_t>(body.find("salt").as_int().value_or(0));
  std::string ignored;
  WEIR_TRY(Finisher(step_, salt).fail(json::View(item.str()), ignored));
  const auto status = load_job(step_.db, held.row)->status;
  json::Writer out(64);
  out.begin_object().member("success", true).member("action", action_of(status));
  return out.end_object().take();
}

}  // namespace weir::jobs
