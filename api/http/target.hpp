// The request target of HTTP (RFC 9112 section 3.2), taken apart and decoded strictly.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pkg/base/result.hpp"

namespace weir::http {

struct Target {
  std::string path;  // decoded, for people and logs
  std::vector<std::string>
      segments;  // decoded one by one: an encoded slash stays inside its segment
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
};

// Origin form only. Errors: bad_request / bad_target (escapes, NUL, control characters, dot
// segments, text that is not UTF-8).
Result<Target> parse_target(std::string_view text);

}  // namespace weir::http
