#include "api/core/envelope.hpp"

#include <algorithm>
#include <chrono>

#include "pkg/json/field_errors.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/log/log.hpp"

namespace weir::api {
namespace {

using std::chrono::milliseconds;

// Said when the error itself does not say how long to wait.
constexpr milliseconds kDefaultRetryAfter{1000};

bool asks_to_retry(Code code) {
  return code == Code::unavailable || code == Code::too_many_requests;
}

std::string retry_after_seconds(milliseconds wait) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  return std::to_string(std::max<std::int64_t>(seconds, 1));
}

Error without_internals(std::string_view request_id) {
  return {Code::internal, "internal", "The server met an internal error.",
          "It was logged under request id " + std::string(request_id) +
              ". Tell whoever runs this server."};
}

}  // namespace

int http_status(Code code) {
  switch (code) {
    case Code::bad_request:
      return 400;
    case Code::unauthenticated:
      return 401;
    case Code::forbidden:
      return 403;
    case Code::not_found:
      return 404;
    case Code::method_not_allowed:
      return 405;
    case Code::conflict:
      return 409;
    case Code::too_large:
      return 413;
    case Code::unsupported_media:
      return 415;
    case Code::invalid:
      return 422;
    case Code::too_many_requests:
      return 429;
    case Code::upgrade_required:
      return 426;
    case Code::header_too_large:
      return 431;
    case Code::internal:
      return 500;
    case Code::unavailable:
      return 503;
    case Code::deadline_exceeded:
      return 504;
    case Code::out_of_space:
      return 507;
  }
  return 500;
}

std::string error_json(const Error& error) {
  json::Writer out(256);
  out.begin_object().member("error", error.message).member("details", error.details);
  out.member("code", http_status(error.code)).member("reason", error.reason);
  json::write_field_errors(out, error.fields);
  return out.end_object().take();
}

http::Response error_response(const Error& error, std::string_view request_id) {
  if (error.code == Code::internal) {
    log::error("request_failed", {{"request_id", request_id}, {"error", describe(error)}});
    return {.status = 500, .body = error_json(without_internals(request_id))};
  }
  http::Response response{.status = http_status(error.code), .body = error_json(error)};
  if (error.retry_after.count() > 0) {
    response.headers.emplace_back("Retry-After", retry_after_seconds(error.retry_after));
  } else if (asks_to_retry(error.code)) {
    response.headers.emplace_back("Retry-After", retry_after_seconds(kDefaultRetryAfter));
  }
  if (error.code == Code::unauthenticated) {
    response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"weir\"");
  }
  return response;
}

}  // namespace weir::api
