// What the front itself answers when it does not run a handler. docs/errors.md lists the reasons.
// Internal to this folder.
#pragma once

#include <string>
#include <string_view>

#include "pkg/base/clock.hpp"
#include "pkg/base/error.hpp"

namespace weir::http {

Error malformed_request(std::string_view why);
Error request_timeout(Millis deadline);
Error header_too_large(std::size_t limit);
Error body_too_large(std::size_t limit);
Error route_not_found();
Error method_not_allowed(std::string_view method, std::string_view allow);
Error overloaded();
Error too_many_connections();

}  // namespace weir::http
