// Requests of schedules.
#include <algorithm>

#include "jobs/job_request.hpp"
#include "jobs/requests.hpp"
#include "jobs/schedule.hpp"
#include "pkg/base/time_text.hpp"

namespace weir::jobs {
namespace {

constexpr std::string_view kInvalid = "invalid_schedule";

Result<void> check_name(std::string_view name) {
  if (is_valid_name(name) && name.size() <= kMaxScheduleNameBytes) return {};
  FieldErrors errors;
  errors.invalid("name", "must have 1 to " + std::to_string(kMaxScheduleNameBytes) +
                             " of the characters A-Z a-z 0-9 . _ - and no dot at an end or beside "
                             "another dot");
  return errors.error(kInvalid, "The schedule is not valid");
}

// Operations that need no more than the name.
Result<replica::Operation> on_schedule(std::string_view operation, std::string_view name) {
  if (!check_name(name)) return schedule_not_found(name.substr(0, kMaxScheduleNameBytes));
  return replica::Operation{std::string(operation), one_member("name", name)};
}

// cron or every, and the time zone.
void write_rule(Fields& fields, json::View body, json::Writer& out) {
  const auto cron = fields.text("cron", kMaxCronBytes);
  const auto interval =
      fields.duration_ms("every", cron::kShortestInterval, cron::kLongestInterval);
  const auto zone = fields.text("time_zone", kMaxTimeZoneBytes);
  if (fields.has("cron") == fields.has("every")) {
    return fields.complain("cron", "or every is required, not both");
  }
  if (cron) {
    const auto known = cron::Zone::find(zone.value_or("UTC"));
    if (!known) fields.complain("time_zone", known.error().details);
    const auto timing = cron::Timing::from_cron(*cron, "UTC", {});
    if (!timing) fields.complain("cron", timing.error().details);
    out.member("cron", *cron).member("time_zone", zone.value_or("UTC"));
  } else if (interval) {
    if (zone) fields.complain("time_zone", "belongs to cron: an interval knows none");
    const auto timing = cron::Timing::from_interval(Millis(*interval), {});
    if (!timing) fields.complain("every", timing.error().details);
    out.raw_member("every", body.find("every").raw()).member("every_ms", *interval);
  }
}

void write_bounds(Fields& fields, json::Writer& out) {
  const auto start = fields.time_ms("start_at");
  const auto end = fields.time_ms("end_at");
  if (start) out.member("start_at", *start);
  if (end) out.member("end_at", *end);
  if (start && end && *end < *start) fields.complain("end_at", "must not be before start_at");
}

void write_policies(Fields& fields, json::Writer& out) {
  const auto overlap = fields.text("overlap", 32).value_or("allow");
  if (!parse_overlap(overlap)) {
    fields.complain("overlap",
                    "must be allow, skip, buffer_one or cancel_running, not \"" + overlap + "\"");
  }
  out.member("overlap", overlap);
  const auto catchup = fields.text("catchup", 32).value_or("last");
  if (!parse_catchup(catchup)) {
    fields.complain("catchup", "must be none, last or all, not \"" + catchup + "\"");
  }
  out.member("catchup", catchup);
  const auto most = fields.integer("catchup_max", 1, kMaxCatchup);
  if (most && catchup != "all") fields.complain("catchup_max", "belongs to catchup all");
  if (catchup == "all") out.member("catchup_max", most.value_or(kDefaultCatchup));
  const auto jitter = fields.duration_ms("jitter_ms", 0ms, kMaxJitter);
  if (jitter && *jitter > 0) out.member("jitter_ms", *jitter);
}

void write_job(Fields& fields, const JobRequestOptions& options, json::Writer& out) {
  const auto job = fields.object("job");
  if (job.is_missing()) {
    if (!fields.has("job")) fields.complain("job", "is required");
    return;
  }
  if (job.raw().size() > kMaxScheduleJobBytes) {
    return fields.complain_too_large("job",
                                     "must have at most " + std::to_string(kMaxScheduleJobBytes) +
                                         " bytes as JSON, not " + std::to_string(job.raw().size()));
  }
  out.key("job");
  write_job_template(fields.errors(), job, fields.path("job"), options, out);
}

void member_next(json::Writer& out, std::optional<Timestamp> next) {
  if (next) out.member("next_at", to_unix_ms(*next));
}

}  // namespace

Result<replica::Operation> Requests::schedule_set(std::string_view name, json::View body,
                                                  Timestamp now) const {
  WEIR_TRY(check_name(name));
  FieldErrors errors;
  Fields fields(errors, body);
  json::Writer spec(body.raw().size() + 256);
  spec.begin_object();
  write_rule(fields, body, spec);
  write_bounds(fields, spec);
  write_policies(fields, spec);
  write_job(fields, job_options(), spec);
  const auto paused = fields.boolean("paused");
  fields.finish();
  spec.end_object();
  const auto text = spec.take();
  json::Writer out(text.size() + 128);
  out.begin_object().member("name", name).raw_member("spec", text);
  if (paused) out.member("paused", *paused);
  if (errors.empty()) {
    WEIR_ASSIGN(const auto timing, timing_of(json::View(text)));
    const auto next = timing.next(now);
    if (!next) errors.invalid("end_at", "no run comes before it");
    member_next(out, next);
  }
  out.end_object();
  return finish_request(errors, kInvalid, "jobs.schedule_set", out.take(),
                        options_.max_operation_bytes);
}

Result<replica::Operation> Requests::schedule_remove(std::string_view name) const {
  return on_schedule("jobs.schedule_remove", name);
}

Result<replica::Operation> Requests::schedule_pause(std::string_view name) const {
  return on_schedule("jobs.schedule_pause", name);
}

Result<replica::Operation> Requests::schedule_trigger(std::string_view name) const {
  WEIR_ASSIGN(auto operation, on_schedule("jobs.schedule_trigger", name));
  json::Writer out(128);
  out.begin_object().member("name", name).member("job", ids_.next()).end_object();
  operation.body = out.take();
  return operation;
}

Result<replica::Operation> Requests::schedule_resume(sqlite::Database& db, std::string_view name,
                                                     Timestamp now) {
  const auto schedule = find_schedule(db, name);
  if (!schedule) return schedule_not_found(name);
  WEIR_ASSIGN(const auto timing, timing_of(json::View(schedule->spec)));
  json::Writer out(128);
  out.begin_object().member("name", name).member("generation", schedule->generation);
  member_next(out, timing.next(now));
  out.end_object();
  return replica::Operation{"jobs.schedule_resume", out.take()};
}

Result<replica::Operation> Requests::schedule_backfill(sqlite::Database& db, std::string_view name,
                                                       json::View body, Timestamp now) {
  const auto schedule = find_schedule(db, name);
  if (!schedule) return schedule_not_found(name);
  FieldErrors errors;
  Fields fields(errors, body);
  const auto read = [&](std::string_view field) {
    const auto time = fields.time_ms(field);
    if (!fields.has(field)) fields.complain(field, "is required");
    if (time && *time > to_unix_ms(now)) fields.complain(field, "must not be in the future");
    return from_unix_ms(time.value_or(0));
  };
  const Timestamp from = read("from");
  const Timestamp to = read("to");
  if (errors.empty() && to < from) fields.complain("to", "must not be before from");
  fields.finish();
  if (!errors.empty()) return errors.error("invalid_request", "The request is not valid");
  WEIR_ASSIGN(const auto timing, timing_of(json::View(schedule->spec)));
  const auto runs = timing.list(from - Millis{1}, to, kMaxBackfill + 1);
  if (runs.size() > kMaxBackfill) {
    return Error{Code::invalid, "backfill_too_large", "There are too many runs in this time",
                 "at most " + std::to_string(kMaxBackfill) + " in one request: up to " +
                     format_rfc3339(runs[kMaxBackfill - 1]) + " they are that many"};
  }
  json::Writer out(128 + runs.size() * 96);
  out.begin_object()
      .member("name", name)
      .member("generation", schedule->generation)
      .key("runs")
      .begin_array();
  for (const auto at : runs) {
    auto run = make_run(*schedule, at);
    run.run_at.reset();  // the jitter is over too
    write_run(out, run);
  }
  out.end_array().end_object();
  return replica::Operation{"jobs.schedule_backfill", out.take()};
}

}  // namespace weir::jobs
