// Changes of many jobs by a filter, one page of jobs for each request: the answer has a cursor to
// go on with, so that a client sees the progress and may stop. Thread-safe.
#pragma once

#include <functional>
#include <vector>

#include "api/core/services.hpp"
#include "jobs/bulk_request.hpp"

namespace weir::api {

using BulkOperation = std::function<replica::Operation(const std::vector<std::string>& ids)>;

// Finds the jobs of `request` and proposes the change of them (none on a dry run, which names them
// instead). Answers 200 {"matched":n,"dry_run":b,"ids"?:[...],"next_cursor",...}, the members of
// the operation's reply among the rest.
void answer_bulk_page(Services& services, const Call& call, const jobs::BulkRequest& request,
                      const BulkOperation& operation);

}  // namespace weir::api
