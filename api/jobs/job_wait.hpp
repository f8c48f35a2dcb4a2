// Waiting for the end of a job or a batch (GET /v1/jobs/{id}?wait=30s): the client is kept without
// a thread, woken by Instance::watch, and answered with the job or batch as it is when it has
// ended, or when the time is over. Thread-safe; `services` outlives the request.
#pragma once

#include <string>

#include "api/core/services.hpp"

namespace weir::api {

// Pool lane: reads the job at once. Errors: as jobs::get_job(); forbidden / queue_not_allowed.
void answer_when_finished(Services& services, const Call& call, const std::string& job_id,
                          Millis wait);
// The same; errors as jobs::get_batch().
void answer_when_batch_ended(Services& services, const Call& call, const std::string& batch_id,
                             Millis wait);

}  // namespace weir::api
