// What a finished command tells the shell (docs/cli.md). Pure.
#pragma once

#include "pkg/base/error.hpp"

namespace weir::cli {

enum Exit : int {
  kOk = 0,
  kFailed = 1,       // the request was understood and did not succeed
  kUsage = 2,        // wrong arguments or configuration
  kNotFound = 3,     // the named job, queue or key does not exist
  kAuth = 4,         // no or bad key, or the key lacks the scope
  kUnavailable = 5,  // server not reachable, not ready, or no answer in time
  kConflict = 6,     // the state forbids it
};

Exit exit_code(Code code);

}  // namespace weir::cli
