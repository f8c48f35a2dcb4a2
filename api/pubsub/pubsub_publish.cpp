#include "api/pubsub/pubsub_publish.hpp"

#include <array>

#include "pkg/json/writer.hpp"

namespace weir::api {
namespace {

Error wrong(std::string field, std::string why) {
  return {Code::invalid,
          "invalid_payload",
          "A field of the payload is not acceptable.",
          field + " " + why,
          {{field, std::move(why)}}};
}

json::View message_of(json::View body) {
  for (const auto* name : {"message", "payload", "data"}) {
    if (const auto found = body.find(name); !found.is_missing()) return found;
  }
  return {};
}

}  // namespace

Result<std::string> publish_json(pubsub::Hub& hub, std::string_view topic, json::View body) {
  const auto message = message_of(body);
  if (message.is_missing()) return wrong("message", "is required");
  const auto metadata = body.find("metadata");
  if (!metadata.is_missing() && !metadata.is_null() && !metadata.is_object())
    return wrong("metadata", "must be an object");
  WEIR_ASSIGN(const auto published,
              hub.publish({.topic = topic,
                           .message = message.raw(),
                           .metadata = metadata.is_object() ? metadata.raw() : ""}));
  const auto matched = static_cast<std::uint64_t>(published.matched);
  json::Writer out;
  out.begin_object().member("message_id", published.id).member("topic", topic);
  out.member("subscribers_notified", matched).member("subscribers_matched", matched);
  return out.end_object().take();
}

}  // namespace weir::api
