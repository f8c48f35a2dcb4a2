#include "jobs/lane_ring.hpp"

#include "pkg/base/assert.hpp"

namespace weir::jobs {
namespace {

constexpr std::uint32_t bit_of(std::size_t priority) {
  return std::uint32_t{1} << priority;
}

}  // namespace

void LaneRing::load(sqlite::Database& db) {
  {
    auto rows = db.prepare("SELECT key,turn,bucket FROM job_lanes WHERE queue=?1");
    rows.bind_all(queue_);
    while (rows.step()) {
      if (rows.text(0).empty()) {
        plain_turn_ = rows.int64(1);
        continue;
      }
      auto lane = std::make_unique<Lane>();
      lane->key = rows.text(0);
      lane->turn = rows.int64(1);
      lane->full = rows.int64(2);
      lane->saved = true;
      lanes_.emplace(lane->key, std::move(lane));
    }
  }
  for (const std::string_view count :
       {"SELECT key,priority,count(*) FROM jobs INDEXED BY jobs_ready WHERE status=2 AND queue=?1"
        " AND target IS NULL AND key IS NOT NULL GROUP BY priority,key",
        "SELECT key,priority,count(*) FROM jobs INDEXED BY jobs_ready WHERE status=2 AND queue=?1"
        " AND target>'' AND key IS NOT NULL GROUP BY target,priority,key"}) {
    auto rows = db.prepare(count);
    rows.bind_all(queue_);
    while (rows.step()) {
      Lane& lane = get(rows.text(0));
      const auto priority = static_cast<std::size_t>(rows.int64(1));
      lane.ready.at(priority) += static_cast<std::uint32_t>(rows.int64(2));
      lane.waiting += rows.int64(2);
      ready_.at(priority) += rows.int64(2);
    }
  }
}

// What a transaction passed through must not show: a lane that came and went leaves no row.
void LaneRing::save(sqlite::Database& db) {
  for (const auto& key : gone_) {
    db.prepare("DELETE FROM job_lanes WHERE queue=?1 AND key=?2").bind_all(queue_, key).run();
  }
  gone_.clear();
  for (const auto& key : dirty_) {
    const auto found = lanes_.find(key);
    if (found == lanes_.end() || !found->second->dirty) continue;
    Lane& lane = *found->second;
    lane.dirty = false;
    lane.saved = true;
    db.prepare("INSERT OR REPLACE INTO job_lanes(queue,key,turn,bucket) VALUES(?1,?2,?3,?4)")
        .bind_all(queue_, key, lane.turn, lane.full)
        .run();
  }
  dirty_.clear();
  if (!plain_dirty_) return;
  plain_dirty_ = false;
  if (plain_turn_ == 0) {
    db.prepare("DELETE FROM job_lanes WHERE queue=?1 AND key=''").bind_all(queue_).run();
    return;
  }
  db.prepare("INSERT OR REPLACE INTO job_lanes(queue,key,turn,bucket) VALUES(?1,'',?2,0)")
      .bind_all(queue_, plain_turn_)
      .run();
}

void LaneRing::remove(sqlite::Database& db) {
  db.prepare("DELETE FROM job_lanes WHERE queue=?1").bind_all(queue_).run();
}

void LaneRing::configure(const PerKey& limits, bool forget_buckets) {
  for (auto& [key, lane] : lanes_) {
    if (forget_buckets && lane->full != 0) {
      lane->full = 0;
      if (!lane->dirty) dirty_.push_back(key);
      lane->dirty = true;
    }
    lift(*lane);
    place(limits, *lane, 0);
  }
}

Lane& LaneRing::get(std::string_view key) {
  const auto found = lanes_.find(key);
  if (found != lanes_.end()) return *found->second;
  if (plain_turn_ == 0) plain_leased();  // the first lane: jobs without a key are before it
  auto made = std::make_unique<Lane>();
  Lane& lane = *made;
  lane.key = key;
  lane.turn = ++next_turn_;
  lane.dirty = true;
  dirty_.push_back(lane.key);
  lanes_.emplace(lane.key, std::move(made));
  return lane;
}

void LaneRing::change(const PerKey& limits, std::string_view key, std::optional<Status> from,
                      std::optional<Status> to, std::int64_t priority, std::int64_t now) {
  wake(now);
  Lane& lane = get(key);
  const auto level = static_cast<std::size_t>(priority);
  if (from == Status::unprocessed) {
    --lane.ready[level];
    --lane.waiting;
    --ready_[level];
  }
  if (to == Status::unprocessed) {
    ++lane.ready[level];
    ++lane.waiting;
    ++ready_[level];
  }
  if (from == Status::processing) --lane.running;
  // One more that waits, or one less that runs: who may run may run on.
  if (lane.placed != 0 && from != Status::unprocessed && to != Status::processing) {
    if (to == Status::unprocessed) add_to_ring(lane, level);
    return;
  }
  lift(lane);
  if (to == Status::processing) {
    ++lane.running;
    lane.turn = ++next_turn_;
    if (limits.rate) lane.full = limits.rate.taken(lane.full, now);
    if (!lane.dirty) dirty_.push_back(lane.key);
    lane.dirty = true;
  }
  if (at_rest(limits, lane, now)) {
    forget(lane);
  } else {
    place(limits, lane, now);
  }
}

bool LaneRing::at_rest(const PerKey& limits, const Lane& lane, std::int64_t now) {
  if (lane.running > 0 || lane.waiting > 0) return false;
  return !limits.rate || limits.rate.full_at(lane.full) <= now;
}

void LaneRing::lift(Lane& lane) {
  for (std::size_t priority = 0; lane.placed != 0; ++priority) {
    if ((lane.placed & bit_of(priority)) == 0) continue;
    rings_[priority].erase(lane.turn);
    lane.placed &= ~bit_of(priority);
  }
  if (lane.timer != 0) {
    tokens_.erase({lane.timer, lane.turn});
    rests_.erase({lane.timer, lane.turn});
  }
  lane.timer = 0;
}

// A lane that stands nowhere. Whatever is due by `now` is not left to the next wake().
void LaneRing::place(const PerKey& limits, Lane& lane, std::int64_t now) {
  if (lane.waiting == 0) {
    if (lane.running > 0) return;
    lane.timer = limits.rate ? std::max<std::int64_t>(1, limits.rate.full_at(lane.full)) : 1;
    rests_.emplace(std::pair{lane.timer, lane.turn}, &lane);
  } else if (limits.concurrency > 0 && lane.running >= limits.concurrency) {
    return;
  } else if (limits.rate && limits.rate.ready_at(lane.full) > now) {
    lane.timer = std::max<std::int64_t>(1, limits.rate.ready_at(lane.full));
    tokens_.emplace(std::pair{lane.timer, lane.turn}, &lane);
  } else {
    add_to_rings(lane);
  }
}

void LaneRing::add_to_rings(Lane& lane) {
  for (std::size_t priority = 0; priority < kPriorities; ++priority) {
    if (lane.ready[priority] > 0) add_to_ring(lane, priority);
  }
}

void LaneRing::add_to_ring(Lane& lane, std::size_t priority) {
  if ((lane.placed & bit_of(priority)) != 0) return;
  rings_[priority].emplace(lane.turn, &lane);
  lane.placed |= bit_of(priority);
}

bool LaneRing::wake(std::int64_t now) {
  while (!tokens_.empty() && tokens_.begin()->first.first <= now) {
    Lane& lane = *tokens_.begin()->second;
    lift(lane);
    add_to_rings(lane);
  }
  const auto before = lanes_.size();
  while (!rests_.empty() && rests_.begin()->first.first <= now) forget(*rests_.begin()->second);
  return lanes_.size() < before;
}

void LaneRing::forget(Lane& lane) {
  WEIR_ASSERT(lane.running == 0 && lane.waiting == 0);
  lift(lane);
  const auto found = lanes_.find(lane.key);
  if (lane.saved) gone_.push_back(lane.key);
  lanes_.erase(found);
  if (!lanes_.empty()) return;
  plain_turn_ = 0;
  plain_dirty_ = true;
}

const Lane* LaneRing::first(std::size_t priority) const {
  const auto& ring = rings_[priority];
  return ring.empty() ? nullptr : ring.begin()->second;
}

const Lane* LaneRing::find(std::string_view key) const {
  const auto found = lanes_.find(key);
  return found == lanes_.end() ? nullptr : found->second.get();
}

bool LaneRing::in_ring(const Lane& lane, std::size_t priority) const {
  return (lane.placed & bit_of(priority)) != 0;
}

std::int64_t LaneRing::next_token() const {
  return tokens_.empty() ? kForever : tokens_.begin()->first.first;
}

std::int64_t LaneRing::before(const Lane& lane, std::size_t priority, std::int64_t most) const {
  std::int64_t count = 0;
  for (const auto& [turn, other] : rings_[priority]) {
    if (turn >= lane.turn || count >= most) break;
    ++count;
  }
  return count;
}

}  // namespace weir::jobs
