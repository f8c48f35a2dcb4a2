#include "pkg/base/error.hpp"

namespace weir {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::bad_request:
      return "bad_request";
    case Code::unauthenticated:
      return "unauthenticated";
    case Code::forbidden:
      return "forbidden";
    case Code::not_found:
      return "not_found";
    case Code::method_not_allowed:
      return "method_not_allowed";
    case Code::conflict:
      return "conflict";
    case Code::too_large:
      return "too_large";
    case Code::unsupported_media:
      return "unsupported_media";
    case Code::invalid:
      return "invalid";
    case Code::too_many_requests:
      return "too_many_requests";
    case Code::upgrade_required:
      return "upgrade_required";
    case Code::header_too_large:
      return "header_too_large";
    case Code::internal:
      return "internal";
    case Code::unavailable:
      return "unavailable";
    case Code::deadline_exceeded:
      return "deadline_exceeded";
    case Code::out_of_space:
      return "out_of_space";
  }
  return "internal";
}

std::string describe(const Error& error) {
  std::string text = error.reason;
  text.append(": ").append(error.message);
  if (!error.details.empty()) text.append(" (").append(error.details).append(")");
  for (const auto& field : error.fields) {
    text.append("; ").append(field.field).append(": ").append(field.message);
  }
  return text;
}

}  // namespace weir
