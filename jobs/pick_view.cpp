#include "jobs/pick_view.hpp"

#include <algorithm>

#include "jobs/limits.hpp"

namespace weir::jobs {
namespace {

void bind_key(sqlite::Statement& rows, int index, std::string_view key) {
  if (key.empty()) {
    rows.bind_null(index);
  } else {
    rows.bind(index, key);
  }
}

}  // namespace

PickView::PickView(sqlite::Database& db, const QueueRow& queue, std::string_view target,
                   std::int64_t now)
    : db_(db),
      queue_(queue),
      target_(target),
      now_(now),
      ready_(read_ready(db, queue.id)),
      running_(read_count(db, queue.id, static_cast<std::int64_t>(Status::processing))),
      bucket_(read_count(db, queue.id, kBucketKind)),
      total_concurrency_(read_count(db, kAllQueues, kConcurrencyKind)),
      total_running_(read_count(db, kAllQueues, static_cast<std::int64_t>(Status::processing))) {
  auto rows = db.prepare(
      "SELECT 1 FROM jobs INDEXED BY jobs_ready WHERE status=2 AND queue=?1 AND target>'' LIMIT 1");
  rows.bind_all(queue.id);
  targeted_ = rows.step();
}

// --- limits --------------------------------------------------------------------------------------

std::optional<std::int64_t> PickView::queue_token_at() const {
  const auto& rate = queue_.config.rate;
  if (!rate || rate.tokens(bucket_, now_) > 0) return std::nullopt;
  return rate.ready_at(bucket_);
}

std::optional<std::int64_t> PickView::key_token_at(std::string_view key) {
  const auto& rate = queue_.config.per_key.rate;
  if (!rate || key.empty()) return std::nullopt;
  auto rows = db_.prepare("SELECT bucket FROM job_lanes WHERE queue=?1 AND key=?2");
  rows.bind_all(queue_.id, key);
  if (!rows.step()) return std::nullopt;
  const auto at = rate.ready_at(rows.int64(0));
  if (at <= now_) return std::nullopt;
  return at;
}

std::int64_t PickView::running_of(std::string_view key) {
  if (queue_.config.per_key.concurrency == 0 || key.empty()) return 0;
  if (!running_loaded_) {
    running_loaded_ = true;
    auto rows = db_.prepare(
        "SELECT key FROM jobs INDEXED BY jobs_state"
        " WHERE status=3 AND status<>2 AND queue=?1 AND key IS NOT NULL");
    rows.bind_all(queue_.id);
    while (rows.step()) ++running_by_key_[std::string(rows.text(0))];
  }
  const auto found = running_by_key_.find(std::string(key));
  return found == running_by_key_.end() ? 0 : found->second;
}

bool PickView::may_run(const Lane& lane) {
  const auto& limits = queue_.config.per_key;
  if (limits.concurrency > 0 && running_of(lane.key) >= limits.concurrency) return false;
  return !limits.rate || limits.rate.ready_at(lane.bucket) <= now_;
}

// --- order ---------------------------------------------------------------------------------------

void PickView::load_lanes() {
  if (lanes_loaded_) return;
  lanes_loaded_ = true;
  {
    auto plain = db_.prepare("SELECT turn FROM job_lanes WHERE queue=?1 AND key=''");
    plain.bind_all(queue_.id);
    if (plain.step()) plain_turn_ = plain.int64(0);
  }
  // The first by turn, through a heap with the last of them on top: the rows come by key.
  const auto earlier = [](const Lane& a, const Lane& b) { return a.turn < b.turn; };
  auto rows =
      db_.prepare("SELECT key,turn,bucket FROM job_lanes WHERE queue=?1 AND key>'' ORDER BY key");
  rows.bind_all(queue_.id);
  while (rows.step()) {
    const bool full = static_cast<std::int64_t>(lanes_.size()) == kExplainKeys;
    if (full && rows.int64(1) >= lanes_.front().turn) continue;
    if (full) {
      std::pop_heap(lanes_.begin(), lanes_.end(), earlier);
      lanes_.pop_back();
    }
    lanes_.push_back({std::string(rows.text(0)), rows.int64(1), rows.int64(2)});
    std::push_heap(lanes_.begin(), lanes_.end(), earlier);
  }
  std::sort_heap(lanes_.begin(), lanes_.end(), earlier);
}

template <typename Bind, typename Visit>
void PickView::each(std::string_view statement, Bind bind, Visit visit) {
  auto rows = db_.prepare(statement);
  for (const bool any : {true, false}) {
    if (!any && target_.empty()) return;
    rows.bind(1, queue_.id);
    if (any) {
      rows.bind_null(2);
    } else {
      rows.bind(2, target_);
    }
    bind(rows);
    while (rows.step()) visit(rows);
    rows.run();
  }
}

PickView::Bounded PickView::ready(std::int64_t priority) {
  if (!targeted_) return {ready_[static_cast<std::size_t>(priority)], true};
  std::int64_t count = 0;
  each(
      "SELECT row FROM jobs INDEXED BY jobs_ready"
      " WHERE status=2 AND queue=?1 AND target IS ?2 AND priority=?3 LIMIT ?4",
      [&](auto& rows) { rows.bind(3, priority).bind(4, kExplainCount + 1); },
      [&](auto&) { ++count; });
  return {std::min(count, kExplainCount), count <= kExplainCount};
}

bool PickView::has_ready(std::int64_t priority, std::string_view key) {
  bool found = false;
  each(
      "SELECT 1 FROM jobs INDEXED BY jobs_ready"
      " WHERE status=2 AND queue=?1 AND target IS ?2 AND priority=?3 AND key IS ?4 LIMIT 1",
      [&](auto& rows) {
        rows.bind(3, priority);
        bind_key(rows, 4, key);
      },
      [&](auto&) { found = true; });
  return found;
}

bool PickView::has_keyed(std::int64_t priority) {
  bool found = false;
  each(
      "SELECT 1 FROM jobs INDEXED BY jobs_ready"
      " WHERE status=2 AND queue=?1 AND target IS ?2 AND priority=?3 AND key>'' LIMIT 1",
      [&](auto& rows) { rows.bind(3, priority); }, [&](auto&) { found = true; });
  return found;
}

// Since when the first of the key waits: the one with the lowest row.
std::int64_t PickView::since(std::int64_t priority, const std::optional<std::string>& key) {
  std::int64_t first = 0;
  std::int64_t since = 0;
  each(
      "SELECT row,created_at FROM jobs INDEXED BY jobs_ready"
      " WHERE status=2 AND queue=?1 AND target IS ?2 AND priority=?3 AND key IS ?4"
      " ORDER BY row LIMIT 1",
      [&](auto& rows) {
        rows.bind(3, priority);
        bind_key(rows, 4, key ? std::string_view(*key) : std::string_view());
      },
      [&](auto& rows) {
        if (first != 0 && rows.int64(0) > first) return;
        first = rows.int64(0);
        since = rows.int64(1);
      });
  return since;
}

std::optional<PickView::Head> PickView::head(std::int64_t priority) {
  if (ready_[static_cast<std::size_t>(priority)] == 0) return std::nullopt;
  const bool plain = has_ready(priority, {});
  Head head;
  bool found = plain;
  if (has_keyed(priority)) {
    load_lanes();
    for (const auto& lane : lanes_) {
      if (plain && plain_turn_ < lane.turn) break;
      if (!may_run(lane) || !has_ready(priority, lane.key)) continue;
      head.key = lane.key;
      found = true;
      break;
    }
  }
  if (!found) return std::nullopt;
  head.since = since(priority, head.key);
  return head;
}

PickView::Bounded PickView::earlier(std::int64_t priority, std::string_view key, std::int64_t row) {
  std::int64_t count = 0;
  each(
      "SELECT row FROM jobs INDEXED BY jobs_ready WHERE status=2 AND queue=?1 AND target IS ?2"
      " AND priority=?3 AND key IS ?4 AND row<?5 LIMIT ?6",
      [&](auto& rows) {
        rows.bind(3, priority);
        bind_key(rows, 4, key);
        rows.bind(5, row).bind(6, kExplainCount + 1);
      },
      [&](auto&) { ++count; });
  return {std::min(count, kExplainCount), count <= kExplainCount};
}

PickView::Bounded PickView::keys_before(std::int64_t priority, std::string_view key) {
  load_lanes();
  if (lanes_.empty()) return {};
  auto turn = plain_turn_;
  Bounded before;
  if (!key.empty()) {
    auto rows = db_.prepare("SELECT turn FROM job_lanes WHERE queue=?1 AND key=?2");
    rows.bind_all(queue_.id, key);
    if (rows.step()) turn = rows.int64(0);
    if (plain_turn_ < turn && has_ready(priority, {})) ++before.count;
  }
  for (const auto& lane : lanes_) {
    if (lane.turn >= turn) return before;
    if (!may_run(lane) || !has_ready(priority, lane.key)) continue;
    if (before.count == kExplainCount) {
      before.exact = false;
      return before;
    }
    ++before.count;
  }
  before.exact = static_cast<std::int64_t>(lanes_.size()) < kExplainKeys;
  return before;
}

}  // namespace weir::jobs
