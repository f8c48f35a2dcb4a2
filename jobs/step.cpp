#include "jobs/step.hpp"

#include "jobs/events.hpp"
#include "jobs/expiry.hpp"
#include "jobs/own_retention.hpp"
#include "jobs/redrives.hpp"
#include "jobs/schema.hpp"
#include "jobs/webhooks.hpp"
#include "pkg/base/assert.hpp"

namespace weir::jobs {
namespace {

// job_totals.kind of State::next_row; the totals use their own numbers.
constexpr std::int64_t kNextRowKind = 1'000;

}  // namespace

void State::load(sqlite::Database& db) {
  totals = {};
  next_row = 1;
  changes = revision = releases_owed = 0;
  {
    auto rows = db.prepare("SELECT count(*) FROM job_releases WHERE parent>0");
    if (rows.step()) releases_owed = rows.int64(0);
  }
  {
    auto rows = db.prepare("SELECT kind,count FROM job_totals ORDER BY kind");
    while (rows.step()) {
      const auto kind = rows.int64(0);
      if (kind == kNextRowKind) {
        next_row = rows.int64(1);
      } else if (kind < static_cast<std::int64_t>(kTotalCount)) {
        totals[static_cast<std::size_t>(kind)] = rows.int64(1);
      }
    }
  }
  saved_totals_ = totals;
  saved_next_row_ = next_row;
  queues.load(db);
  workers.load(db);
  leases.load(db, queues, workers);
  queues.place_lanes();
  waiters.load(db);
  events.load(db);
  webhooks.load(db);
  next_expiry = first_expiry(db);
  next_retention = first_retention(db);
  next_redrive = first_redrive(db);
  schedules.load(db);
  batches.load(db);
  // A waiter that was there before the restart is not forgotten when its token comes.
  for (const auto& [id, queue] : queues.all()) {
    if (queue->config.has_rate() && waiters.has(queue->name)) queue->wake_at = 0;
  }
}

void State::save(sqlite::Database& db) {
  queues.save(db);
  workers.save(db);
  events.save(db);
  schedules.save(db);
  batches.save(db);
  auto write = db.prepare("INSERT OR REPLACE INTO job_totals(kind,count) VALUES(?1,?2)");
  for (std::size_t i = 0; i < kTotalCount; ++i) {
    if (totals[i] == saved_totals_[i]) continue;
    write.bind_all(static_cast<std::int64_t>(i), totals[i]).run();
  }
  if (next_row != saved_next_row_) write.bind_all(kNextRowKind, next_row).run();
  saved_totals_ = totals;
  saved_next_row_ = next_row;
}

void Step::change(const Change& change, std::string_view key) {
  state.queues.transition(change.queue, change.from, change.to, change.cause, change.priority,
                          change.at);
  if ((change.parts & kKeyed) != 0) change_lane(change, key);
  if ((change.parts & kTargeted) != 0) change_target(change);
  if ((change.parts & kFollowed) != 0) changes.push_back(change);
  ++state.changes;
  if (context.trail != nullptr) mix(change);
  const bool hooked = (change.parts & kHookedBit) != 0;
  if (listened || hooked || change.queue.config.notes_changes()) note(change);
}

void Step::mix(const Change& change) {
  const auto number = [](const std::optional<Status>& status) {
    return status ? 1U + static_cast<std::uint64_t>(*status) : 0U;
  };
  context.trail->mix(static_cast<std::uint64_t>(change.row));
  context.trail->mix(number(change.from) << 8U | number(change.to));
  context.trail->mix(static_cast<std::uint64_t>(change.at));
}

void Step::note(const Change& change) {
  const auto word = event_word(change);
  if (word.empty()) return;
  if (!listened && !change.queue.config.events && !wants_webhook(change, word)) return;
  noted.push_back({change, state.changes, change.to ? std::nullopt : load_job(db, change.row), {}});
}

void Step::change_lane(const Change& change, std::string_view key) {
  const auto counted = [](std::optional<Status> status) {
    return status == Status::unprocessed || status == Status::processing;
  };
  if (!counted(change.from) && !counted(change.to)) return;
  const auto move = [&](std::string_view lane) {
    state.queues.move_lane(change.queue, lane, change.from, change.to, change.priority, now);
  };
  if (!key.empty()) return move(key);
  auto rows = db.prepare("SELECT key FROM jobs WHERE row=?1");
  rows.bind_all(change.row);
  WEIR_ASSERT(rows.step());
  move(rows.text(0));
}

void Step::change_target(const Change& change) {
  const bool came = change.to == Status::unprocessed;
  if (came == (change.from == Status::unprocessed)) return;
  auto rows = db.prepare("SELECT target FROM jobs WHERE row=?1");
  rows.bind_all(change.row);
  WEIR_ASSERT(rows.step());
  QueueBook::count_target(change.queue, rows.text(0), came ? 1 : -1);
}

void Step::follow(std::int64_t row, std::int64_t bit) {
  db.prepare("UPDATE jobs SET parts=parts|?2 WHERE row=?1").bind_all(row, bit).run();
  if (Lease* lease = state.leases.find(row)) lease->followed |= bit;
}

Error job_not_found(std::string_view id) {
  return Error{Code::not_found, "job_not_found", "There is no such job", std::string(id)};
}

Error queue_not_found(std::string_view name) {
  return Error{Code::not_found, "queue_not_found", "There is no such queue", std::string(name)};
}

Error lease_lost() {
  return Error{Code::conflict, "lease_lost", "The lease is not valid any more",
               "it expired, was given back, or the job has ended: drop the work, lease again"};
}

}  // namespace weir::jobs
