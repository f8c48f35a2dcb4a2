// Is this log the one that this replica has applied? Never trust that a log is whole: a server that
// loses power can lose acknowledged entries, and a wiped store starts again at 1.
#pragma once

#include "pkg/replica/log.hpp"
#include "pkg/replica/sys_machine.hpp"

namespace weir::replica {

// Compares identity, length and the entry stored at `position.applied`. A replica that has applied
// nothing makes the log when there is none. Blocks as Log does.
// Errors: unavailable (ask again), or, when serving would show a state that the log does not have:
//   conflict / log_missing, log_replaced, log_truncated, log_purged, log_diverged.
Result<LogInfo> verify_log(const Position& position, Log& log);

// Was the log made for a test clock exactly when this coordinator runs with one? Error: conflict /
// test_clock_log, real_time_log.
Result<void> check_clock(bool log_has_test_clock, bool runs_with_test_clock);

// The part that needs no entry: for looking again while running.
Result<void> compare_log(const Position& position, const LogInfo& info);

}  // namespace weir::replica
