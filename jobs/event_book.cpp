#include "jobs/event_book.hpp"

#include <limits>

#include "jobs/schema.hpp"

namespace weir::jobs {
namespace {

constexpr std::int64_t kDropBatch = 256;
constexpr std::int64_t kAnyTime = std::numeric_limits<std::int64_t>::max();

}  // namespace

void EventBook::load(sqlite::Database& db) {
  count_ = dropped_ = oldest_ = 0;
  {
    auto rows = db.prepare("SELECT count(*) FROM job_events WHERE revision>0");
    rows.step();
    count_ = rows.int64(0);
  }
  {
    auto rows = db.prepare("SELECT count FROM job_totals WHERE kind=?1");
    rows.bind_all(kEventsDroppedKind);
    if (rows.step()) dropped_ = rows.int64(0);
  }
  saved_ = dropped_;
  auto rows =
      db.prepare("SELECT at FROM job_events WHERE revision>0 ORDER BY revision,ordinal LIMIT 1");
  if (rows.step()) oldest_ = rows.int64(0);
}

void EventBook::save(sqlite::Database& db) {
  if (dropped_ == saved_) return;
  db.prepare("INSERT OR REPLACE INTO job_totals(kind,count) VALUES(?1,?2)")
      .bind_all(kEventsDroppedKind, dropped_)
      .run();
  saved_ = dropped_;
}

void EventBook::keep(sqlite::Database& db, const EventRow& event) {
  db.prepare(
        "INSERT INTO job_events(revision,ordinal,queue,at,type,job,event)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7)")
      .bind_all(event.revision, event.ordinal, event.queue, event.at, event.type, event.job,
                event.text)
      .run();
  if (count_++ == 0) oldest_ = event.at;
  if (count_ >= kMaxEventsKept + kDropBatch) drop(db, kAnyTime, kDropBatch);
}

std::int64_t EventBook::drop_old(sqlite::Database& db, std::int64_t now, std::int64_t limit) {
  const auto until = now - kEventsKept.count();
  if (count_ == 0 || oldest_ > until) return 0;
  return drop(db, until, limit);
}

std::int64_t EventBook::next_due() const {
  return count_ == 0 ? kAnyTime : oldest_ + kEventsKept.count();
}

// From the oldest on: the log's time never goes back, so the oldest come first.
std::int64_t EventBook::drop(sqlite::Database& db, std::int64_t until, std::int64_t limit) {
  std::int64_t rows_dropped = 0;
  std::int64_t revision = 0;
  std::int64_t ordinal = 0;
  {
    auto rows = db.prepare(
        "SELECT revision,ordinal,at FROM job_events WHERE revision>0"
        " ORDER BY revision,ordinal LIMIT ?1");
    rows.bind_all(limit);
    while (rows.step() && rows.int64(2) <= until) {
      revision = rows.int64(0);
      ordinal = rows.int64(1);
      ++rows_dropped;
    }
  }
  if (rows_dropped > 0) {
    db.prepare("DELETE FROM job_events WHERE (revision,ordinal)<=(?1,?2)")
        .bind_all(revision, ordinal)
        .run();
    dropped_ = revision;
    count_ -= rows_dropped;
  }
  auto first =
      db.prepare("SELECT at FROM job_events WHERE revision>0 ORDER BY revision,ordinal LIMIT 1");
  oldest_ = first.step() ? first.int64(0) : 0;
  return rows_dropped;
}

void EventBook::begin(sqlite::Database& db, std::int64_t queue, std::int64_t revision) {
  db.prepare("INSERT OR IGNORE INTO job_event_queues(queue,since) VALUES(?1,?2)")
      .bind_all(queue, revision)
      .run();
}

void EventBook::end(sqlite::Database& db, std::int64_t queue) {
  db.prepare("DELETE FROM job_event_queues WHERE queue=?1").bind_all(queue).run();
}

}  // namespace weir::jobs
