// /v1/streams/{stream}/consumers: durable pull consumers, and following a stream.
#include "api/core/commands.hpp"
#include "api/core/envelope.hpp"
#include "api/streams/stream_command.hpp"
#include "api/streams/stream_requests.hpp"
#include "api/streams/stream_tail.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/nats/ordered_consumer.hpp"
#include "pkg/streams/fetch.hpp"
#include "pkg/streams/message.hpp"
#include "pkg/streams/names.hpp"

namespace weir::api {
namespace {

using json::Writer;

constexpr std::string_view kConsumers = "/v1/streams/{stream}/consumers";
constexpr std::string_view kConsumer = "/v1/streams/{stream}/consumers/{consumer}";
constexpr std::string_view kConsumerRef = R"({"$ref":"#/components/schemas/StreamConsumer"})";
constexpr Millis kFetchGrace{2'000};  // beyond the wait, for an answer that never comes

std::string consumer_of(const Call& call) {
  return std::string(call.param("consumer"));
}
streams::Consumers consumers_of(const Services& services) {
  return streams::Consumers(services.streams.jetstream());
}

Result<void> list(Services& services, const Call& call) {
  WEIR_ASSIGN(auto json, consumers_of(services).list(stream_of(call)));
  call.reply(200, std::move(json));
  return {};
}

Result<void> get(Services& services, const Call& call) {
  WEIR_ASSIGN(auto json, consumers_of(services).get(stream_of(call), consumer_of(call)));
  call.reply(200, std::move(json));
  return {};
}

Result<void> put(Services& services, const Call& call) {
  WEIR_ASSIGN(const auto settings, read_consumer_settings(call.body()));
  WEIR_ASSIGN(auto made, consumers_of(services).put(stream_of(call), consumer_of(call), settings));
  call.reply(made.created ? 201 : 200, std::move(made.json));
  return {};
}

Result<void> remove(Services& services, const Call& call) {
  WEIR_TRY(consumers_of(services).remove(stream_of(call), consumer_of(call)));
  call.reply(200, R"({"deleted":true})");
  return {};
}

// {..., "ack", "delivered"}: a message as a consumer gives it.
void write_delivery(Writer& out, const nats::Message& message) {
  const auto delivery = nats::parse_ack_subject(message.reply);
  nats::StoredMessage stored;
  stored.subject = message.subject;
  stored.data = message.data;
  stored.headers = message.headers;
  if (delivery) {
    stored.sequence = delivery->stream_sequence;
    stored.time_ns = delivery->time_ns;
  }
  out.begin_object();
  streams::write_message(out, stored);
  if (delivery) out.member("pending", delivery->pending);
  out.member("ack", message.reply).end_object();
}

std::string fetched(const std::vector<nats::Message>& messages) {
  Writer out(1'024);
  out.begin_object().key("messages").begin_array();
  for (const auto& message : messages) write_delivery(out, message);
  return out.end_array().end_object().take();
}

// Nobody waits on a thread: the answer comes with the messages, at the end of the wait, or when the
// client goes away.
Result<void> fetch(Services& services, const Call& call) {
  WEIR_ASSIGN(const auto wish, read_fetch(call.body()));
  WEIR_TRY(consumers_of(services).get(stream_of(call), consumer_of(call)));
  const auto later = [&services](std::function<void()> work) {
    if (!services.workers.run(work)) services.timers.set(services.clock.mono(), std::move(work));
  };
  const auto answer = [call](const Result<std::vector<nats::Message>>& messages) {
    if (!messages) return call.fail(messages.error());
    call.reply(200, fetched(*messages));
  };
  const auto running = streams::Fetch::start(services.streams.jetstream().shared_connection(),
                                             {.stream = stream_of(call),
                                              .consumer = consumer_of(call),
                                              .max = wish.max,
                                              .wait = wish.wait},
                                             later, answer);
  const std::weak_ptr<streams::Fetch> weak = running;
  const auto finish = [weak] {
    if (const auto alive = weak.lock()) alive->finish();
  };
  services.timers.set(services.clock.mono() + wish.wait + kFetchGrace, finish);
  call.responder().on_closed(finish);
  return {};
}

// One result for each message, in order.
Result<void> answer_messages(Services& services, const Call& call, std::string_view word) {
  WEIR_ASSIGN(const auto acks, read_acks(call.body(), word == streams::kNak));
  const auto consumers = consumers_of(services);
  Writer out(256);
  out.begin_object().key("results").begin_array();
  for (const auto& token : acks.tokens) {
    const auto done = consumers.answer(stream_of(call), consumer_of(call), token, word, acks.delay);
    out.begin_object();
    if (done) {
      out.member("ok", true);
    } else {
      out.member("error", done.error().message).member("reason", done.error().reason);
      out.member("code", http_status(done.error().code));
    }
    out.end_object();
  }
  call.reply(200, out.end_array().end_object().take());
  return {};
}

Command consumer_command(std::string_view name, std::string_view method, std::string_view path,
                         Services& services, StreamWork work) {
  auto command = stream_command(name, method, path, services, std::move(work));
  command.errors.push_back({Code::invalid, "bad_consumer_name"});
  command.errors.push_back({Code::not_found, "consumer_not_found"});
  return command;
}

void add_consumers(CommandTable& table, Services& services) {
  auto all = stream_command("streams.consumers", "GET", kConsumers, services, list);
  all.summary = "The consumers of a stream";
  all.answers = {{200, "All of them, whoever made them.", R"({"type":"object","properties":{
      "items":{"type":"array","items":{"$ref":"#/components/schemas/StreamConsumer"}}}})"}};
  table.push_back(std::move(all));

  auto one = consumer_command("streams.consumer", "GET", kConsumer, services, get);
  one.summary = "A consumer: its settings and where it stands";
  one.answers = {{200, "The consumer.", kConsumerRef}};
  table.push_back(std::move(one));

  auto make = consumer_command("streams.consumer.put", "PUT", kConsumer, services, put);
  make.summary = "Make a durable pull consumer, or change it";
  make.description = "A consumer that is there takes only the changes that JetStream allows.";
  make.body = Body::optional_json;
  make.request_schema = R"({"$ref":"#/components/schemas/ConsumerSettings"})";
  make.answers = {{201, "It was made.", kConsumerRef}, {200, "It is so now.", kConsumerRef}};
  make.errors.insert(make.errors.end(), {{Code::invalid, "invalid_consumer"},
                                         {Code::invalid, "bad_subject"},
                                         {Code::invalid, "stream_refused"},
                                         {Code::conflict, "too_old_server"}});
  table.push_back(std::move(make));

  auto gone = consumer_command("streams.consumer.delete", "DELETE", kConsumer, services, remove);
  gone.summary = "Delete a consumer";
  gone.answers = {{200, "Gone.", R"({"type":"object"})"}};
  table.push_back(std::move(gone));

  auto take = consumer_command("streams.fetch", "POST",
                               "/v1/streams/{stream}/consumers/{consumer}/fetch", services, fetch);
  take.summary = "Take the next messages";
  take.description =
      "Up to `max` that are there now; when there are none, the next one within `wait_ms`. Each "
      "is yours until `ack_wait_ms` is over: answer with its `ack`.";
  take.body = Body::optional_json;
  take.request_schema = R"({"type":"object","additionalProperties":false,"properties":{
      "max":{"type":"integer","minimum":1,"maximum":1000,"default":1},
      "wait_ms":{"$ref":"#/components/schemas/Duration"}}})";
  take.answers = {{200, "Messages, perhaps none.", R"({"type":"object","required":["messages"],
      "properties":{"messages":{"type":"array",
      "items":{"$ref":"#/components/schemas/StreamMessage"}}}})"}};
  take.errors.push_back({Code::invalid, "invalid_request"});
  take.errors.push_back({Code::conflict, "consumer_refused"});
  table.push_back(std::move(take));
}

struct AnswerRow {
  std::string_view name, path, word, summary;
};

void add_answers(CommandTable& table, Services& services) {
  for (const auto& row :
       {AnswerRow{"streams.ack", "/v1/streams/{stream}/consumers/{consumer}/ack", streams::kAck,
                  "Messages are done"},
        AnswerRow{"streams.nak", "/v1/streams/{stream}/consumers/{consumer}/nak", streams::kNak,
                  "Messages come again, now or after delay_ms"},
        AnswerRow{"streams.term", "/v1/streams/{stream}/consumers/{consumer}/term", streams::kTerm,
                  "Messages never come again"},
        AnswerRow{"streams.progress", "/v1/streams/{stream}/consumers/{consumer}/progress",
                  streams::kProgress,
                  "Messages are worked on still: their ack_wait begins anew"}}) {
    auto command = consumer_command(row.name, "POST", row.path, services,
                                    [word = row.word](Services& all, const Call& call) {
                                      return answer_messages(all, call, word);
                                    });
    command.summary = row.summary;
    command.description = "Answered when the NATS server has it. One result for each, in order.";
    command.body = Body::required_json;
    command.request_schema = R"({"type":"object","required":["acks"],"additionalProperties":false,
        "properties":{"acks":{"type":"array","minItems":1,"maxItems":1000,
        "items":{"type":"string"}},"delay_ms":{"$ref":"#/components/schemas/Duration"}}})";
    command.answers = {{200, "One result for each.", R"({"type":"object","required":["results"],
        "properties":{"results":{"type":"array","items":{"type":"object"}}}})"}};
    command.errors.push_back({Code::invalid, "invalid_request"});
    table.push_back(std::move(command));
  }
}

}  // namespace

void add_consumer_commands(CommandTable& table, Services& services) {
  add_consumers(table, services);
  add_answers(table, services);
  auto tail =
      stream_command("streams.tail", "GET", "/v1/streams/{stream}/tail", services, follow_stream);
  tail.summary = "Follow a stream as Server-Sent Events";
  tail.description =
      "Each event is a `message`, its id where to go on (`Last-Event-ID`). `ready` says that what "
      "was stored before has been told, `reset` that the stream was made anew since. A client that "
      "reads slowly is read for from the stream: nothing that is kept there is left out.";
  tail.query = {
      {"from", "a sequence; -10: the last ten; not given: from now on", R"({"type":"integer"})"},
      {"subject", "only what matches; `*` and `>` as NATS has them"}};
  tail.answers = {{200, "The stream.", "", "text/event-stream"}};
  tail.errors.push_back({Code::bad_request, "bad_parameter"});
  tail.errors.push_back({Code::invalid, "bad_subject"});
  table.push_back(std::move(tail));
}

}  // namespace weir::api
