// Requests of queues of messages.
#include "jobs/job_request.hpp"
#include "jobs/messages.hpp"
#include "jobs/requests.hpp"

namespace weir::jobs {
namespace {

constexpr std::string_view kInvalid = "invalid_payload";

// As Requests::queue_config() writes it. A retry is due at once.
void write_settings(const MessageQueue& settings, json::Writer& out) {
  out.begin_object()
      .member("default_priority", settings.default_priority)
      .member("max_attempts", settings.max_retries + 1)
      .member("lease_ms", static_cast<std::int64_t>(settings.ack_deadline.count()))
      .member("max_waiting", settings.max_depth)
      .key("backoff")
      .begin_object()
      .member("kind", "fixed")
      .member("delay_ms", 0)
      .member("jitter", 0)
      .end_object()
      .key("retention")
      .begin_object()
      .member("completed_ms", static_cast<std::int64_t>(Millis(kAckedKept).count()))
      .end_object()
      .end_object();
}

// Whether what it names can be there at all is the log's to say.
void write_answer(const MessageAnswer& answer, json::Writer& out) {
  out.begin_object()
      .member("queue", answer.queue)
      .member("id", answer.id)
      .member("key", answer.key);
  if (answer.consumer) out.member("consumer", *answer.consumer);
  if (answer.socket) out.member("socket", *answer.socket);
}

}  // namespace

std::string message_worker(const MessageAnswer& consumer) {
  if (consumer.consumer) return consumer.key + "/" + *consumer.consumer;
  if (consumer.socket) return consumer.key + "/~" + *consumer.socket;
  return consumer.key;
}

Result<replica::Operation> Requests::queue_drop(std::string_view queue) const {
  FieldErrors errors;
  check_queue_name(errors, "queue", queue);
  return finish_request(errors, kInvalid, "jobs.queue_drop", one_member("queue", queue),
                        options_.max_operation_bytes);
}

Result<replica::Operation> Requests::message_queue(std::string_view queue,
                                                   const MessageQueue& settings) const {
  FieldErrors errors;
  check_queue_name(errors, "queue", queue);
  json::Writer out(256);
  out.begin_object().member("queue", queue).key("config");
  write_settings(settings, out);
  out.end_object();
  return finish_request(errors, kInvalid, "jobs.message_queue", out.take(),
                        options_.max_operation_bytes);
}

Result<replica::Operation> Requests::message_publish(json::View job) const {
  FieldErrors errors;
  json::Writer out(job.raw().size() + 384);
  out.begin_object().key("config");
  write_settings({}, out);
  out.key("job");
  write_job_request(errors, job, {}, job_options(), out);
  out.end_object();
  return finish_request(errors, kInvalid, "jobs.message_publish", out.take(),
                        options_.max_operation_bytes);
}

Result<LeaseRequest> Requests::message_consume(std::string_view queue, json::View body,
                                               const LeaseWaiter& waiter) const {
  WEIR_ASSIGN(auto request, lease(queue, body, waiter));
  request.operation.name = "jobs.message_consume";
  return request;
}

Result<replica::Operation> Requests::message_ack(const MessageAnswer& answer) const {
  json::Writer out(192);
  write_answer(answer, out);
  out.end_object();
  return replica::Operation{"jobs.message_ack", out.take()};
}

Result<replica::Operation> Requests::message_nack(const MessageAnswer& answer,
                                                  Requeue requeue) const {
  json::Writer out(224);
  write_answer(answer, out);
  out.member("requeue", requeue == Requeue::yes).member("salt", draw_salt(random_)).end_object();
  return replica::Operation{"jobs.message_nack", out.take()};
}

}  // namespace weir::jobs
