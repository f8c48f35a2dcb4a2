#include "cmd/weir/cli/exit_code.hpp"

namespace weir::cli {

Exit exit_code(Code code) {
  switch (code) {
    case Code::bad_request:
    case Code::invalid:
      return kUsage;
    case Code::unauthenticated:
    case Code::forbidden:
      return kAuth;
    case Code::not_found:
      return kNotFound;
    case Code::conflict:
      return kConflict;
    case Code::unavailable:
    case Code::deadline_exceeded:
    case Code::too_many_requests:
      return kUnavailable;
    default:
      return kFailed;
  }
}

}  // namespace weir::cli
