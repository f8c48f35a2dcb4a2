// Who may name other jobs: the result of a parent reaches the worker of the child, and a member
// holds up its batch, so the key must be for the queues of parents and of the batch's jobs too.
// Thread-safe.
#pragma once

#include "api/core/services.hpp"
#include "pkg/json/view.hpp"

namespace weir::api {

// `job` is one job of a submit; looks at its depends_on and its batch. What is not there is not
// refused here: the log decides that. Errors: forbidden / queue_not_allowed.
Result<void> check_parents(Services& services, const Call& call, json::View job);

}  // namespace weir::api
