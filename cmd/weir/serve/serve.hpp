// `weir serve`: the object graph of a coordinator, from its configuration to its services.
#pragma once

#include "cmd/weir/cli/arguments.hpp"

namespace weir::cli {

// Runs until SIGTERM or SIGINT. Answers the exit code.
int run_serve(Args args);

}  // namespace weir::cli
