// Reads of the job tables, answered as wire JSON. Each runs on a read-only snapshot
// (Instance::read) and only through indexes: a page looks at no more than kListScanRows rows and
// then answers what it has, with a cursor to go on.
//
// Thread rule: any thread, one Database each. sqlite::Failure passes through to Database::read().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/list_request.hpp"
#include "jobs/status.hpp"
#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

// Errors: not_found / job_not_found.
Result<std::string> get_job(sqlite::Database& db, std::string_view id);
// {"id":..,"items":[{at,event,attempt?,worker?,error?,...}]}, oldest first.
Result<std::string> get_timeline(sqlite::Database& db, std::string_view id);
// The name of the job's queue, if the job is there.
std::optional<std::string> find_queue_of(sqlite::Database& db, std::string_view id);
// The status only, for waiting on the end of a job.
Result<Status> get_status(sqlite::Database& db, std::string_view id);

// {items,next_cursor,total_items,status_counts}. next_cursor is null at the end. total_items counts
// by status and queue only (null when another filter is set: counting would scan).
// Order: with a status or a queue, by status (processing, unprocessed, scheduled, blocked, failed,
// dlq, cancelled, completed), then queue, then: processing and finished newest first, scheduled
// soonest first, unprocessed by target (none first), then priority, then key (none first), in the
// order of leasing. Without both: newest submitted first. `sort` by submission looks at the jobs of
// all queues on the way. Jobs that change their status while the pages are read may be seen twice,
// or not. Errors: invalid / invalid_request (limit, cursor).
Result<std::string> list_jobs(sqlite::Database& db, const ListRequest& request);

// The ids of a page of that list, for changes of many jobs. The cursor is empty at the end.
struct Selection {
  std::vector<std::string> ids;
  std::string cursor;
};
Result<Selection> select_jobs(sqlite::Database& db, const ListRequest& request);

// {items:[{name,paused,counts{...}}],next_cursor}; cursor is the last name.
Result<std::string> list_queues(sqlite::Database& db, std::int64_t limit, std::string_view cursor);
// {name,paused,created_at,config{...},counts{...},ready_by_priority[10],oldest_ready_at,
// oldest_ready_age_ms}. Errors: not_found / queue_not_found.
Result<std::string> get_queue(sqlite::Database& db, std::string_view name, Timestamp now);

// As queue.stats answers it: {queue,depth,in_flight,consumers,published_total,consumed_total,
// acked_total,nacked_total,dead_lettered_total,oldest_message_age_secs} and the totals without
// `_total`. Errors: not_found / queue_not_found.
Result<std::string> message_stats(sqlite::Database& db, std::string_view queue, Timestamp now);

// {concurrency,running}: the limit of all queues together (null: none) and what runs.
std::string get_limits(sqlite::Database& db);

// As get_job(). Errors: not_found / dead_letter_not_found.
Result<std::string> get_dlq(sqlite::Database& db, std::string_view id);

// {items:[{name,paused,...}],next_cursor}; cursor is the last name.
Result<std::string> list_schedules(sqlite::Database& db, std::int64_t limit,
                                   std::string_view cursor);
// {name,paused,cron|every,time_zone,...,next_at,last_at,...}; with `upcoming`, 0 to 100: the next
// runs, next_runs[]. Errors: not_found / schedule_not_found.
Result<std::string> get_schedule(sqlite::Database& db, std::string_view name, std::size_t upcoming,
                                 Timestamp now);
// The queue of its jobs, for permissions. Errors: not_found / schedule_not_found.
Result<std::string> schedule_queue(sqlite::Database& db, std::string_view name);
// {items:[{at,kind,id,status,...}],next_cursor}, newest first: the runs whose jobs are kept.
// Errors: not_found / schedule_not_found; invalid / invalid_request (limit, cursor).
Result<std::string> list_schedule_runs(sqlite::Database& db, std::string_view name,
                                       std::int64_t limit, std::string_view cursor);

// {total,unprocessed,...}: every status of /health/status `jobs` (unprocessed counts scheduled and
// blocked too). O(queues).
std::string count_jobs(sqlite::Database& db);

}  // namespace weir::jobs
