// EventBook: the durable record of lifecycle events (table job_events), bounded by count and age.
// Queues whose config has `events` write into it; everything else about events is in
// jobs/events.hpp.
//
// Thread rule: the applier thread only. Mirrors the tables: load() rebuilds it.
#pragma once

#include <cstdint>
#include <string_view>

#include "jobs/limits.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

struct EventRow {
  std::int64_t revision;
  std::int64_t ordinal;  // of the change within its entry, from 1
  std::int64_t queue;
  std::int64_t at;  // unix ms
  std::string_view type;
  std::string_view job;
  std::string_view text;
};

class EventBook {
 public:
  void load(sqlite::Database& db);
  void save(sqlite::Database& db);

  // Keeps the event, and drops the oldest beyond kMaxEventsKept.
  void keep(sqlite::Database& db, const EventRow& event);
  // Drops what is older than kEventsKept, at most `limit` rows. How many.
  std::int64_t drop_old(sqlite::Database& db, std::int64_t now, std::int64_t limit);
  std::int64_t next_due() const;  // unix ms, kNever when nothing is kept

  // The queue records its events from `revision` on, or no more.
  static void begin(sqlite::Database& db, std::int64_t queue, std::int64_t revision);
  static void end(sqlite::Database& db, std::int64_t queue);

 private:
  std::int64_t drop(sqlite::Database& db, std::int64_t until, std::int64_t limit);

  std::int64_t count_ = 0;
  std::int64_t oldest_ = 0;   // time of the oldest row, when there is one
  std::int64_t dropped_ = 0;  // revision of the newest row that was dropped
  std::int64_t saved_ = 0;    // dropped_ in the tables
};

}  // namespace weir::jobs
