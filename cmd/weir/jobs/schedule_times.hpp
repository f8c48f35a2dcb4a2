// `weir schedule next`: when a schedule runs. A cron expression or an interval needs no server.
#pragma once

#include "cmd/weir/cli/context.hpp"

namespace weir::cli {

int schedule_next(Args args);

}  // namespace weir::cli
