// Publish, request and subscribe as plain routes.
#include <atomic>

#include "api/core/commands.hpp"
#include "api/http/event_stream.hpp"
#include "api/pubsub/pubsub_publish.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/pubsub/topic.hpp"

namespace weir::api {
namespace {

constexpr Millis kReplyWait{5'000};
constexpr Millis kLongestReplyWait{60'000};
constexpr std::size_t kMaxBodyBytes = 8U << 20U;  // NATS has a limit of its own

constexpr std::string_view kPublish = R"({"type":"object","properties":{
  "message":{"description":"any JSON"},"payload":{"description":"alias of message"},
  "data":{"description":"alias of message"},"metadata":{"type":"object"}}})";
constexpr std::string_view kRequest = R"({"type":"object","properties":{
  "message":{"description":"any JSON"},"metadata":{"type":"object"},
  "timeout_ms":{"type":"integer","minimum":1,"maximum":60000,"default":5000}}})";
constexpr std::string_view kReply = R"({"type":"object","properties":{
  "topic":{"type":"string"},"message":{"description":"the reply; any JSON"},
  "headers":{"type":"object","additionalProperties":{"type":"string"}}}})";
constexpr std::string_view kPublished = R"({"type":"object","properties":{
  "message_id":{"type":"string"},"topic":{"type":"string"},
  "subscribers_notified":{"type":"integer"},"subscribers_matched":{"type":"integer"}}})";

class StreamSubscriber final : public pubsub::Subscriber {
 public:
  explicit StreamSubscriber(http::EventStream stream) : stream_(std::move(stream)) {}
  Taken take(const pubsub::Delivery& delivery) override {
    const auto frame = std::make_shared<const std::string>(
        http::event_frame({.id = delivery.id, .type = "message", .data = *delivery.frame}));
    switch (stream_.queue()->offer(frame)) {
      case http::SubscriberQueue::Offered::queued:
        return Taken::yes;
      case http::SubscriberQueue::Offered::dropped:
        return Taken::dropped;
      case http::SubscriberQueue::Offered::gone:
        break;
    }
    return Taken::gone;
  }

 private:
  const http::EventStream stream_;
};

std::string lagged_event(std::uint64_t dropped) {
  json::Writer data;
  data.begin_object().member("type", "lagged").member("dropped", dropped).end_object();
  return http::event_frame({.type = "lagged", .data = data.str()});
}

void publish(pubsub::Hub& hub, const Call& call) {
  auto answer = publish_json(hub, call.param("topic"), call.body());
  answer ? call.reply(200, std::move(*answer)) : call.fail(answer.error());
}

// Answers with the first reply. No thread waits for it.
void request(Services& services, const Call& call) {
  rpc::Payload body(call.body());
  const auto publication = read_publication(call.param("topic"), body);
  const Millis timeout{
      body.integer("timeout_ms", 1, kLongestReplyWait.count()).value_or(kReplyWait.count())};
  if (const auto good = body.done(); !good) return call.fail(good.error());
  auto& requests = services.pubsub.requests();
  const auto timer = std::make_shared<std::atomic<Timers::Id>>(0);
  const auto asked =
      requests.ask(publication, [call, timer, &services](Result<std::string> answer) {
        services.timers.cancel(timer->load());
        answer ? call.reply(200, std::move(*answer)) : call.fail(answer.error());
      });
  if (!asked) return call.fail(asked.error());
  *timer = services.timers.set(services.clock.mono() + timeout,
                               [&requests, number = *asked] { requests.give_up(number); });
}

void follow(pubsub::Hub& hub, const Call& call) {
  const std::string pattern(call.param("topic"));
  if (const auto good = pubsub::check_pattern(pattern); !good) return call.fail(good.error());
  const auto stream = call.open_stream({.gap = lagged_event});
  const auto subscriber = std::make_shared<StreamSubscriber>(stream);
  if (const auto done = hub.subscribe(subscriber, {pattern}); !done) return stream.finish();
  stream.queue()->on_closed([&hub, key = subscriber.get()] { hub.unsubscribe(key, {}); });
}

Command publishing(pubsub::Hub& hub, std::string_view name, std::string_view path) {
  Command command{.name = name, .method = "POST", .path = path};
  command.tag = "Publish and subscribe";
  command.scope = auth::Scope::pubsub;
  command.body = Body::required_json;
  command.max_body_bytes = kMaxBodyBytes;
  command.summary = "Publish a message to whoever is subscribed now";
  command.request_schema = kPublish;
  command.answers = {{200, "It was published.", kPublished}};
  command.errors = {{Code::invalid, "invalid_topic"},
                    {Code::invalid, "invalid_payload"},
                    {Code::unavailable, "nats_unavailable"}};
  command.handler = [&hub](const Call& call) { publish(hub, call); };
  return command;
}

}  // namespace

void add_pubsub_commands(CommandTable& table, Services& services) {
  auto& hub = services.pubsub;
  table.push_back(publishing(hub, "pubsub.publish", "/v1/pubsub/{topic}"));
  table.push_back(publishing(hub, "pubsub.publish_plain", "/pubsub/{topic}/publish"));
  auto asking = publishing(hub, "pubsub.request", "/v1/pubsub/{topic}/request");
  asking.summary = "Publish a message and wait for the first reply";
  asking.description =
      "Who replies is a NATS client that is subscribed to `weir.pubsub.<topic>`. The reply is "
      "JSON, "
      "or a text. 504 `no_reply` when none came within `timeout_ms`.";
  asking.request_schema = kRequest;
  asking.answers = {{200, "The reply.", kReply}};
  asking.errors.push_back({Code::deadline_exceeded, "no_reply"});
  asking.errors.push_back({Code::too_many_requests, "too_many_pending"});
  asking.handler = [&services](const Call& call) { request(services, call); };
  table.push_back(std::move(asking));
  Command following{.name = "pubsub.follow", .method = "GET", .path = "/v1/pubsub/{topic}"};
  following.tag = "Publish and subscribe";
  following.scope = auth::Scope::pubsub;
  following.summary = "Follow a topic or a pattern (`*`, `%23`)";
  following.description =
      "Server-Sent Events of type `message`, as they are published. Nothing is kept: what is "
      "published while nobody listens is gone. A client that reads too slowly gets `lagged` with "
      "the number of messages it missed.";
  following.answers = {
      {200, "The messages, until the client goes.", R"({"type":"string"})", "text/event-stream"}};
  following.errors = {{Code::invalid, "invalid_topic"}, {Code::unavailable, "too_many_streams"}};
  following.handler = [&hub](const Call& call) { follow(hub, call); };
  table.push_back(std::move(following));
}

}  // namespace weir::api
