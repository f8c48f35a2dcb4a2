#include "jobs/schedule.hpp"

#include <algorithm>
#include <array>

#include "jobs/query_parts.hpp"
#include "pkg/base/ids.hpp"
#include "pkg/base/time_text.hpp"

namespace weir::jobs {
namespace {

constexpr std::array<std::string_view, 4> kOverlaps{"allow", "skip", "buffer_one",
                                                    "cancel_running"};
constexpr std::array<std::string_view, 3> kCatchUps{"none", "last", "all"};
constexpr std::array<std::string_view, 3> kKinds{"due", "trigger", "backfill"};

template <class Word, std::size_t size>
std::optional<Word> parse_word(const std::array<std::string_view, size>& words,
                               std::string_view word) {
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) return std::nullopt;
  return static_cast<Word>(found - words.begin());
}

#define WEIR_SCHEDULE_COLUMNS                                                                  \
  "id,name,generation,paused,created_at,updated_at,spec,next_at,last_at,last_job,runs,missed," \
  "skipped,waiting,problem"

Schedule read_row(const sqlite::Statement& rows) {
  Schedule out;
  out.id = rows.int64(0);
  out.name = rows.text(1);
  out.generation = rows.int64(2);
  out.paused = rows.int64(3) != 0;
  out.created_at = rows.int64(4);
  out.updated_at = rows.int64(5);
  out.spec = rows.text(6);
  out.next_at = rows.optional_int64(7);
  out.last_at = rows.optional_int64(8);
  out.last_job = rows.text(9);
  out.runs = rows.int64(10);
  out.missed = rows.int64(11);
  out.skipped = rows.int64(12);
  out.waiting = rows.text(13);
  out.problem = rows.text(14);
  return out;
}

// FNV-1a (RFC draft-eastlake-fnv), mixed: the same on every coordinator.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  return mix64(hash);
}

std::optional<Timestamp> time_of(json::View value) {
  const auto ms = value.as_int();
  if (!ms) return std::nullopt;
  return from_unix_ms(*ms);
}

}  // namespace

std::string_view to_string(Overlap overlap) {
  return kOverlaps[static_cast<std::size_t>(overlap)];
}

std::optional<Overlap> parse_overlap(std::string_view word) {
  return parse_word<Overlap>(kOverlaps, word);
}

std::string_view to_string(CatchUp catchup) {
  return kCatchUps[static_cast<std::size_t>(catchup)];
}

std::optional<CatchUp> parse_catchup(std::string_view word) {
  return parse_word<CatchUp>(kCatchUps, word);
}

std::string_view to_string(RunKind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

Overlap Schedule::overlap() const {
  return parse_overlap(member("overlap").as_string().value_or("")).value_or(Overlap::allow);
}

std::string Schedule::queue() const {
  return member("job").find("queue").as_string().value_or("");
}

std::optional<Schedule> find_schedule(sqlite::Database& db, std::string_view name) {
  auto rows = db.prepare("SELECT " WEIR_SCHEDULE_COLUMNS " FROM job_schedules WHERE name=?1");
  rows.bind(1, name);
  if (!rows.step()) return std::nullopt;
  return read_row(rows);
}

std::optional<Schedule> load_schedule(sqlite::Database& db, std::int64_t id) {
  auto rows = db.prepare("SELECT " WEIR_SCHEDULE_COLUMNS " FROM job_schedules WHERE id=?1");
  rows.bind(1, id);
  if (!rows.step()) return std::nullopt;
  return read_row(rows);
}

void insert_schedule(sqlite::Database& db, const Schedule& schedule) {
  db.prepare(
        "INSERT INTO job_schedules(name,generation,paused,created_at,updated_at,spec,next_at,runs,"
        "missed,skipped) VALUES(?1,?2,?3,?4,?5,?6,?7,0,0,0)")
      .bind_all(schedule.name, schedule.generation, schedule.paused ? 1 : 0, schedule.created_at,
                schedule.updated_at, schedule.spec, schedule.next_at)
      .run();
}

void store_schedule(sqlite::Database& db, const Schedule& schedule) {
  db.prepare(
        "UPDATE job_schedules SET generation=?2,paused=?3,updated_at=?4,spec=?5,next_at=?6,"
        "last_at=?7,last_job=?8,runs=?9,missed=?10,skipped=?11,waiting=?12,problem=?13 WHERE id=?1")
      .bind_all(schedule.id, schedule.generation, schedule.paused ? 1 : 0, schedule.updated_at,
                schedule.spec, schedule.next_at, schedule.last_at, schedule.last_job, schedule.runs,
                schedule.missed, schedule.skipped, schedule.waiting, schedule.problem)
      .run();
}

Error schedule_not_found(std::string_view name) {
  return Error{Code::not_found, "schedule_not_found", "There is no such schedule",
               std::string(name)};
}

Result<cron::Timing> timing_of(json::View spec) {
  const cron::Timing::Bounds bounds{time_of(spec.find("start_at")), time_of(spec.find("end_at"))};
  if (const auto interval = spec.find("every_ms").as_int()) {
    return cron::Timing::from_interval(Millis(*interval), bounds);
  }
  return cron::Timing::from_cron(spec.find("cron").as_string().value_or(""),
                                 spec.find("time_zone").as_string().value_or("UTC"), bounds);
}

ScheduleRun parse_run(json::View text) {
  return {.at = text.find("at").as_int().value_or(0),
          .job = text.find("job").as_string().value_or(""),
          .run_at = text.find("run_at").as_int()};
}

void write_run(json::Writer& out, const ScheduleRun& run) {
  out.begin_object().member("at", run.at).member("job", run.job);
  if (run.run_at) out.member("run_at", *run.run_at);
  out.end_object();
}

ScheduleRun make_run(const Schedule& schedule, Timestamp at) {
  constexpr std::size_t kToSeconds = 19;  // "2026-11-21T10:30:00", then ".000Z"
  ScheduleRun run{.at = to_unix_ms(at),
                  .job = schedule.name + ":" + format_rfc3339(at).substr(0, kToSeconds) + "Z",
                  .run_at = {}};
  if (const auto jitter = schedule.member("jitter_ms").as_int().value_or(0); jitter > 0) {
    const auto choices = static_cast<std::uint64_t>(jitter) + 1;
    run.run_at = run.at + static_cast<std::int64_t>(hash_of(run.job) % choices);
  }
  return run;
}

std::int64_t running_count(sqlite::Database& db, std::int64_t schedule) {
  auto rows = db.prepare(
      "SELECT count(*) FROM job_schedule_runs INDEXED BY job_schedule_runs_active"
      " WHERE schedule=?1 AND active=1");
  rows.bind(1, schedule);
  rows.step();
  return rows.int64(0);
}

void write_schedule(json::Writer& out, sqlite::Database& db, const Schedule& schedule) {
  out.begin_object().member("name", schedule.name).member("paused", schedule.paused);
  for (const auto& member : json::View(schedule.spec).members()) {
    if (member.raw_key == "every_ms") continue;
    if (const auto time = time_of(member.value);
        time && (member.raw_key == "start_at" || member.raw_key == "end_at")) {
      out.member(member.raw_key, *time);
    } else {
      out.raw_member(member.raw_key, member.value.raw());
    }
  }
  member_time(out, "next_at", schedule.next_at);
  member_time(out, "last_at", schedule.last_at);
  member_text(out, "last_job", schedule.last_job);
  out.member("running", running_count(db, schedule.id));
  member_time(out, "waiting_at",
              schedule.waiting.empty() ? std::nullopt
                                       : std::optional(parse_run(json::View(schedule.waiting)).at));
  out.member("runs", schedule.runs)
      .member("missed", schedule.missed)
      .member("skipped", schedule.skipped);
  member_text(out, "problem", schedule.problem);
  out.member("created_at", from_unix_ms(schedule.created_at))
      .member("updated_at", from_unix_ms(schedule.updated_at));
}

}  // namespace weir::jobs
