#include "jobs/event_query.hpp"

#include <algorithm>
#include <charconv>

#include "jobs/schema.hpp"
#include "jobs/step.hpp"

namespace weir::jobs {
namespace {

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

constexpr std::string_view kAll =
    "SELECT e.revision,e.ordinal,q.name,e.type,e.event FROM job_events e"
    " LEFT JOIN job_queues q ON q.id=e.queue"
    " WHERE (e.revision,e.ordinal)>(?1,?2) ORDER BY e.revision,e.ordinal LIMIT ?3";
constexpr std::string_view kOfJob =
    "SELECT e.revision,e.ordinal,q.name,e.type,e.event FROM job_events e"
    " LEFT JOIN job_queues q ON q.id=e.queue WHERE e.job=?4"
    " AND (e.revision,e.ordinal)>(?1,?2) ORDER BY e.revision,e.ordinal LIMIT ?3";

std::int64_t events_dropped(sqlite::Database& db) {
  auto rows = db.prepare("SELECT count FROM job_totals WHERE kind=?1");
  rows.bind_all(kEventsDroppedKind);
  return rows.step() ? rows.int64(0) : 0;
}

}  // namespace

std::optional<EventPosition> parse_event_position(std::string_view text) {
  EventPosition position;
  const auto dash = text.find('-');
  const auto revision = parse_number(text.substr(0, dash));
  if (!revision) return std::nullopt;
  position.revision = *revision;
  if (dash == std::string_view::npos) return position;
  const auto ordinal = parse_number(text.substr(dash + 1));
  if (!ordinal) return std::nullopt;
  position.ordinal = *ordinal;
  return position;
}

bool EventFilter::takes_word(std::string_view word) const {
  return words.empty() || std::find(words.begin(), words.end(), word) != words.end();
}

EventPage read_events(sqlite::Database& db, const EventFilter& filter, EventPosition after,
                      std::int64_t limit) {
  EventPage page;
  page.through = after;
  auto rows = db.prepare(filter.job.empty() ? kAll : kOfJob);
  rows.bind_all(after.revision, after.ordinal, limit);
  if (!filter.job.empty()) rows.bind(4, filter.job);
  std::int64_t looked_at = 0;
  while (rows.step()) {
    ++looked_at;
    page.through = {rows.int64(0), rows.int64(1)};
    if (!filter.queue.empty() && rows.text(2) != filter.queue) continue;
    if (!filter.takes_word(rows.text(3))) continue;
    page.events.push_back({.position = page.through,
                           .queue = std::string(rows.text(2)),
                           .word = std::string(rows.text(3)),
                           .text = std::string(rows.text(4))});
  }
  page.more = looked_at == limit;
  return page;
}

Result<std::optional<EventGap>> find_event_gap(sqlite::Database& db, std::string_view queue,
                                               EventPosition after) {
  std::int64_t oldest = events_dropped(db);
  if (!queue.empty()) {
    auto rows = db.prepare(
        "SELECT s.since FROM job_event_queues s JOIN job_queues q ON q.id=s.queue"
        " WHERE q.name=?1");
    rows.bind(1, queue);
    if (!rows.step()) {
      return Error{Code::conflict, "events_not_kept", "The queue does not record its events",
                   "set `events` to true in its configuration, or ask without a position for what "
                   "happens from now on"};
    }
    oldest = std::max(oldest, rows.int64(0));
  }
  const bool partly = after.revision == oldest && after.ordinal != EventPosition::kWholeRevision &&
                      oldest == events_dropped(db);
  if (after.revision >= oldest && !partly) return std::optional<EventGap>();
  return std::optional(EventGap{oldest + 1});
}

Result<std::string> get_job_queue(sqlite::Database& db, std::string_view id) {
  auto rows =
      db.prepare("SELECT q.name FROM jobs j JOIN job_queues q ON q.id=j.queue WHERE j.id=?1");
  rows.bind(1, id);
  if (!rows.step()) return job_not_found(id);
  return std::string(rows.text(0));
}

}  // namespace weir::jobs
