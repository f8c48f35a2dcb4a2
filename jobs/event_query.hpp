// Reading the durable record of lifecycle events. On a read snapshot, any thread.
// sqlite::Failure passes through, as in jobs/queries.hpp.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

// After which event to go on. A whole revision has the largest ordinal.
struct EventPosition {
  static constexpr std::int64_t kWholeRevision = std::numeric_limits<std::int64_t>::max();
  std::int64_t revision = 0;
  std::int64_t ordinal = kWholeRevision;
  auto operator<=>(const EventPosition&) const = default;
};
// "812" (everything up to that revision was seen) or "812-3" (that event was seen), as event ids
// and Last-Event-ID have it.
std::optional<EventPosition> parse_event_position(std::string_view text);

struct EventFilter {
  std::string queue = {};               // empty: all
  std::string job = {};                 // empty: all
  std::vector<std::string> words = {};  // "completed"; empty: all
  bool takes_word(std::string_view word) const;
};

struct KeptEvent {
  EventPosition position;
  std::string queue;
  std::string word;
  std::string text;  // the CloudEvent
};

struct EventPage {
  std::vector<KeptEvent> events;
  EventPosition through;  // everything up to here was looked at
  bool more = false;
};
// The next events after `after`; looks at up to `limit` rows.
EventPage read_events(sqlite::Database& db, const EventFilter& filter, EventPosition after,
                      std::int64_t limit);

// What of a replay from `after` cannot be given any more, if anything: from `oldest` on it can.
struct EventGap {
  std::int64_t oldest_revision;
};
// Error: conflict / events_not_kept: the queue does not record its events.
Result<std::optional<EventGap>> find_event_gap(sqlite::Database& db, std::string_view queue,
                                               EventPosition after);

// The queue of a job. Error: not_found / job_not_found.
Result<std::string> get_job_queue(sqlite::Database& db, std::string_view id);

}  // namespace weir::jobs
