#include "jobs/queue_book.hpp"

#include "jobs/schema.hpp"

#include "pkg/base/assert.hpp"

namespace weir::jobs {
namespace {

void count(QueueTotals& totals, QueueTotal total) {
  ++totals[static_cast<std::size_t>(total)];
}

void count_cause(QueueTotals& totals, Cause cause, std::optional<Status> to) {
  switch (cause) {
    case Cause::submit:
      return count(totals, QueueTotal::submitted);
    case Cause::lease:
      return count(totals, QueueTotal::leased);
    case Cause::complete:
      return count(totals, QueueTotal::completed);
    case Cause::fail:
      count(totals, QueueTotal::failed_attempts);
      if (to == Status::dlq) count(totals, QueueTotal::dead);
      return;
    default:
      return;
  }
}

}  // namespace

void QueueBook::load(sqlite::Database& db) {
  by_id_.clear();
  by_name_.clear();
  counts_ = {};
  dirty_.clear();
  made_ready_.clear();
  changed_.clear();
  removed_.clear();
  all_changed_ = true;
  next_turn_ = concurrency_ = 0;
  room_came_ = false;
  auto rows = db.prepare("SELECT id,name,paused,created_at,config FROM job_queues ORDER BY id");
  while (rows.step()) {
    Queue& queue = add(rows.int64(0), rows.text(1));
    queue.paused = rows.int64(2) != 0;
    queue.created_at = rows.int64(3);
    queue.config = parse_queue_config(json::View(rows.text(4)));
  }
  load_counts(db);
  saved_counts_ = counts_;
  saved_next_turn_ = next_turn_;
  saved_concurrency_ = concurrency_;
  load_lanes(db);
  load_targets(db);
  for (auto& [id, queue] : by_id_) refresh_due(db, *queue);
}

void QueueBook::load_lanes(sqlite::Database& db) {
  for (auto& [id, queue] : by_id_) {
    {
      auto rows = db.prepare("SELECT 1 FROM job_lanes WHERE queue=?1 LIMIT 1");
      rows.bind_all(id);
      if (!rows.step()) continue;
    }
    lanes_of(*queue).load(db);
  }
}

void QueueBook::load_targets(sqlite::Database& db) {
  auto rows = db.prepare(
      "SELECT target,count(*) FROM jobs INDEXED BY jobs_ready"
      " WHERE status=2 AND queue=?1 AND target>'' GROUP BY target");
  for (auto& [id, queue] : by_id_) {
    if (queue->count(Status::unprocessed) == 0) continue;
    rows.bind_all(id);
    while (rows.step()) queue->targets.emplace(rows.text(0), rows.int64(1));
    rows.run();
  }
}

void QueueBook::place_lanes() {
  for (auto& [id, queue] : by_id_) {
    if (queue->lanes) queue->lanes->configure(queue->config.per_key, false);
  }
}

LaneRing& QueueBook::lanes_of(Queue& queue) {
  if (!queue.lanes) queue.lanes = std::make_unique<LaneRing>(queue.id, next_turn_);
  return *queue.lanes;
}

void QueueBook::load_counts(sqlite::Database& db) {
  auto rows = db.prepare("SELECT queue,kind,count FROM job_counts ORDER BY queue,kind");
  while (rows.step()) {
    if (rows.int64(0) == kAllQueues) {  // the other kinds: sums of all queues
      if (rows.int64(1) == kTurnKind) next_turn_ = rows.int64(2);
      if (rows.int64(1) == kConcurrencyKind) concurrency_ = rows.int64(2);
      continue;
    }
    Queue& queue = get(rows.int64(0));
    const auto kind = static_cast<std::size_t>(rows.int64(1));
    const auto count = rows.int64(2);
    if (kind < kStatusCount) {
      queue.counts[kind] = queue.saved_counts_[kind] = count;
      counts_[kind] += count;
    } else if (kind == kBucketKind) {
      queue.bucket = queue.saved_bucket_ = count;
    } else if (kind == kAskedKind) {
      queue.asked_at = queue.saved_asked_at_ = count;
    } else if (kind >= static_cast<std::size_t>(kTotalKind)) {
      const auto total = kind - static_cast<std::size_t>(kTotalKind);
      queue.totals.at(total) = queue.saved_totals_.at(total) = count;
    } else {
      const auto priority = kind - static_cast<std::size_t>(kReadyKind);
      queue.ready.at(priority) = queue.saved_ready_.at(priority) = count;
    }
  }
}

void QueueBook::save(sqlite::Database& db) {
  for (Queue* queue : dirty_) {
    save_counts(db, *queue);
    if (queue->lanes) save_lanes(db, *queue);
    queue->dirty = false;
    changed_.push_back(queue);
  }
  dirty_.clear();
  for (std::size_t i = 0; i < kStatusCount; ++i) {
    save_count(db, kAllQueues, static_cast<std::int64_t>(i), counts_[i], saved_counts_[i]);
  }
  save_count(db, kAllQueues, kTurnKind, next_turn_, saved_next_turn_);
  save_count(db, kAllQueues, kConcurrencyKind, concurrency_, saved_concurrency_);
}

// A ring without lanes has nothing to remember.
void QueueBook::save_lanes(sqlite::Database& db, Queue& queue) {
  queue.lanes->save(db);
  if (queue.lanes->empty()) queue.lanes.reset();
}

void QueueBook::save_counts(sqlite::Database& db, Queue& queue) {
  for (std::size_t i = 0; i < kStatusCount; ++i) {
    save_count(db, queue.id, static_cast<std::int64_t>(i), queue.counts[i], queue.saved_counts_[i]);
  }
  for (std::size_t i = 0; i < kPriorities; ++i) {
    save_count(db, queue.id, kReadyKind + static_cast<std::int64_t>(i), queue.ready[i],
               queue.saved_ready_[i]);
  }
  for (std::size_t i = 0; i < kQueueTotals; ++i) {
    save_count(db, queue.id, kTotalKind + static_cast<std::int64_t>(i), queue.totals[i],
               queue.saved_totals_[i]);
  }
  save_count(db, queue.id, kBucketKind, queue.bucket, queue.saved_bucket_);
  save_count(db, queue.id, kAskedKind, queue.asked_at, queue.saved_asked_at_);
}

// Zero is stored as no row: what a transaction passed through must not show in the tables, since
// replicas group the same entries into different transactions.
void QueueBook::save_count(sqlite::Database& db, std::int64_t queue, std::int64_t kind,
                           std::int64_t count, std::int64_t& saved) {
  if (count == saved) return;
  WEIR_ASSERT(count >= 0);
  if (count == 0) {
    db.prepare("DELETE FROM job_counts WHERE queue=?1 AND kind=?2").bind_all(queue, kind).run();
  } else {
    db.prepare("INSERT OR REPLACE INTO job_counts(queue,kind,count) VALUES(?1,?2,?3)")
        .bind_all(queue, kind, count)
        .run();
  }
  saved = count;
}

Queue* QueueBook::find(std::string_view name) {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

Queue& QueueBook::get(std::int64_t id) {
  const auto found = by_id_.find(id);
  WEIR_ASSERT(found != by_id_.end());
  return *found->second;
}

Queue& QueueBook::add(std::int64_t id, std::string_view name) {
  auto owned = std::make_unique<Queue>();
  Queue& queue = *owned;
  queue.id = id;
  queue.name = name;
  by_id_.emplace(id, std::move(owned));
  by_name_.emplace(queue.name, &queue);
  return queue;
}

Error too_many_queues() {
  return Error{Code::too_many_requests, "too_many_queues", "There are too many queues",
               "at most " + std::to_string(kMaxQueues) + ": delete queues that are empty"};
}

Result<Queue*> QueueBook::get_or_create(sqlite::Database& db, std::string_view name,
                                        std::int64_t now) {
  if (Queue* queue = find(name); queue != nullptr) return queue;
  if (full()) return too_many_queues();
  return &ensure(db, name, now);
}

Queue& QueueBook::ensure(sqlite::Database& db, std::string_view name, std::int64_t now) {
  if (Queue* queue = find(name); queue != nullptr) return *queue;
  db.prepare("INSERT INTO job_queues(name,paused,created_at,config) VALUES(?1,0,?2,'{}')")
      .bind_all(name, now)
      .run();
  Queue& queue = add(db.last_insert_rowid(), name);
  queue.created_at = now;
  mark(queue);
  return queue;
}

void QueueBook::set_config(sqlite::Database& db, Queue& queue, std::string_view config_json) {
  db.prepare("UPDATE job_queues SET config=?2 WHERE id=?1").bind_all(queue.id, config_json).run();
  const auto before = std::exchange(queue.config, parse_queue_config(json::View(config_json)));
  if (queue.config.rate != before.rate) queue.bucket = 0;
  if (queue.lanes) {
    queue.lanes->configure(queue.config.per_key, queue.config.per_key.rate != before.per_key.rate);
  }
  refresh_due(db, queue);
  wake(queue);
  mark(queue);
}

void QueueBook::disable_webhook(sqlite::Database& db, Queue& queue, std::int64_t now) {
  queue.config.webhook.disabled_at = now;
  std::string stored;
  {
    auto rows = db.prepare("SELECT config FROM job_queues WHERE id=?1");
    rows.bind_all(queue.id);
    WEIR_ASSERT(rows.step());
    stored = with_webhook(json::View(rows.text(0)), queue.config.webhook);
  }
  db.prepare("UPDATE job_queues SET config=?2 WHERE id=?1").bind_all(queue.id, stored).run();
}

// job_queues.paused is the moment of the pause, 0 while the queue runs.
void QueueBook::pause(sqlite::Database& db, Queue& queue, std::int64_t now) {
  db.prepare("UPDATE job_queues SET paused=?2 WHERE id=?1").bind_all(queue.id, now).run();
  queue.paused = true;
  mark(queue);
}

void QueueBook::resume(sqlite::Database& db, Queue& queue) {
  db.prepare("UPDATE job_queues SET paused=0 WHERE id=?1").bind_all(queue.id).run();
  queue.paused = false;
  wake(queue);
  mark(queue);
}

void QueueBook::wake(Queue& queue) {
  if (queue.made_ready) return;
  queue.made_ready = true;
  made_ready_.push_back(&queue);
}

void QueueBook::remove(sqlite::Database& db, Queue& queue) {
  db.prepare("DELETE FROM job_counts WHERE queue=?1").bind_all(queue.id).run();
  if (queue.lanes) queue.lanes->remove(db);
  db.prepare("DELETE FROM job_queues WHERE id=?1").bind_all(queue.id).run();
  removed_.push_back(queue.name);
  for (auto* list : {&dirty_, &made_ready_, &changed_}) std::erase(*list, &queue);
  by_name_.erase(queue.name);
  by_id_.erase(queue.id);
}

void QueueBook::transition(Queue& queue, std::optional<Status> from, std::optional<Status> to,
                           Cause cause, std::int64_t priority, std::int64_t at) {
  WEIR_ASSERT(is_transition(from, to, cause));
  mark(queue);
  count_cause(queue.totals, cause, to);
  if (from == Status::processing) {
    if (queue.config.counts_running()) wake(queue);
    if (concurrency_ > 0 && counts_[index_of(Status::processing)] >= concurrency_) {
      room_came_ = true;
    }
  }
  if (from) {
    --queue.counts[index_of(*from)];
    --counts_[index_of(*from)];
    if (from == Status::unprocessed) --queue.ready[static_cast<std::size_t>(priority)];
  }
  if (!to) return;
  ++queue.counts[index_of(*to)];
  ++counts_[index_of(*to)];
  if (to == Status::unprocessed) {
    ++queue.ready[static_cast<std::size_t>(priority)];
    wake(queue);
  } else if (to == Status::scheduled) {
    note_due(queue, at);
  } else if (is_finished(*to) && to != Status::dlq) {
    note_due(queue, queue.over_retention() ? at : at + queue.retention_ms(*to));
  }
}

void QueueBook::reprioritize(Queue& queue, std::string_view key, std::int64_t from, std::int64_t to,
                             std::int64_t now) {
  if (from == to) return;
  mark(queue);
  --queue.ready[static_cast<std::size_t>(from)];
  ++queue.ready[static_cast<std::size_t>(to)];
  if (key.empty()) return;
  move_lane(queue, key, std::nullopt, Status::unprocessed, to, now);
  move_lane(queue, key, Status::unprocessed, std::nullopt, from, now);
}

void QueueBook::move_lane(Queue& queue, std::string_view key, std::optional<Status> from,
                          std::optional<Status> to, std::int64_t priority, std::int64_t now) {
  lanes_of(queue).change(queue.config.per_key, key, from, to, priority, now);
}

void QueueBook::count_target(Queue& queue, std::string_view target, std::int64_t by) {
  const auto found = queue.targets.try_emplace(std::string(target), 0).first;
  found->second += by;
  WEIR_ASSERT(found->second >= 0);
  if (found->second == 0) queue.targets.erase(found);
}

void QueueBook::leased(Queue& queue, bool keyed, std::int64_t now) {
  if (queue.config.rate) queue.bucket = queue.config.rate.taken(queue.bucket, now);
  if (!keyed && queue.has_lanes()) queue.lanes->plain_leased();
}

std::vector<Queue*> QueueBook::take_made_ready() {
  std::vector<Queue*> out = std::move(made_ready_);
  made_ready_.clear();
  for (Queue* queue : out) queue->made_ready = false;
  std::sort(out.begin(), out.end(), [](const Queue* a, const Queue* b) { return a->id < b->id; });
  return out;
}

std::int64_t QueueBook::next_due() const {
  std::int64_t earliest = kNever;
  for (const auto& [id, queue] : by_id_) {
    earliest = std::min({earliest, queue->next_due, queue->wake_at});
  }
  return earliest;
}

void QueueBook::drop_wakes(std::int64_t now) {
  for (auto& [id, queue] : by_id_) {
    if (queue->wake_at <= now) queue->wake_at = kNever;
  }
}

void QueueBook::note_due(Queue& queue, std::int64_t at) {
  queue.next_due = std::min(queue.next_due, at);
}

void QueueBook::mark(Queue& queue) {
  if (queue.dirty) return;
  queue.dirty = true;
  dirty_.push_back(&queue);
}

void QueueBook::refresh_due(sqlite::Database& db, Queue& queue) {
  queue.next_due = queue.over_retention() ? 0 : kNever;
  auto head = db.prepare(
      "SELECT at FROM jobs WHERE status=?1 AND status<>2 AND queue=?2 ORDER BY at LIMIT 1");
  for (const auto status :
       {Status::scheduled, Status::completed, Status::failed, Status::cancelled}) {
    if (queue.count(status) == 0) continue;
    const auto keep = status == Status::scheduled ? 0 : queue.retention_ms(status);
    head.bind_all(static_cast<std::int64_t>(status), queue.id);
    if (head.step()) queue.next_due = std::min(queue.next_due, head.int64(0) + keep);
    head.run();
  }
}

void QueueBook::publish(StatsBoard::Update& update) {
  update.counts = counts_;
  update.replace = all_changed_;
  update.removed_queues = std::move(removed_);
  removed_.clear();
  if (all_changed_) {
    changed_.clear();
    for (const auto& [id, queue] : by_id_) changed_.push_back(queue.get());
  }
  for (const Queue* queue : changed_) {
    update.queues.push_back({queue->name, queue->paused, queue->counts});
  }
  changed_.clear();
  all_changed_ = false;
}

}  // namespace weir::jobs
