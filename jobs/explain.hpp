// Why a job is not running now, from the tables: in words, and as data. True in every case that the
// picker knows (jobs/pick_view.hpp); bounded, whatever waits. docs/explain.md lists the reasons.
//
// Thread rule: as jobs/queries.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

enum class Reason : std::uint8_t {
  ready,         // the picker hands it out next
  no_worker,     // nobody asked for jobs of the queue lately
  no_match,      // no live worker of the queue matches its target
  queue_paused,  // also of jobs that wait for a time or for parents
  // limits
  total_concurrency,
  queue_concurrency,
  queue_rate,
  key_concurrency,
  key_rate,
  // the order
  behind_priority,
  behind_aged,
  behind_turn,
  behind_earlier,
  // not ready
  scheduled,
  retry_wait,
  snoozed,
  due,
  blocked_by_parents,
  // running
  running,
  cancelling,
  // ended
  completed,
  failed,
  cancelled,
  dead
};
inline constexpr std::size_t kReasonCount = 24;
std::string_view to_string(Reason reason);  // "queue_paused"

// {"id","queue","status","reasons":[{"code","message",...}],"next_at"}. The reasons say all that
// holds the job back; a ready job that is next has `ready`. next_at: the earliest moment at which
// one of them ends by itself; null: none does. Errors: not_found / job_not_found.
Result<std::string> explain_job(sqlite::Database& db, std::string_view id, Timestamp now);

}  // namespace weir::jobs
