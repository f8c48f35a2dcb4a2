// Schedule: a row of job_schedules: when jobs are made, which, and what has become of it. When the
// next run is due is computed by who proposes (a coordinator or the leader), never while applying:
// coordinators may have different time zone databases.
//
// Its spec is JSON as operations carry it, complete and checked: cron or every with every_ms,
// time_zone, start_at, end_at, overlap, catchup, catchup_max, jitter_ms, job.
// sqlite::Failure passes through.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pkg/cron/timing.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

// What a run does that is due while earlier ones have not ended.
enum class Overlap : std::uint8_t {
  allow,           // it runs
  skip,            // it is skipped
  buffer_one,      // it waits for their end; who comes while one waits is skipped
  cancel_running,  // they are cancelled, and it runs when they have ended
};
std::string_view to_string(Overlap overlap);
std::optional<Overlap> parse_overlap(std::string_view word);

// Which of the runs are made up that nobody could start in time.
enum class CatchUp : std::uint8_t {
  none,  // none: only the newest, when it is not later than kOnTime
  last,  // the newest
  all,   // the newest catchup_max
};
std::string_view to_string(CatchUp catchup);
std::optional<CatchUp> parse_catchup(std::string_view word);

// Why there is a run. The numbers are stored.
enum class RunKind : std::uint8_t { due = 0, trigger = 1, backfill = 2 };
std::string_view to_string(RunKind kind);

struct Schedule {
  std::int64_t id = 0;
  std::string name;
  std::int64_t generation = 0;  // revision of the newest change by a client
  bool paused = false;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::string spec;
  std::optional<std::int64_t> next_at;  // empty: paused, or after the last run
  std::optional<std::int64_t> last_at;  // when the newest run was due
  std::string last_job;                 // its job
  std::int64_t runs = 0;
  std::int64_t missed = 0;   // nobody could start them in time, and they were not made up
  std::int64_t skipped = 0;  // because of earlier runs, or refused
  std::string waiting;       // a run (below) that waits for earlier ones; or empty
  std::string problem;       // why the newest run was refused; empty when it was not

  json::View member(std::string_view field) const { return json::View(spec).find(field); }
  Overlap overlap() const;
  std::string queue() const;
};

std::optional<Schedule> find_schedule(sqlite::Database& db, std::string_view name);
std::optional<Schedule> load_schedule(sqlite::Database& db, std::int64_t id);
void insert_schedule(sqlite::Database& db, const Schedule& schedule);  // all but the id
void store_schedule(sqlite::Database& db, const Schedule& schedule);
Error schedule_not_found(std::string_view name);

// When it runs. Reads the time zone database: never while applying. Errors: as cron::Timing.
Result<cron::Timing> timing_of(json::View spec);

// What the job of a run knows of it: headers with the schedule's name and the time it was due.
inline constexpr std::string_view kScheduleHeader = "weir-schedule";
inline constexpr std::string_view kScheduledAtHeader = "weir-scheduled-at";

// One run, as operations and `waiting` carry it.
struct ScheduleRun {
  std::int64_t at = 0;                 // when it is due, unix ms
  std::string job;                     // id of the job
  std::optional<std::int64_t> run_at;  // later than `at` by the jitter
};
ScheduleRun parse_run(json::View text);
void write_run(json::Writer& out, const ScheduleRun& run);
// The run that is due `at`: its job id and its jitter follow from name and time.
ScheduleRun make_run(const Schedule& schedule, Timestamp at);

// Runs whose jobs have not ended.
std::int64_t running_count(sqlite::Database& db, std::int64_t schedule);
// The members of a schedule as clients see it.
void write_schedule(json::Writer& out, sqlite::Database& db, const Schedule& schedule);

}  // namespace weir::jobs
