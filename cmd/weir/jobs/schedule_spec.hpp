// The options of `weir schedule set`, and the request they make.
#pragma once

#include <string>
#include <vector>

#include "cmd/weir/cli/arguments.hpp"

namespace weir::cli {

std::vector<Option> spec_options();
// The body of PUT /v1/schedules/{name}. Errors: invalid / bad_argument, unreadable_file.
Result<std::string> spec_body(const Parsed& parsed);

}  // namespace weir::cli
