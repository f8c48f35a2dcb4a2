// Quotas of API keys on waiting jobs: a key may have at most so many jobs that wait (scheduled,
// blocked, ready) of those it submitted. Submits of such a key carry its quota, so that the log
// decides, exactly; what was accepted is never dropped: retries may bring more.
//
// A job of a key with a quota has kQuotaBit and a row in job_owners until it is forgotten;
// job_quotas counts the waiting ones of each key.
//
// Thread rule: of_key() is stateless; the rest on the applier thread only. sqlite::Failure passes
// through.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "jobs/step.hpp"

namespace weir::jobs {

// A submit (also of a batch) by a key with a quota. Its body begins with kOwnerHead.
replica::Operation of_key(replica::Operation submit, std::string_view key_id,
                          std::int64_t max_waiting);
inline constexpr std::string_view kOwnerHead = "{\"owner\":";

// The body of an operation of_key(): whose it is, and the body without that.
struct OwnedBody {
  Owner owner;
  std::string rest;
};
OwnedBody parse_owned(json::View body);

// Whether the owner of the operation may have one more waiting job after `more` others. Errors:
// too_many_requests / quota_exceeded.
Result<void> check_quota(Step& step, std::int64_t more = 0);
// The new job `row`, whose jobs.parts has kQuotaBit, is the owner's and waits.
void count_owned(Step& step, std::int64_t row);
// A job with kQuotaBit changed its status.
void follow_quota(Step& step, const Change& change);

// Waiting jobs by key, of keys with a quota that have any. On any database.
std::map<std::string, std::int64_t> waiting_by_key(sqlite::Database& db);

}  // namespace weir::jobs
