// The opening handshake of a WebSocket (RFC 6455, section 4.2.1), checked before the handler runs.
// Internal to this folder.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/http/front.hpp"
#include "api/http/types.hpp"

namespace weir::http {

// The answer to a request that may not become a WebSocket: upgrade_required (no or another
// handshake), origin_not_allowed.
std::optional<Response> refuse_upgrade(const Request& request, bool http11,
                                       const std::vector<std::string>& allowed_origins,
                                       const FrontHooks& hooks);

}  // namespace weir::http
