// Watching the keys of a bucket as the route (Server-Sent Events) and the command (WebSocket) have
// it: one request, one feed.
#pragma once

#include <memory>
#include <string>

#include "api/core/call.hpp"
#include "api/core/services.hpp"
#include "pkg/nats/feed.hpp"

namespace weir::api {

struct KvWatch {
  std::shared_ptr<nats::Feed> feed;
  nats::WatchRequest request;
  std::uint64_t last_revision = 0;  // of the bucket, now
};

struct KvWatchOptions {
  std::string bucket = {};
  std::string key = {};  // empty: those that begin with `prefix`
  std::string prefix = {};
  std::string after = {};  // where another watch ended; empty: from the beginning
  bool updates = false;    // without `after`: only what is written from now on
};

// Errors: those of kv::Service; invalid / bad_key; bad_request / bad_parameter for `after`.
Result<KvWatch> open_kv_watch(Services& services, const KvWatchOptions& options);

// GET with ?watch=true.
Result<void> follow_keys(Services& services, const Call& call);

}  // namespace weir::api
