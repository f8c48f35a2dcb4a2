// A feed (pkg/nats/feed.hpp) as the answer to a request: Server-Sent Events.
#pragma once

#include <functional>
#include <memory>

#include "api/core/call.hpp"
#include "pkg/nats/feed.hpp"

namespace weir::api {

// Whether a change is for this client; empty: all are.
using WantsChange = std::function<bool(const nats::Change& change)>;

// Opens the stream and watches the feed for it, until the client goes or the feed ends. An event
// has the change's id, its operation as the type, and its JSON. A slow client is read for again
// when it has room. `last_revision` as Feed::watch() has it.
void answer_with_feed(const Call& call, const std::shared_ptr<nats::Feed>& feed,
                      nats::WatchRequest request, std::uint64_t last_revision,
                      WantsChange wants = {});

}  // namespace weir::api
