#include "api/http/refusals.hpp"

#include <boost/beast/http/error.hpp>

namespace weir::http {
namespace {

Error route_not_found() {
  return {Code::not_found, "route_not_found", "This path does not exist",
          "see /openapi.json for those that do"};
}

Error method_not_allowed(std::string_view method, std::string_view allow) {
  return {Code::method_not_allowed, "method_not_allowed",
          "This path does not take the method " + std::string(method),
          "it takes " + std::string(allow)};
}

}  // namespace
namespace {

constexpr Millis kRetryAfter{1000};

std::string bytes_accepted(std::size_t limit) {
  return "at most " + std::to_string(limit) + " bytes are accepted here";
}

}  // namespace

Error malformed_request(std::string_view why) {
  return {Code::bad_request, "malformed_request", "The HTTP request is malformed",
          std::string(why)};
}

std::optional<Error> reading_problem(boost::system::error_code error, std::size_t header_limit,
                                     std::size_t body_limit) {
  namespace bhttp = boost::beast::http;
  if (error == bhttp::error::header_limit) return header_too_large(header_limit);
  if (error == bhttp::error::body_limit || error == bhttp::error::buffer_overflow)
    return body_too_large(body_limit);
  const bool malformed =
      error.category() == bhttp::make_error_code(bhttp::error::bad_method).category();
  if (!malformed || error == bhttp::error::end_of_stream || error == bhttp::error::partial_message)
    return std::nullopt;
  return malformed_request(error.message());
}

Error tls_required() {
  return {Code::bad_request, "tls_required", "This port speaks HTTPS, not HTTP",
          "use a URL that begins with https://"};
}

Error request_timeout(Millis deadline) {
  return {Code::bad_request, "request_timeout", "The request did not arrive in time",
          "it must be complete within " + std::to_string(deadline.count()) + " ms"};
}

Error header_too_large(std::size_t limit) {
  return {Code::header_too_large, "header_too_large", "The request head is too large",
          bytes_accepted(limit)};
}

Error body_too_large(std::size_t limit) {
  return {Code::too_large, "body_too_large", "The request body is too large",
          bytes_accepted(limit)};
}

Error overloaded() {
  return {Code::unavailable, "overloaded", "The server is busy",
          "try again later", {},           kRetryAfter};
}

Error too_many_connections() {
  return {Code::unavailable,
          "too_many_connections",
          "The server has too many connections",
          "try again later",
          {},
          kRetryAfter};
}

Error too_many_streams(std::size_t limit) {
  return {Code::unavailable,
          "too_many_streams",
          "The server has too many event streams",
          "at most " + std::to_string(limit) + " are open at once; try again later",
          {},
          kRetryAfter};
}

Error too_many_sockets(std::size_t limit) {
  return {Code::unavailable,
          "too_many_sockets",
          "The server has too many WebSockets",
          "at most " + std::to_string(limit) + " are open at once; try again later",
          {},
          kRetryAfter};
}

Error origin_not_allowed(std::string_view origin) {
  return {Code::forbidden, "origin_not_allowed", "This web page may not open a WebSocket here",
          "Origin: " + std::string(origin) + "; allowed_origins names those that may"};
}

Response upgrade_required(std::string_view why, std::string_view request_id,
                          const FrontHooks& hooks) {
  auto response = hooks.error_response(Error{Code::upgrade_required, "upgrade_required",
                                             "This path speaks WebSocket", std::string(why)},
                                       request_id);
  response.headers.emplace_back("Upgrade", "websocket");
  response.headers.emplace_back("Connection", "Upgrade");
  response.headers.emplace_back("Sec-WebSocket-Version", "13");
  return response;
}

Response no_route(const Router::Match& match, const Request& request, const FrontHooks& hooks) {
  if (match.allow.empty()) return hooks.error_response(route_not_found(), request.id);
  if (request.method == "OPTIONS") {
    return {.status = 204, .body = "", .headers = {{"Allow", match.allow}}};
  }
  auto response = hooks.error_response(method_not_allowed(request.method, match.allow), request.id);
  response.headers.emplace_back("Allow", match.allow);
  return response;
}

}  // namespace weir::http
