#include "jobs/scheduler.hpp"

#include "jobs/limits.hpp"
#include "jobs/manage.hpp"
#include "jobs/submit.hpp"

namespace weir::jobs {
namespace {

// A leader that found out what is due longer ago than this, with more due since, looks again.
constexpr std::int64_t kFreshMs = 5'000;

// The job of a run as jobs.submit carries it: the schedule's, with id, time and two headers.
std::string job_text(const Schedule& schedule, const ScheduleRun& run) {
  const auto job = schedule.member("job");
  json::Writer out(job.raw().size() + 256);
  out.begin_object().member("id", run.job);
  if (run.run_at) out.member("run_at", *run.run_at);
  for (const auto& member : job.members()) {
    if (member.raw_key != "headers") out.raw_member(member.raw_key, member.value.raw());
  }
  out.key("headers").begin_object();
  for (const auto& member : job.find("headers").members()) {
    const bool own = member.raw_key == kScheduleHeader || member.raw_key == kScheduledAtHeader;
    if (!own) out.raw_member(member.raw_key, member.value.raw());
  }
  out.member(kScheduleHeader, schedule.name)
      .member(kScheduledAtHeader, from_unix_ms(run.at))
      .end_object()
      .end_object();
  return out.take();
}

}  // namespace

Result<Schedule> Scheduler::get(json::View body) const {
  const auto name = body.find("name").as_string().value_or("");
  auto found = find_schedule(step_.db, name);
  if (!found) return schedule_not_found(name);
  return std::move(*found);
}

Result<Schedule> Scheduler::get_unchanged(json::View body) const {
  WEIR_ASSIGN(auto schedule, get(body));
  if (body.find("generation").as_int() == schedule.generation) return schedule;
  return Error{Code::conflict, "schedule_changed", "The schedule was changed at the same time",
               "read it again and repeat the request"};
}

std::string Scheduler::reply(const Schedule& schedule) const {
  json::Writer out(512);
  write_schedule(out, step_.db, schedule);
  out.member("revision", step_.revision).end_object();
  return out.take();
}

void Scheduler::store(const Schedule& schedule) {
  store_schedule(step_.db, schedule);
  step_.state.schedules.changed();
}

void Scheduler::skip(Schedule& schedule) {
  ++schedule.skipped;
  step_.count(Total::schedule_skipped);
}

// --- clients -------------------------------------------------------------------------------------

Result<std::string> Scheduler::set(json::View body) {
  auto existing = get(body);
  Schedule schedule;
  if (existing) {
    schedule = std::move(*existing);
  } else {
    auto count = step_.db.prepare("SELECT count(*) FROM job_schedules");
    count.step();
    if (count.int64(0) >= static_cast<std::int64_t>(kMaxSchedules)) {
      return Error{Code::too_many_requests, "too_many_schedules", "There are too many schedules",
                   "at most " + std::to_string(kMaxSchedules) + ": delete what nobody needs"};
    }
    schedule.name = body.find("name").as_string().value_or("");
    schedule.created_at = step_.now;
  }
  schedule.paused = body.find("paused").as_bool().value_or(schedule.paused);
  schedule.spec = body.find("spec").raw();
  schedule.next_at = schedule.paused ? std::nullopt : body.find("next_at").as_int();
  schedule.updated_at = step_.now;
  schedule.problem.clear();
  schedule.generation = step_.revision;
  drop_waiting(schedule);
  if (existing) {
    store(schedule);
  } else {
    insert_schedule(step_.db, schedule);
    step_.state.schedules.changed();
  }
  return reply(*find_schedule(step_.db, schedule.name));
}

Result<std::string> Scheduler::remove(json::View body) {
  WEIR_ASSIGN(const auto schedule, get(body));
  step_.db.prepare("DELETE FROM job_schedules WHERE id=?1").bind_all(schedule.id).run();
  step_.db.prepare("DELETE FROM job_schedule_runs WHERE schedule=?1").bind_all(schedule.id).run();
  step_.state.schedules.changed();
  json::Writer out(96);
  out.begin_object()
      .member("name", schedule.name)
      .member("deleted", true)
      .member("revision", step_.revision)
      .end_object();
  return out.take();
}

Result<std::string> Scheduler::pause(json::View body) {
  WEIR_ASSIGN(auto schedule, get(body));
  if (!schedule.paused) {
    schedule.paused = true;
    schedule.next_at.reset();
    schedule.updated_at = step_.now;
    schedule.generation = step_.revision;
    drop_waiting(schedule);
    store(schedule);
  }
  return reply(schedule);
}

Result<std::string> Scheduler::resume(json::View body) {
  WEIR_ASSIGN(auto schedule, get_unchanged(body));
  if (schedule.paused) {
    schedule.paused = false;
    schedule.next_at = body.find("next_at").as_int();
    schedule.updated_at = step_.now;
    schedule.generation = step_.revision;
    store(schedule);
  }
  return reply(schedule);
}

Result<std::string> Scheduler::trigger(json::View body) {
  WEIR_ASSIGN(auto schedule, get(body));
  const ScheduleRun run{
      .at = step_.now, .job = body.find("job").as_string().value_or(""), .run_at = {}};
  if (start(schedule, run, RunKind::trigger) == Started::refused) {
    return Error{Code::conflict, "run_refused", "The job of the schedule was refused",
                 schedule.problem};
  }
  store(schedule);
  json::Writer out(192);
  out.begin_object()
      .member("id", run.job)
      .member("schedule", schedule.name)
      .member("at", from_unix_ms(run.at))
      .member("queue", schedule.queue())
      .member("revision", step_.revision)
      .end_object();
  return out.take();
}

Result<std::string> Scheduler::backfill(json::View body) {
  WEIR_ASSIGN(auto schedule, get_unchanged(body));
  std::int64_t submitted = 0;
  std::int64_t known = 0;
  for (const auto text : body.find("runs").elements()) {
    switch (start(schedule, parse_run(text), RunKind::backfill)) {
      case Started::yes:
        ++submitted;
        break;
      case Started::known:
        ++known;
        break;
      case Started::refused:
        skip(schedule);
    }
  }
  store(schedule);
  json::Writer out(128);
  out.begin_object()
      .member("schedule", schedule.name)
      .member("submitted", submitted)
      .member("known", known);
  if (!schedule.problem.empty()) out.member("problem", schedule.problem);
  out.member("revision", step_.revision).end_object();
  return out.take();
}

// --- runs ----------------------------------------------------------------------------------------

bool Scheduler::is_over(const Schedule& schedule, json::View body) const {
  if (body.find("generation").as_int() != schedule.generation) return true;
  if (!schedule.next_at || body.find("from").as_int() != schedule.next_at) return true;
  if (body.find("until").as_int().value_or(step_.now + 1) > step_.now) return true;  // too early
  const auto next = body.find("next_at").as_int();
  return next && *next <= step_.now &&
         step_.now - body.find("as_of").as_int().value_or(0) > kFreshMs;
}

Result<std::string> Scheduler::fire(json::View body) {
  auto found = get(body);
  const bool over = !found || is_over(*found, body);
  if (!over) {
    Schedule& schedule = *found;
    for (const auto text : body.find("runs").elements()) start_due(schedule, parse_run(text));
    const auto missed = body.find("missed").as_int().value_or(0);
    schedule.missed += missed;
    step_.count(Total::schedule_missed, missed);
    schedule.next_at = body.find("next_at").as_int();
    store(schedule);
  }
  return std::string(over ? "{\"fired\":false}" : "{\"fired\":true}");
}

void Scheduler::start_due(Schedule& schedule, const ScheduleRun& run) {
  const auto overlap = schedule.overlap();
  if (overlap != Overlap::allow && (!schedule.waiting.empty() || has_running(schedule))) {
    if (overlap == Overlap::skip) return skip(schedule);
    if (overlap == Overlap::cancel_running) cancel_running(schedule);
    if (has_running(schedule)) return keep_waiting(schedule, run);
    drop_waiting(schedule);
  }
  if (start(schedule, run, RunKind::due) == Started::refused) skip(schedule);
}

void Scheduler::keep_waiting(Schedule& schedule, const ScheduleRun& run) {
  if (!schedule.waiting.empty() && schedule.overlap() == Overlap::buffer_one) return skip(schedule);
  drop_waiting(schedule);
  json::Writer out(96);
  write_run(out, run);
  schedule.waiting = out.take();
}

void Scheduler::drop_waiting(Schedule& schedule) {
  if (schedule.waiting.empty()) return;
  schedule.waiting.clear();
  skip(schedule);
}

// Rows follow the jobs' statuses at the end of an operation, so the jobs themselves are asked.
bool Scheduler::has_running(const Schedule& schedule) const {
  auto rows = step_.db.prepare(
      "SELECT 1 FROM job_schedule_runs AS r INDEXED BY job_schedule_runs_active"
      " JOIN jobs AS j ON j.row=r.job WHERE r.schedule=?1 AND r.active=1 AND j.status<4 LIMIT 1");
  rows.bind(1, schedule.id);
  return rows.step();
}

void Scheduler::cancel_running(const Schedule& schedule) {
  std::vector<std::string> ids;
  {
    auto rows = step_.db.prepare(
        "SELECT j.id FROM job_schedule_runs AS r INDEXED BY job_schedule_runs_active"
        " JOIN jobs AS j ON j.row=r.job WHERE r.schedule=?1 AND r.active=1 AND j.status<4"
        " ORDER BY r.at,r.job");
    rows.bind(1, schedule.id);
    while (rows.step()) ids.emplace_back(rows.text(0));
  }
  for (const auto& id : ids) {
    json::Writer out(96);
    out.begin_object().member("id", id).end_object();
    const auto body = out.take();
    // Only a job that ended in between refuses; then nothing is left to cancel.
    static_cast<void>(Manager(step_).cancel(json::View(body)));
  }
}

Scheduler::Started Scheduler::start(Schedule& schedule, const ScheduleRun& run, RunKind kind) {
  const auto text = job_text(schedule, run);
  const auto outcome = Submitter(step_).insert(parse_new_job(json::View(text)));
  if (!outcome) {
    schedule.problem = describe(outcome.error());
    return Started::refused;
  }
  if (outcome->duplicate) return Started::known;
  step_.follow(outcome->row, kScheduleBit);
  step_.db
      .prepare("INSERT INTO job_schedule_runs(schedule,at,job,kind,active) VALUES(?1,?2,?3,?4,1)")
      .bind_all(schedule.id, run.at, outcome->row, static_cast<std::int64_t>(kind))
      .run();
  ++schedule.runs;
  schedule.problem.clear();
  step_.count(Total::schedule_runs);
  if (kind == RunKind::backfill) return Started::yes;
  schedule.last_at = run.at;
  schedule.last_job = run.job;
  if (kind == RunKind::due) step_.count(Total::schedule_late_ms, step_.now - run.at);
  return Started::yes;
}

void Scheduler::follow(const Change& change) {
  if (!change.from) return;
  std::int64_t id = 0;
  bool active = false;
  {
    auto rows = step_.db.prepare("SELECT schedule,active FROM job_schedule_runs WHERE job=?1");
    rows.bind(1, change.row);
    if (!rows.step()) return;  // the schedule was deleted
    id = rows.int64(0);
    active = rows.int64(1) != 0;
  }
  const bool goes_on = change.to && !is_finished(*change.to);
  if (!change.to) {
    step_.db.prepare("DELETE FROM job_schedule_runs WHERE job=?1").bind_all(change.row).run();
  } else if (active != goes_on) {
    step_.db.prepare("UPDATE job_schedule_runs SET active=?2 WHERE job=?1")
        .bind_all(change.row, goes_on ? 1 : 0)
        .run();
  }
  if (goes_on || !active) return;
  auto schedule = load_schedule(step_.db, id);
  if (!schedule || schedule->waiting.empty() || has_running(*schedule)) return;
  const auto waited = std::move(schedule->waiting);
  schedule->waiting.clear();
  if (start(*schedule, parse_run(json::View(waited)), RunKind::due) == Started::refused) {
    skip(*schedule);
  }
  store(*schedule);
}

}  // namespace weir::jobs
