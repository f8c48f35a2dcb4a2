// retention_ms of a job: how long it is kept after its end, when that is shorter than what its
// queue says. 0: it is forgotten as soon as it has ended. Dead letters stay until they are redriven
// or purged.
//
// A job with kRetentionBit has a row in job_retentions from its end until it is forgotten or runs
// again. Ticks forget what is due; State::next_retention says when to look.
//
// Thread rule: the applier thread only. sqlite::Failure passes through.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "jobs/step.hpp"

namespace weir::jobs {

// From options with kRetentionBit; milliseconds.
std::int64_t retention_of(std::string_view options);
// A job with kRetentionBit changed its status.
void follow_retention(Step& step, const Change& change);
// The rows of jobs whose time is over, at most `limit`, which the caller forgets.
std::vector<std::int64_t> take_outlived(Step& step, std::int64_t limit);
// When the first job is to be forgotten; kNever.
std::int64_t first_retention(sqlite::Database& db);

}  // namespace weir::jobs
