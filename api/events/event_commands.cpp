#include <algorithm>
#include <array>

#include "api/core/commands.hpp"
#include "api/events/event_feed.hpp"
#include "jobs/queries.hpp"
#include "pkg/json/writer.hpp"

namespace weir::api {
namespace {

using auth::Scope;
using jobs::EventPosition;

constexpr std::array<std::string_view, 16> kWords{
    "submitted", "scheduled",       "blocked",      "ready",          "started",  "completed",
    "failed",    "cancelled",       "retried",      "dead_lettered",  "released", "requeued",
    "removed",   "batch_succeeded", "batch_failed", "batch_cancelled"};

Result<std::vector<std::string>> words_of(const http::Request& request) {
  std::vector<std::string> words;
  std::string_view rest = request.query_value("type").value_or("");
  while (!rest.empty()) {
    const auto end = std::min(rest.find(','), rest.size());
    std::string_view word = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    constexpr std::string_view kPrefix = "weir.job.";
    if (word.starts_with(kPrefix)) word.remove_prefix(kPrefix.size());
    if (std::find(kWords.begin(), kWords.end(), word) == kWords.end()) {
      std::string known;
      for (const auto each : kWords) known.append(known.empty() ? "" : ", ").append(each);
      return bad_parameter("type", "a comma list of " + known);
    }
    words.emplace_back(word);
  }
  return words;
}

// Where to go on: Last-Event-ID of a client that lost its connection, or `since`.
Result<std::optional<EventPosition>> position_of(const http::Request& request) {
  auto text = request.header("last-event-id");
  if (text.empty()) text = request.query_value("since").value_or("");
  if (text.empty()) return std::optional<EventPosition>();
  const auto position = jobs::parse_event_position(text);
  if (!position) {
    return bad_parameter("since", "a revision like 812, or the id of an event like 812-3");
  }
  return std::optional(*position);
}

http::EventStream open_stream(const Call& call, replica::Revision revision) {
  http::EventStream::Options options;
  options.headers.emplace_back("Weir-Revision", std::to_string(revision));
  return call.open_stream(options);
}

void stream_all(Services& services, EventFeed& feed, const Call& call) {
  EventRequest request;
  auto words = words_of(call.request());
  if (!words) return call.fail(words.error());
  const auto after = position_of(call.request());
  if (!after) return call.fail(after.error());
  request.filter.queue = std::string(call.request().query_value("queue").value_or(""));
  request.filter.words = std::move(*words);
  request.after = *after;
  request.principal = call.principal_pointer();
  if (!request.filter.queue.empty()) {
    if (const auto allowed = call.check_queue(request.filter.queue); !allowed)
      return call.fail(allowed.error());
  }
  const auto revision = services.instance.read([&](sqlite::Database& db) -> Result<void> {
    if (request.after) WEIR_TRY(jobs::find_event_gap(db, request.filter.queue, *request.after));
    return {};
  });
  if (!revision) return call.fail(revision.error());
  feed.subscribe(std::move(request), open_stream(call, *revision));
}

// The job as it is now, for who did not see what came before.
std::string status_event(std::string_view job, replica::Revision revision) {
  const json::View view(job);
  const auto queue = view.find("queue").as_string().value_or("");
  json::Writer out(384);
  out.begin_object()
      .member("specversion", "1.0")
      .member("id", std::to_string(revision) + "-status")
      .member("source", "/v1/queues/" + queue)
      .member("type", "weir.job.status")
      .raw_member("subject", view.find("id").raw())
      .member("datacontenttype", "application/json")
      .key("data")
      .begin_object();
  for (const std::string_view name : {"queue", "type", "status", "attempt", "max_attempts",
                                      "priority", "worker", "progress", "error"}) {
    const auto value = view.find(name);
    if (!value.is_missing() && !value.is_null()) out.raw_member(name, value.raw());
  }
  out.member("revision", revision).end_object().end_object();
  return out.take();
}

bool is_finished(std::string_view job) {
  const auto word = json::View(job).find("status").as_string().value_or("");
  const auto status = jobs::parse_status(word);
  return status && jobs::is_finished(*status);
}

struct SeenJob {
  std::string text;
  std::string queue;
  bool kept = false;     // its queue records events
  bool nothing = false;  // no event is kept after the position
};

Result<SeenJob> look_at(const Call& call, sqlite::Database& db,
                        const std::optional<EventPosition>& after) {
  SeenJob seen;
  WEIR_ASSIGN(seen.text, jobs::get_job(db, call.param("id")));
  seen.queue = json::View(seen.text).find("queue").as_string().value_or("");
  WEIR_TRY(call.check_queue(seen.queue));
  if (!after) return seen;
  seen.kept = jobs::find_event_gap(db, seen.queue, *after).has_value();
  const jobs::EventFilter filter{.job = std::string(call.param("id"))};
  seen.nothing = jobs::read_events(db, filter, *after, 1).events.empty();
  return seen;
}

// Ends with the job. Without a position, or when nothing is kept, it begins with the job's status.
void stream_job(Services& services, EventFeed& feed, const Call& call) {
  const auto after = position_of(call.request());
  if (!after) return call.fail(after.error());
  SeenJob seen;
  const auto revision = services.instance.read([&](sqlite::Database& db) -> Result<void> {
    WEIR_ASSIGN(seen, look_at(call, db, *after));
    return {};
  });
  if (!revision) return call.fail(revision.error());
  const bool replays = *after && seen.kept;
  // A browser that comes back after the end is told to come no more (WHATWG HTML, 9.2.5).
  if (*after && is_finished(seen.text) && (!seen.kept || seen.nothing)) {
    return call.send({.status = 204, .body = ""});
  }
  const auto stream = open_stream(call, *revision);
  feed.subscribe({.filter = {.queue = replays ? seen.queue : "",
                             .job = std::string(call.param("id")),
                             .words = {}},
                  .after = replays ? *after : std::nullopt,
                  .principal = call.principal_pointer(),
                  .until_finished = true},
                 stream);
  if (replays) return;
  // Read again now that nothing can be missed any more.
  std::string job;
  const auto again = services.instance.read([&](sqlite::Database& db) -> Result<void> {
    WEIR_ASSIGN(job, jobs::get_job(db, call.param("id")));
    return {};
  });
  if (!again) return stream.finish();
  stream.send({.type = "weir.job.status", .data = status_event(job, *again)});
  if (is_finished(job)) stream.finish();
}

Command stream_command(std::string_view name, std::string_view path) {
  return {.name = name,
          .method = "GET",
          .path = path,
          .tag = "Events",
          .scope = Scope::jobs_read,
          .reads_state = true,
          .query = {{"since",
                     "go on after this revision (812) or event (812-3); the header Last-Event-ID "
                     "says the same and wins"}},
          .answers = {{200, "Server-Sent Events; each `data` is a CloudEvent 1.0.",
                       R"({"type":"string"})", "text/event-stream"}},
          .errors = {{Code::bad_request, "bad_parameter"},
                     {Code::unavailable, "too_many_streams"},
                     {Code::forbidden, "queue_not_allowed"}}};
}

}  // namespace

void add_event_commands(CommandTable& table, Services& services, EventFeed& feed) {
  Command all = stream_command("events.stream", "/v1/events");
  all.summary = "What happens to jobs, as it happens";
  all.description =
      "Live, for every queue the key may see. Queues with `events` on also keep their events: with "
      "a position those are replayed without a gap or a duplicate before the live ones. When some "
      "are not kept any more, an event of type `gap` says so.";
  all.query.push_back({"queue", "of this queue only"});
  all.query.push_back({"type", "comma list, such as completed,dead_lettered"});
  all.errors.push_back({Code::conflict, "events_not_kept"});
  all.handler = [&services, &feed](const Call& call) { stream_all(services, feed, call); };
  table.push_back(std::move(all));

  Command one = stream_command("jobs.events", "/v1/jobs/{id}/events");
  one.summary = "What happens to one job, until it has ended";
  one.description =
      "Begins with an event `weir.job.status` that shows the job as it is, unless events are "
      "replayed; ends after the event that ends the job.";
  one.answers.push_back({204, "The job has ended and the client has seen it."});
  one.errors.push_back({Code::not_found, "job_not_found"});
  one.handler = [&services, &feed](const Call& call) { stream_job(services, feed, call); };
  table.push_back(std::move(one));
}

}  // namespace weir::api
