// expires_at: a job that has not begun by then ends as failed, with the error type expired. A job
// that runs at that moment goes on; if it is to wait again, it ends then.
//
// job_expiries has a row for each such job until it is forgotten, or its owner runs it again after
// its end. Before a lease and by ticks, what is due ends; State::next_expiry says when to look.
//
// Thread rule: the applier thread only. sqlite::Failure passes through.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "jobs/step.hpp"

namespace weir::jobs {

// From options with kExpiringBit; unix ms.
std::int64_t expires_of(std::string_view options);
// The options without it: a copy of the job does not expire.
std::string without_expiry(std::string_view options);

// The new job `row`, whose jobs.parts has kExpiringBit, waits.
void begin_expiry(Step& step, std::int64_t row, std::int64_t at);
// The job was edited: `expires` is what its options say now.
void replace_expiry(Step& step, std::int64_t row, bool expires, std::string_view options);
// A job with kExpiringBit changed its status.
void follow_expiry(Step& step, const Change& change);
// Ends what is due, at most `limit` jobs.
void expire_due(Step& step, std::int64_t limit);
// When the first job expires; kNever.
std::int64_t first_expiry(sqlite::Database& db);

}  // namespace weir::jobs
