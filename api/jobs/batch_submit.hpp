// POST /v1/jobs/batch: many jobs, possibly in several log entries, one answer. Thread-safe.
#pragma once

#include "api/core/services.hpp"

namespace weir::api {

void submit_batch(Services& services, const Call& call);

}  // namespace weir::api
