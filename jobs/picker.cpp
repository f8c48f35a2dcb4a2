#include "jobs/picker.hpp"

#include <algorithm>

#include "pkg/base/assert.hpp"

namespace weir::jobs {

std::int64_t Picker::room() const {
  const auto& config = queue_.config;
  std::int64_t room = kMaxLeaseJobs;
  if (const auto limit = step_.state.queues.concurrency(); limit > 0) {
    room = limit - step_.state.queues.counts()[index_of(Status::processing)];
  }
  if (config.concurrency > 0) {
    room = std::min(room, config.concurrency - queue_.count(Status::processing));
  }
  if (config.rate && room > 0) {
    room = std::min(room, config.rate.tokens(queue_.bucket, step_.now));
    if (room == 0) {
      queue_.wake_at = std::min(queue_.wake_at, config.rate.ready_at(queue_.bucket));
    }
  }
  return std::max<std::int64_t>(0, room);
}

std::optional<Picker::Choice> Picker::next() {
  step_.state.queues.wake_lanes(queue_, step_.now);
  const auto aging = queue_.config.aging_ms;
  std::optional<Choice> best;
  std::int64_t best_turn = 0;
  std::optional<std::int64_t> best_rank;
  for (std::size_t priority = kPriorities; priority-- > 0;) {
    if (queue_.ready[priority] == 0) continue;
    std::int64_t turn = 0;
    auto choice = candidate(priority, turn);
    if (!choice) continue;
    if (aging == 0) return choice;
    if (!best) {  // ranks matter from the second on
      best = std::move(choice);
      best_turn = turn;
      continue;
    }
    if (!best_rank) best_rank = since(*best, best_turn) - best->priority * aging;
    const auto rank = since(*choice, turn) - choice->priority * aging;
    if (rank >= *best_rank) continue;
    best = std::move(choice);
    best_rank = rank;
  }
  if (!best && queue_.has_lanes()) {
    queue_.wake_at = std::min(queue_.wake_at, queue_.lanes->next_token());
  }
  if (best) heads_[static_cast<std::size_t>(best->priority)].turn = -1;
  return best;
}

std::optional<Picker::Choice> Picker::candidate(std::size_t priority, std::int64_t& turn) const {
  Choice choice{static_cast<std::int64_t>(priority), std::nullopt};
  if (!queue_.has_lanes()) return choice;
  const LaneRing& lanes = *queue_.lanes;
  const Lane* lane = lanes.first(priority);
  const bool plain = queue_.ready[priority] > lanes.ready(priority);
  if (plain && (lane == nullptr || lanes.plain_turn() < lane->turn)) {
    turn = lanes.plain_turn();
    return choice;
  }
  if (lane == nullptr) return std::nullopt;
  turn = lane->turn;
  choice.key = lane->key;
  return choice;
}

std::int64_t Picker::since(Choice& choice, std::int64_t turn) {
  Head& head = heads_[static_cast<std::size_t>(choice.priority)];
  if (head.turn == turn) {
    choice.row = head.row;
    return head.since;
  }
  auto rows = step_.db.prepare(
      "SELECT created_at,row FROM jobs INDEXED BY jobs_ready"
      " WHERE status=2 AND queue=?1 AND target IS NULL AND priority=?2 AND key IS ?3"
      " ORDER BY row LIMIT 1");
  rows.bind_all(queue_.id, choice.priority);
  if (choice.key) {
    rows.bind(3, *choice.key);
  } else {
    rows.bind_null(3);
  }
  const bool found = rows.step();
  WEIR_ASSERT(found);
  head = {turn, rows.int64(0), rows.int64(1)};
  choice.row = head.row;
  return head.since;
}

}  // namespace weir::jobs
