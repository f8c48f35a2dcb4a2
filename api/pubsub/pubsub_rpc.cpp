// pubsub.* of the command API. Subscriptions belong to the socket they came over.
#include <mutex>
#include <unordered_map>

#include "api/core/rpc_commands.hpp"
#include "api/pubsub/pubsub_publish.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/pubsub/topic.hpp"

namespace weir::api {
namespace {

using auth::Scope;

class SocketSubscriber final : public pubsub::Subscriber {
 public:
  explicit SocketSubscriber(std::weak_ptr<rpc::Session> session) : session_(std::move(session)) {}
  Taken take(const pubsub::Delivery& delivery) override {
    const auto session = session_.lock();
    if (!session) return Taken::gone;
    switch (session->offer(delivery.frame)) {
      case rpc::Session::Offered::queued:
        return Taken::yes;
      case rpc::Session::Offered::dropped:
        return Taken::dropped;
      case rpc::Session::Offered::gone:
        break;
    }
    return Taken::gone;
  }

 private:
  const std::weak_ptr<rpc::Session> session_;
};

// Who of the hub's subscribers is which socket. Thread-safe.
class SocketSubscribers : public std::enable_shared_from_this<SocketSubscribers> {
 public:
  explicit SocketSubscribers(pubsub::Hub& hub) : hub_(hub) {}

  std::shared_ptr<SocketSubscriber> find(const rpc::Session* session) {
    const std::lock_guard lock(mutex_);
    const auto found = by_session_.find(session);
    return found == by_session_.end() ? nullptr : found->second;
  }

  std::shared_ptr<SocketSubscriber> get(const std::shared_ptr<rpc::Session>& session) {
    std::shared_ptr<SocketSubscriber> subscriber;
    {
      const std::lock_guard lock(mutex_);
      auto& slot = by_session_[session.get()];
      if (slot) return slot;
      slot = subscriber = std::make_shared<SocketSubscriber>(session);
    }
    session->on_closed([self = shared_from_this(), key = session.get()] { self->forget(key); });
    return subscriber;
  }

  void forget(const rpc::Session* session) {
    std::shared_ptr<SocketSubscriber> gone;
    {
      const std::lock_guard lock(mutex_);
      const auto found = by_session_.find(session);
      if (found == by_session_.end()) return;
      gone = std::move(found->second);
      by_session_.erase(found);
    }
    hub_.unsubscribe(gone.get(), {});
  }

 private:
  pubsub::Hub& hub_;
  std::mutex mutex_;
  std::unordered_map<const rpc::Session*, std::shared_ptr<SocketSubscriber>> by_session_;
};

Error wrong_topics(std::string why) {
  return {Code::invalid,
          "invalid_payload",
          "A field of the payload is not acceptable.",
          "topics " + why,
          {{"topics", std::move(why)}}};
}

Result<std::vector<std::string>> topics_of(json::View payload) {
  std::vector<std::string> topics;
  auto list = payload.find("topics");
  if (list.is_missing()) list = payload.find("topic");
  if (auto one = list.as_string()) topics.push_back(std::move(*one));
  for (const auto element : list.elements()) {
    auto topic = element.as_string();
    if (!topic) return wrong_topics("must be texts");
    topics.push_back(std::move(*topic));
  }
  if (topics.empty() && !list.is_missing()) return wrong_topics("must be a list of at least one");
  for (const auto& topic : topics) WEIR_TRY(pubsub::check_pattern(topic));
  return topics;
}

std::string names_json(const std::vector<std::string>& topics, std::string_view word,
                       std::size_t count) {
  json::Writer out;
  out.begin_object().member("success", true).key("topics").begin_array();
  for (const auto& topic : topics) out.value(topic);
  return out.end_array().member(word, static_cast<std::uint64_t>(count)).end_object().take();
}

Result<std::string> subscribe(pubsub::Hub& hub, SocketSubscribers& sockets, const rpc::Call& call) {
  WEIR_ASSIGN(const auto topics, topics_of(call.payload()));
  if (topics.empty()) return wrong_topics("is required");
  const auto& session = call.caller().session;
  const auto subscriber = sockets.get(session);
  WEIR_TRY(hub.subscribe(subscriber, topics));
  // The socket may have ended meanwhile, and nobody would forget it any more.
  if (sockets.find(session.get()) != subscriber) hub.unsubscribe(subscriber.get(), {});
  return names_json(topics, "subscribed", topics.size());
}

Result<std::string> publish(pubsub::Hub& hub, json::View payload) {
  const auto topic = payload.find("topic").as_string();
  if (!topic) {
    return Error{Code::invalid,
                 "invalid_payload",
                 "A field of the payload is not acceptable.",
                 "topic must be a text",
                 {{"topic", "must be a text"}}};
  }
  return publish_json(hub, *topic, payload);
}

}  // namespace

void add_pubsub_rpc(rpc::CommandTable& table, Services& services) {
  auto& hub = services.pubsub;
  const auto sockets = std::make_shared<SocketSubscribers>(hub);
  services.figures.push_back([&hub](ServiceFigures& figures) {
    figures.topics = hub.topics();
    figures.topic_subscribers = hub.subscribers();
  });
  table.push_back({.name = "pubsub.publish",
                   .scope = Scope::pubsub,
                   .summary = "Publish a message to whoever is subscribed now",
                   .payload = {{"topic", "segments with dots between them", true},
                               {"message", "any JSON"},
                               {"payload", "alias of message"},
                               {"data", "alias of message"},
                               {"metadata", "an object that travels with the message"}},
                   .answer = "message_id, topic, subscribers_notified, subscribers_matched",
                   .handler = [&hub](const rpc::Call& call, const rpc::Reply& reply) {
                     reply(publish(hub, call.payload()));
                   }});
  table.push_back(
      {.name = "pubsub.subscribe",
       .scope = Scope::pubsub,
       .summary = "Push messages of topics to this socket",
       .payload = {{"topics", "topics and patterns: `*` one segment, `#` any at the end"},
                   {"topic", "one of them"}},
       .answer = "success, topics, subscribed; then frames of type message",
       .needs_session = true,
       .handler = [&hub, sockets](const rpc::Call& call, const rpc::Reply& reply) {
         reply(subscribe(hub, *sockets, call));
       }});
  table.push_back({.name = "pubsub.unsubscribe",
                   .scope = Scope::pubsub,
                   .summary = "End subscriptions of this socket; all of them without topics",
                   .payload = {{"topics", "as they were subscribed"}, {"topic", "one of them"}},
                   .answer = "success, topics, unsubscribed",
                   .needs_session = true,
                   .handler = [&hub, sockets](const rpc::Call& call, const rpc::Reply& reply) {
                     const auto topics = topics_of(call.payload());
                     if (!topics) return reply(topics.error());
                     const auto subscriber = sockets->find(call.caller().session.get());
                     const auto count = subscriber ? hub.unsubscribe(subscriber.get(), *topics) : 0;
                     reply(names_json(*topics, "unsubscribed", count));
                   }});
  table.push_back(
      {.name = "pubsub.topics",
       .scope = Scope::pubsub,
       .summary = "Topics heard since the start of this coordinator, or subscribed to",
       .payload = {{"pattern", "only those that match"}},
       .answer = "topics[{topic, messages, subscribers, last_message_at}], total, truncated",
       .handler = [&hub](const rpc::Call& call, const rpc::Reply& reply) {
         const auto pattern = call.payload().find("pattern").as_string().value_or("");
         if (!pattern.empty()) {
           const auto good = pubsub::check_pattern(pattern);
           if (!good) return reply(good.error());
         }
         reply(hub.topics_json(pattern));
       }});
  table.push_back(
      {.name = "pubsub.stats",
       .scope = Scope::pubsub,
       .summary = "Figures of publish and subscribe on this coordinator",
       .answer = "total_topics, total_subscribers, subscriptions, published, received, "
                 "delivered, dropped, connected",
       .handler = [&hub](const rpc::Call&, const rpc::Reply& reply) { reply(hub.stats_json()); }});
}

}  // namespace weir::api
