#include "api/pubsub/pubsub_publish.hpp"

#include "pkg/json/writer.hpp"

namespace weir::api {
namespace {

json::View message_of(const rpc::Payload& body) {
  for (const auto* name : {"message", "payload", "data"}) {
    if (const auto found = body.raw(name); !found.is_missing()) return found;
  }
  return {};
}

}  // namespace

pubsub::Publication read_publication(std::string_view topic, rpc::Payload& body) {
  const auto message = message_of(body);
  if (message.is_missing()) body.complain("message", "is required");
  const auto metadata = body.raw("metadata");
  const bool has_metadata = body.has("metadata");
  if (has_metadata && !metadata.is_object()) body.complain("metadata", "must be an object");
  return {.topic = topic,
          .message = message.raw(),
          .metadata = has_metadata ? metadata.raw() : std::string_view()};
}

Result<std::string> publish_json(pubsub::Hub& hub, std::string_view topic, json::View body) {
  rpc::Payload payload(body);
  const auto publication = read_publication(topic, payload);
  WEIR_TRY(payload.done());
  WEIR_ASSIGN(const auto published, hub.publish(publication));
  const auto matched = static_cast<std::uint64_t>(published.matched);
  json::Writer out;
  out.begin_object().member("message_id", published.id).member("topic", topic);
  out.member("subscribers_notified", matched).member("subscribers_matched", matched);
  return out.end_object().take();
}

}  // namespace weir::api
