// The INFO line that a NATS server sends to whoever connects, before any authentication.
#pragma once

#include <string>

#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"

namespace weir::nats {

// "2.10.27" of the server at nats://host:port. Errors: invalid / bad_nats_url; unavailable /
// nats_unavailable (no connection, or no INFO line in time).
Result<std::string> fetch_server_version(const std::string& url, Millis timeout);

// True when the server says that it belongs to a cluster; false also when it cannot be asked.
bool is_clustered(const std::string& url, Millis timeout);

}  // namespace weir::nats
