#include "jobs/item_error.hpp"

#include "pkg/json/writer.hpp"

namespace weir::jobs {
namespace {

// Only what can happen to one item of a request.
int http_status(Code code) {
  switch (code) {
    case Code::bad_request:
      return 400;
    case Code::forbidden:
      return 403;
    case Code::not_found:
      return 404;
    case Code::conflict:
      return 409;
    case Code::too_large:
      return 413;
    case Code::invalid:
      return 422;
    case Code::too_many_requests:
      return 429;
    case Code::unavailable:
      return 503;
    case Code::deadline_exceeded:
      return 504;
    case Code::out_of_space:
      return 507;
    default:
      return 500;
  }
}

}  // namespace

std::string item_error(const Error& error) {
  json::Writer out(192);
  out.begin_object().member("error", error.message);
  if (!error.details.empty()) out.member("details", error.details);
  out.member("code", http_status(error.code)).member("reason", error.reason);
  if (!error.fields.empty()) {
    out.key("fields").begin_array();
    for (const auto& [field, message] : error.fields) {
      out.begin_object().member("field", field).member("message", message).end_object();
    }
    out.end_array();
  }
  out.end_object();
  return out.take();
}

}  // namespace weir::jobs
