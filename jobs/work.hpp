// jobs.work, a worker's round trip: {"worker","salt","complete":[...],"fail":[...],"release":[...],
// "heartbeat":[...],"lease":{...}}; and the same things one at a time (jobs.complete, ...).
#pragma once

#include <string>

#include "jobs/finish.hpp"
#include "jobs/step.hpp"

namespace weir::jobs {

// Errors: too_many_requests / too_many_waiters. Stale leases are errors of their items.
Result<std::string> apply_work(Step& step, json::View body);

// One of Finisher's members on the whole body. Errors: conflict / lease_lost.
using FinishItem = Result<void> (Finisher::*)(json::View item, std::string& out);
Result<std::string> apply_item(Step& step, json::View body, FinishItem item);

}  // namespace weir::jobs
