// What the front itself answers when it does not run a handler. docs/errors.md lists the reasons.
// Internal to this folder.
#pragma once

#include <boost/system/error_code.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "api/http/front.hpp"
#include "api/http/router.hpp"
#include "pkg/base/clock.hpp"
#include "pkg/base/error.hpp"

namespace weir::http {

Error malformed_request(std::string_view why);
// What is wrong with a request that could not be read; nothing when nobody is there to be told.
std::optional<Error> reading_problem(boost::system::error_code error, std::size_t header_limit,
                                     std::size_t body_limit);
// To a client that speaks plain HTTP where TLS is spoken.
Error tls_required();
Error request_timeout(Millis deadline);
Error header_too_large(std::size_t limit);
Error body_too_large(std::size_t limit);
// The answer when no route takes the request: 404, 405 with Allow, or 204 to OPTIONS.
Response no_route(const Router::Match& match, const Request& request, const FrontHooks& hooks);
Error overloaded();
Error too_many_connections();
Error too_many_streams(std::size_t limit);
Error too_many_sockets(std::size_t limit);
Error origin_not_allowed(std::string_view origin);
// With the headers of RFC 9110 section 15.5.22 and RFC 6455 section 4.2.2.
Response upgrade_required(std::string_view why, std::string_view request_id,
                          const FrontHooks& hooks);

}  // namespace weir::http
