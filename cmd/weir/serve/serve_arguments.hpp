// The command line of `weir serve` and `weir config`, made from the configuration table.
#pragma once

#include "cmd/weir/cli/arguments.hpp"
#include "pkg/config/loader.hpp"

namespace weir::cli {

// One option per setting that is no secret, and --config FILE.
std::vector<Option> serve_options();

// defaults < file (--config or WEIR_CONFIG) < environment < flags. Errors: invalid / bad_config,
// unreadable_file.
Result<config::Values> serve_values(const Parsed& parsed);

}  // namespace weir::cli
