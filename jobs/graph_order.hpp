// The order of an atomic batch whose jobs depend on each other.
#pragma once

#include <cstddef>
#include <vector>

#include "jobs/fields.hpp"
#include "pkg/json/view.hpp"

namespace weir::jobs {

// The positions of `jobs` (checked by write_job_request), parents before their children, otherwise
// as they stand. Complains about each job that waits for itself, directly or around a cycle. Ids of
// other jobs are no business of it: a job that exists cannot depend on one that does not yet, so a
// cycle never leaves one request.
std::vector<std::size_t> order_graph(json::View jobs, FieldErrors& errors);

}  // namespace weir::jobs
