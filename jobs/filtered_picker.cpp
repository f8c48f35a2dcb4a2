#include "jobs/filtered_picker.hpp"

#include <algorithm>

#include "jobs/target.hpp"
#include "pkg/base/assert.hpp"

namespace weir::jobs {
namespace {

constexpr std::string_view kFirst =
    "SELECT row FROM jobs INDEXED BY jobs_ready WHERE status=2"
    " AND queue=?1 AND target IS ?2 AND priority=?3 AND key IS ?4 ORDER BY row LIMIT 1";
constexpr std::string_view kFirstOfType =
    "SELECT row FROM jobs INDEXED BY jobs_types WHERE status=2 AND type IS NOT NULL"
    " AND queue=?1 AND target IS ?2 AND priority=?3 AND key IS ?4 AND type=?5"
    " ORDER BY row LIMIT 1";
constexpr std::string_view kNextKey =
    "SELECT key FROM jobs INDEXED BY jobs_ready WHERE status=2"
    " AND queue=?1 AND target IS ?2 AND priority=?3 AND key>?4 ORDER BY key LIMIT 1";
constexpr std::string_view kNextKeyOfType =
    "SELECT key FROM jobs INDEXED BY jobs_types WHERE status=2 AND type IS NOT NULL"
    " AND queue=?1 AND target IS ?2 AND priority=?3 AND key>?4 AND type=?5 ORDER BY key LIMIT 1";

void bind_source(sqlite::Statement& rows, const Queue& queue,
                 std::optional<std::string_view> target, std::size_t priority) {
  rows.bind(1, queue.id).bind(3, static_cast<std::int64_t>(priority));
  if (target) {
    rows.bind(2, *target);
  } else {
    rows.bind_null(2);
  }
}

}  // namespace

std::vector<std::string> ready_targets(const Queue& queue, const LeaseCall& call) {
  std::vector<std::string> out;
  if (queue.targets.empty()) return out;
  out = targets_of(call.worker, call.labels);
  std::erase_if(out, [&](const auto& target) { return !queue.targets.contains(target); });
  return out;
}

FilteredPicker::FilteredPicker(Step& step, Queue& queue, const LeaseCall& call,
                               const std::vector<std::string>& targets)
    : step_(step), queue_(queue) {
  const auto add = [&](std::optional<std::string_view> target) {
    if (call.types.empty()) sources_.push_back({target, std::nullopt});
    for (const auto& type : call.types) sources_.push_back({target, type});
  };
  add(std::nullopt);
  for (const auto& target : targets) add(target);
}

std::optional<std::int64_t> FilteredPicker::next() {
  step_.state.queues.wake_lanes(queue_, step_.now);
  const auto aging = queue_.config.aging_ms;
  std::optional<std::int64_t> best;
  std::int64_t best_rank = 0;
  for (std::size_t priority = kPriorities; priority-- > 0;) {
    if (queue_.ready[priority] == 0) continue;
    const auto found = candidate(priority);
    if (!found) continue;
    if (aging == 0) return found->row;
    const auto rank = created_at(found->row) - static_cast<std::int64_t>(priority) * aging;
    if (best && rank >= best_rank) continue;
    best = found->row;
    best_rank = rank;
  }
  if (!best && queue_.has_lanes()) {
    queue_.wake_at = std::min(queue_.wake_at, queue_.lanes->next_token());
  }
  return best;
}

std::optional<FilteredPicker::Found> FilteredPicker::candidate(std::size_t priority) {
  const auto plain = first_row(priority, std::nullopt);
  if (!queue_.has_lanes()) return plain ? std::optional(Found{*plain, 0}) : std::nullopt;
  const auto lane = keyed(priority);
  const auto plain_turn = queue_.lanes->plain_turn();
  if (plain && (!lane || plain_turn < lane->turn)) return Found{*plain, plain_turn};
  return lane;
}

// The lane with the lowest turn that may run and has a job for the worker.
std::optional<FilteredPicker::Found> FilteredPicker::keyed(std::size_t priority) {
  const LaneRing& lanes = *queue_.lanes;
  const auto& ring = lanes.ring(priority);
  const Lane* best = nullptr;
  std::string key;
  for (auto at = ring.begin(); at != ring.end(); ++at) {
    if (const auto row = first_row(priority, at->second->key)) return Found{*row, at->first};
    auto after = next_key(priority, key);
    if (!after) break;
    key = std::move(*after);
    const Lane* lane = lanes.find(key);
    WEIR_ASSERT(lane != nullptr);
    if (!lanes.in_ring(*lane, priority)) continue;
    if (best == nullptr || lane->turn < best->turn) best = lane;
  }
  if (best == nullptr) return std::nullopt;
  return Found{first_row(priority, best->key).value_or(0), best->turn};
}

// The oldest job of a key, or of those without one.
std::optional<std::int64_t> FilteredPicker::first_row(std::size_t priority,
                                                      std::optional<std::string_view> key) {
  std::optional<std::int64_t> first;
  for (const auto& source : sources_) {
    auto rows = step_.db.prepare(source.type ? kFirstOfType : kFirst);
    bind_source(rows, queue_, source.target, priority);
    if (key) {
      rows.bind(4, *key);
    } else {
      rows.bind_null(4);
    }
    if (source.type) rows.bind(5, *source.type);
    if (rows.step()) first = std::min(first.value_or(rows.int64(0)), rows.int64(0));
  }
  return first;
}

// The next key after `after` that has jobs for the worker.
std::optional<std::string> FilteredPicker::next_key(std::size_t priority, std::string_view after) {
  std::optional<std::string> next;
  for (const auto& source : sources_) {
    auto rows = step_.db.prepare(source.type ? kNextKeyOfType : kNextKey);
    bind_source(rows, queue_, source.target, priority);
    rows.bind(4, after);
    if (source.type) rows.bind(5, *source.type);
    if (rows.step() && (!next || rows.text(0) < *next)) next = rows.text(0);
  }
  return next;
}

std::int64_t FilteredPicker::created_at(std::int64_t row) {
  auto rows = step_.db.prepare("SELECT created_at FROM jobs WHERE row=?1");
  rows.bind_all(row);
  return rows.step() ? rows.int64(0) : 0;
}

}  // namespace weir::jobs
