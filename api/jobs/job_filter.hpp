// Which jobs a request is about, from its query parameters, the same for every list of jobs.
#pragma once

#include <vector>

#include "api/core/call.hpp"
#include "api/core/command.hpp"
#include "jobs/list_request.hpp"

namespace weir::api {

// The parameters that list_request() reads, for the documentation.
std::vector<QueryParameter> filter_parameters();

// Errors: invalid / invalid_request with every field that is wrong; forbidden / queue_not_allowed.
Result<jobs::ListRequest> list_request(const Call& call);

}  // namespace weir::api
