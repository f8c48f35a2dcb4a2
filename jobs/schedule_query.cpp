// Queries about schedules and their runs.
#include <charconv>
#include <limits>
#include <vector>

#include "jobs/queries.hpp"
#include "jobs/query_parts.hpp"
#include "jobs/schedule.hpp"

namespace weir::jobs {
namespace {

Error bad_field(const std::string& field, const std::string& problem) {
  return Error{Code::invalid,
               "invalid_request",
               "The request is not valid",
               field + " " + problem,
               {{field, problem}}};
}

Result<void> check_limit(std::int64_t limit) {
  if (limit >= 1 && limit <= 1'000) return {};
  return bad_field("limit", "must be 1 to 1000");
}

Result<Schedule> get(sqlite::Database& db, std::string_view name) {
  auto schedule = find_schedule(db, name);
  if (!schedule) return schedule_not_found(name);
  return std::move(*schedule);
}

// "<at>.<job row>" of the last run of a page.
struct RunCursor {
  std::int64_t at;
  std::int64_t job;
};

Result<RunCursor> parse_cursor(std::string_view text) {
  constexpr auto kLast = std::numeric_limits<std::int64_t>::max();
  if (text.empty()) return RunCursor{kLast, kLast};
  RunCursor out{};
  const char* end = text.data() + text.size();
  const auto at = std::from_chars(text.data(), end, out.at);
  if (at.ec == std::errc{} && at.ptr != end && *at.ptr == '.') {
    const auto job = std::from_chars(at.ptr + 1, end, out.job);
    if (job.ec == std::errc{} && job.ptr == end) return out;
  }
  return bad_field("cursor", "must be next_cursor of the page before");
}

}  // namespace

Result<std::string> list_schedules(sqlite::Database& db, std::int64_t limit,
                                   std::string_view cursor) {
  WEIR_TRY(check_limit(limit));
  std::vector<std::int64_t> ids;
  {
    auto rows = db.prepare("SELECT id FROM job_schedules WHERE name>?1 ORDER BY name LIMIT ?2");
    rows.bind_all(cursor, limit + 1);
    while (rows.step()) ids.push_back(rows.int64(0));
  }
  const bool more = ids.size() > static_cast<std::size_t>(limit);
  if (more) ids.pop_back();
  json::Writer out(1'024);
  out.begin_object().key("items").begin_array();
  std::string last;
  for (const auto id : ids) {
    const auto schedule = *load_schedule(db, id);
    write_schedule(out, db, schedule);
    out.end_object();
    last = schedule.name;
  }
  out.end_array();
  member_text(out, "next_cursor", more ? last : "");
  out.end_object();
  return out.take();
}

Result<std::string> get_schedule(sqlite::Database& db, std::string_view name, std::size_t upcoming,
                                 Timestamp now) {
  WEIR_ASSIGN(const auto schedule, get(db, name));
  json::Writer out(1'024);
  write_schedule(out, db, schedule);
  if (upcoming > 0) {
    WEIR_ASSIGN(const auto timing, timing_of(json::View(schedule.spec)));
    out.key("next_runs").begin_array();
    for (const auto at : timing.list(now, Timestamp::max(), upcoming)) out.value(at);
    out.end_array();
  }
  out.end_object();
  return out.take();
}

Result<std::string> schedule_queue(sqlite::Database& db, std::string_view name) {
  WEIR_ASSIGN(const auto schedule, get(db, name));
  return schedule.queue();
}

Result<std::string> list_schedule_runs(sqlite::Database& db, std::string_view name,
                                       std::int64_t limit, std::string_view cursor) {
  WEIR_TRY(check_limit(limit));
  WEIR_ASSIGN(const auto before, parse_cursor(cursor));
  WEIR_ASSIGN(const auto schedule, get(db, name));
  json::Writer out(1'024);
  out.begin_object().key("items").begin_array();
  auto rows = db.prepare(
      "SELECT r.at,r.job,r.kind,j.id,j.status,j.created_at,j.started_at,j.finished_at"
      " FROM job_schedule_runs AS r JOIN jobs AS j ON j.row=r.job"
      " WHERE r.schedule=?1 AND (r.at,r.job)<(?2,?3) ORDER BY r.at DESC,r.job DESC LIMIT ?4");
  rows.bind_all(schedule.id, before.at, before.job, limit + 1);
  std::string last;
  std::int64_t count = 0;
  bool more = false;
  while (rows.step()) {
    if (count++ == limit) {
      more = true;
      break;
    }
    last = std::to_string(rows.int64(0)) + "." + std::to_string(rows.int64(1));
    out.begin_object()
        .member("at", from_unix_ms(rows.int64(0)))
        .member("kind", to_string(static_cast<RunKind>(rows.int64(2))))
        .member("id", rows.text(3))
        .member("status", to_string(static_cast<Status>(rows.int64(4))))
        .member("created_at", from_unix_ms(rows.int64(5)));
    member_time(out, "started_at", rows.optional_int64(6));
    member_time(out, "finished_at", rows.optional_int64(7));
    out.end_object();
  }
  out.end_array();
  member_text(out, "next_cursor", more ? last : "");
  out.end_object();
  return out.take();
}

}  // namespace weir::jobs
