// Who may name a job in depends_on: its result reaches the worker of the child, so the key must be
// for the queue of the parent too. Thread-safe.
#pragma once

#include "api/services.hpp"
#include "pkg/json/view.hpp"

namespace weir::api {

// `job` is one job of a submit. A parent that is not there is not refused here: the log decides
// that. Errors: forbidden / queue_not_allowed.
Result<void> check_parents(Services& services, const Call& call, json::View job);

}  // namespace weir::api
