// What follows when jobs change their status: who waits for a job, counts it or is told of it.
// Followed are the jobs with a bit of kFollowed in jobs.parts; all others pay one test.
#pragma once

#include "jobs/step.hpp"

namespace weir::jobs {

// Follows the changes of this operation in their order, until nothing follows any more.
void follow_changes(Step& step);

}  // namespace weir::jobs
