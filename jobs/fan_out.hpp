// Fan-out: a job with the target "_all" runs once at each worker that is live when it is submitted.
//
// Each of those gets a job of its own, <id>:<n> with the target host:<worker>, everything else as
// the fan-out says. The fan-out itself never runs: it is blocked until all of them have ended (they
// are its parents, jobs/dependencies.hpp), then it has completed when all completed, else failed;
// kPartial says that some completed. Its result says how each of them ended. Cancelling it cancels
// them.
//
// Thread rule: the applier thread only. sqlite::Failure passes through.
#pragma once

#include "jobs/job_row.hpp"
#include "jobs/step.hpp"

namespace weir::jobs {

// What readers are told of a job whose status is failed and that has kPartial.
inline constexpr std::string_view kPartialFailure = "partial_failure";

Error no_workers(std::string_view queue);

// All jobs of the fan-out `job`, which is blocked, have ended: so does it.
void end_fan_out(Step& step, Job& job);
// The fan-out was cancelled: so are its jobs.
void cancel_fan_out(Step& step, std::int64_t row);

}  // namespace weir::jobs
