// Publishing as the command and the routes have it: one body, one answer.
#pragma once

#include <string>
#include <string_view>

#include "api/rpc/payload.hpp"
#include "pkg/base/result.hpp"
#include "pkg/json/view.hpp"
#include "pkg/pubsub/hub.hpp"

namespace weir::api {

// A body has "message" (or "payload" or "data", any JSON) and perhaps "metadata" (an object). What
// is wrong with it, `body` says. Points into the body.
pubsub::Publication read_publication(std::string_view topic, rpc::Payload& body);

// Answers {"message_id","topic","subscribers_notified","subscribers_matched"}; the counts are of
// this coordinator's subscribers. Errors: invalid / invalid_payload, and those of Hub::publish().
Result<std::string> publish_json(pubsub::Hub& hub, std::string_view topic, json::View body);

}  // namespace weir::api
