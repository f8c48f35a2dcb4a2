// The INFO line that a NATS server sends to whoever connects, before any authentication.
#pragma once

#include <string>
#include <string_view>

#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"

namespace weir::nats {

struct HostPort {
  std::string host;  // without the brackets of an IPv6 address
  std::string port;
};
// Of nats://host[:port], without credentials; the port is 4222 unless told. Error: invalid /
// bad_nats_url.
Result<HostPort> parse_server_url(std::string_view url);

// "2.10.27" of the server at nats://host:port. Errors: invalid / bad_nats_url; unavailable /
// nats_unavailable (no connection, or no INFO line in time).
Result<std::string> fetch_server_version(const std::string& url, Millis timeout);

}  // namespace weir::nats
