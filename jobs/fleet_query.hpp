// Queries about workers: who was seen, what each says of itself and runs, and whether somebody is
// there for a target.
//
// Thread rule: as jobs/queries.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

// Whether the reader may know of a queue. A worker is shown when it asks one of those queues, or
// runs a job of one; of the rest it does nothing is shown.
using MaySee = std::function<bool(std::string_view queue)>;

// {items:[{name,live,draining,draining_since,last_seen,running,labels{...},queues[...],jobs:[{id,
// queue,type,attempt,started_at}]}],next_cursor}, by name; cursor is the last name. Live: seen in
// the last kWorkerLive, or running a job. `jobs` holds at most kWorkerJobsShown of each.
// Errors: invalid / invalid_request (limit).
Result<std::string> list_workers(sqlite::Database& db, std::int64_t limit, std::string_view cursor,
                                 Timestamp now, const MaySee& may_see);

// The same of one worker. Errors: not_found / worker_not_found.
Result<std::string> get_worker(sqlite::Database& db, std::string_view name, Timestamp now,
                               const MaySee& may_see);
// The queues that it asked for last; nothing when it is not known.
std::vector<std::string> queues_of_worker(sqlite::Database& db, std::string_view name);

// Whether a live worker that asks `queue` matches `target`.
enum class Match : std::uint8_t { none, draining, live };  // draining: but those are
Match match_target(sqlite::Database& db, std::string_view queue, std::string_view target,
                   std::int64_t now);

}  // namespace weir::jobs
