// Reads the Idempotency-Key header of a request that creates something.
#pragma once

#include "api/core/services.hpp"
#include "jobs/idempotency.hpp"

namespace weir::api {

// Empty without the header. The digest covers method, path and body. Errors: bad_request /
// bad_idempotency_key.
Result<jobs::Idempotency> idempotency_of(const Services& services, const Call& call);

}  // namespace weir::api
