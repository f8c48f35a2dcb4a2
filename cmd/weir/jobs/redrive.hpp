// `weir dlq redrive`, `redrives` and `stop`.
#pragma once

#include "cmd/weir/cli/arguments.hpp"

namespace weir::cli {

int run_redrive(Args args);
int run_redrives(Args args);
int run_stop_redrive(Args args);

}  // namespace weir::cli
