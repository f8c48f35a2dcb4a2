// Log lines of jobs.
#include <charconv>

#include "api/core/commands.hpp"
#include "api/jobs/log_follow.hpp"
#include "jobs/limits.hpp"
#include "jobs/queries.hpp"
#include "jobs/step.hpp"

namespace weir::api {
namespace {

using auth::Scope;

constexpr std::int64_t kMostLines = 1'000'000'000'000;

Result<jobs::LogRequest> log_request(const http::Request& request) {
  jobs::LogRequest out;
  WEIR_ASSIGN(out.limit, query_int(request, "limit", out.limit, 1, jobs::kLogLinesKept));
  WEIR_ASSIGN(out.after, query_int(request, "cursor", 0, 0, kMostLines));
  if (request.query_value("attempt")) {
    WEIR_ASSIGN(out.attempt, query_int(request, "attempt", 1, 1, jobs::kMaxAttempts));
  }
  return out;
}

// Where a client that lost its stream goes on.
Result<std::int64_t> last_seen(const http::Request& request, std::int64_t cursor) {
  const auto text = request.header("last-event-id");
  if (text.empty()) return cursor;
  std::int64_t line = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), line);
  if (problem != std::errc{} || end != text.data() + text.size() || line < 0) {
    return bad_parameter("Last-Event-ID", "the number of a line");
  }
  return line;
}

Result<jobs::LogPage> visible_log(const Call& call, sqlite::Database& db,
                                  const jobs::LogRequest& request) {
  const auto id = call.param("id");
  const auto queue = jobs::find_queue_of(db, id);
  if (!queue) return jobs::job_not_found(id);
  WEIR_TRY(call.check_queue(*queue));
  return jobs::read_log(db, id, request);
}

void follow(Services& services, const Call& call, jobs::LogRequest request) {
  const auto after = last_seen(call.request(), request.after);
  if (!after) return call.fail(after.error());
  request.after = *after;
  jobs::LogPage page;
  const auto revision = services.instance.read([&](sqlite::Database& db) -> Result<void> {
    WEIR_ASSIGN(page, visible_log(call, db, request));
    return {};
  });
  if (!revision) return call.fail(revision.error());
  // A browser that comes back after the end is told to come no more (WHATWG HTML, 9.2.5).
  const bool again = !call.request().header("last-event-id").empty();
  if (again && page.ended && page.lines.empty()) return call.send({.status = 204, .body = ""});
  http::EventStream::Options options;
  options.headers.emplace_back("Weir-Revision", std::to_string(*revision));
  follow_log(services, std::string(call.param("id")), request, call.open_stream(options));
}

void logs(Services& services, const Call& call) {
  const auto request = log_request(call.request());
  if (!request) return call.fail(request.error());
  const auto follows = query_bool(call.request(), "follow");
  if (!follows) return call.fail(follows.error());
  if (*follows) return follow(services, call, *request);
  answer_read(services, call, [&](sqlite::Database& db) -> Result<std::string> {
    WEIR_TRY(visible_log(call, db, {.limit = 1}));
    return jobs::list_log(db, call.param("id"), *request);
  });
}

}  // namespace

void add_log_commands(CommandTable& table, Services& services) {
  table.push_back(
      {.name = "jobs.logs",
       .method = "GET",
       .path = "/v1/jobs/{id}/logs",
       .tag = "Jobs",
       .scope = Scope::jobs_read,
       .reads_state = true,
       .summary = "The log lines of a job, oldest first",
       .description =
           "What workers sent as `log` with their reports; the newest 1,000 lines of at most 256 "
           "KiB are kept. With `follow` the answer is a stream of Server-Sent Events: an event "
           "`log` for each line, the kept ones first, then an event `end` when the job has ended; "
           "the header Last-Event-ID is the line to go on after.",
       .query = {{"limit", "lines on a page",
                  R"({"type":"integer","minimum":1,"maximum":1000,"default":100})"},
                 {"cursor", "next_cursor of the page before, or the number of a line"},
                 {"attempt", "of this attempt only", R"({"type":"integer","minimum":1})"},
                 {"follow", "stream the lines as they come", R"({"type":"boolean"})"}},
       .answers = {{200, "A page, or a stream.", R"({"$ref":"#/components/schemas/JobLog"})"},
                   {204, "To follow: the job has ended and the client has seen it."}},
       .errors = {{Code::not_found, "job_not_found"},
                  {Code::bad_request, "bad_parameter"},
                  {Code::unavailable, "too_many_streams"},
                  {Code::forbidden, "queue_not_allowed"}},
       .handler = [&services](const Call& call) { logs(services, call); }});
}

}  // namespace weir::api
