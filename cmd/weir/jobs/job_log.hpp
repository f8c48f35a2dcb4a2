// `weir job logs`: what workers logged about a job.
#pragma once

#include "cmd/weir/cli/arguments.hpp"

namespace weir::cli {

int run_job_logs(Args args);

}  // namespace weir::cli
