#include "jobs/schedule_due.hpp"

#include <algorithm>
#include <vector>

#include "jobs/limits.hpp"

namespace weir::jobs {
namespace {

// The runs that are due of one schedule.
struct Due {
  std::vector<Timestamp> runs;  // to start
  std::int64_t missed = 0;
  Timestamp until;                // the newest that was looked at
  std::optional<Timestamp> next;  // the first that was not
};

std::size_t made_up(const Schedule& schedule, Timestamp newest, Timestamp log_time) {
  const auto word = schedule.member("catchup").as_string().value_or("");
  switch (parse_catchup(word).value_or(CatchUp::last)) {
    case CatchUp::none:
      return log_time - newest <= kOnTime ? 1 : 0;
    case CatchUp::last:
      return 1;
    case CatchUp::all:
      break;
  }
  return static_cast<std::size_t>(
      schedule.member("catchup_max").as_int().value_or(kDefaultCatchup));
}

// After a long absence in steps: what is older than every run that could be made up is missed.
Due find_due(const Schedule& schedule, const cron::Timing& timing, Timestamp log_time) {
  constexpr auto kMost = kScheduleScan + static_cast<std::size_t>(kMaxCatchup);
  std::vector<Timestamp> all = timing.list(from_unix_ms(*schedule.next_at), log_time, kMost);
  all.insert(all.begin(), from_unix_ms(*schedule.next_at));
  Due due;
  if (all.size() > kMost) {
    due.missed = static_cast<std::int64_t>(kScheduleScan);
    due.until = all[kScheduleScan - 1];
    due.next = all[kScheduleScan];
    return due;
  }
  const auto count = std::min(all.size(), made_up(schedule, all.back(), log_time));
  due.missed = static_cast<std::int64_t>(all.size() - count);
  due.until = all.back();
  due.next = timing.next(all.back());
  due.runs.assign(all.end() - static_cast<std::ptrdiff_t>(count), all.end());
  return due;
}

replica::Operation fire(const Schedule& schedule, const Due& due, Timestamp log_time) {
  json::Writer out(192 + due.runs.size() * 128);
  out.begin_object()
      .member("name", schedule.name)
      .member("generation", schedule.generation)
      .member("from", *schedule.next_at)
      .member("until", to_unix_ms(due.until))
      .member("as_of", to_unix_ms(log_time))
      .member("missed", due.missed)
      .key("runs")
      .begin_array();
  for (const auto at : due.runs) write_run(out, make_run(schedule, at));
  out.end_array();
  if (due.next) out.member("next_at", to_unix_ms(*due.next));
  out.end_object();
  return {"jobs.schedule_fire", out.take()};
}

// Those that wait for a time until `log_time`, and the first ones in any case.
std::vector<Schedule> waiting_schedules(sqlite::Database& db, Timestamp log_time) {
  std::vector<std::int64_t> ids;
  {
    auto rows = db.prepare(
        "SELECT id,next_at FROM job_schedules INDEXED BY job_schedules_next"
        " WHERE next_at IS NOT NULL ORDER BY next_at,id");
    std::int64_t until = to_unix_ms(log_time);
    while (rows.step()) {
      if (ids.empty()) until = std::max(until, rows.int64(1));
      if (rows.int64(1) > until) break;
      ids.push_back(rows.int64(0));
    }
  }
  std::vector<Schedule> out;
  for (const auto id : ids) out.push_back(*load_schedule(db, id));
  return out;
}

}  // namespace

replica::Proposals due_schedules(sqlite::Database& db, Timestamp log_time) {
  replica::Proposals out;
  std::size_t looked_at = 0;
  for (const auto& schedule : waiting_schedules(db, log_time)) {
    const auto timing = timing_of(json::View(schedule.spec));
    if (!timing) {
      out.problem = "schedule " + schedule.name + ": " + describe(timing.error());
      continue;
    }
    const auto due = find_due(schedule, *timing, log_time);
    out.operations.push_back(fire(schedule, due, log_time));
    looked_at += due.runs.size() + static_cast<std::size_t>(due.missed);
    if (out.operations.size() >= kSchedulesPerRound || looked_at >= kScheduleScan) break;
  }
  return out;
}

}  // namespace weir::jobs
