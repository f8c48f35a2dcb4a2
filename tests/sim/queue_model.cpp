#include "tests/sim/queue_model.hpp"

#include <algorithm>

#include "jobs/target.hpp"

namespace weir::sim {
namespace {

using jobs::Status;

std::int64_t number(json::View view, std::string_view name, std::int64_t standard) {
  return view.find(name).as_int().value_or(standard);
}

RateRule parse_rate(json::View view) {
  RateRule out;
  out.limit = number(view, "limit", 0);
  out.per_ms = number(view, "per_ms", 1'000);
  out.burst = number(view, "burst", out.limit);
  return out;
}

bool waits(std::optional<Status> status) {
  return status && *status <= Status::unprocessed;
}

bool of_types(const std::string& type, const std::vector<std::string>& types) {
  return types.empty() || std::find(types.begin(), types.end(), type) != types.end();
}

// "label:<key>=<value>": the label is the value, or goes on after it with a dot.
bool is_for(const std::string& target, const Wish& wish) {
  if (target.empty()) return true;
  if (target.starts_with("host:")) return target.substr(5) == wish.worker;
  const auto equals = target.find('=');
  const auto label = json::View(wish.labels).find(target.substr(6, equals - 6)).as_string();
  return label && (*label + ".").starts_with(target.substr(equals + 1) + ".");
}

}  // namespace

QueueLimits parse_limits(const std::string& config) {
  const json::View view{config};
  const auto per_key = view.find("per_key");
  QueueLimits out;
  out.concurrency = number(view, "concurrency", 0);
  out.max_waiting = number(view, "max_waiting", 0);
  out.aging_ms = number(view, "aging_ms", 0);
  out.rate = parse_rate(view.find("rate"));
  out.key_concurrency = number(per_key, "concurrency", 0);
  out.key_max_waiting = number(per_key, "max_waiting", 0);
  out.key_rate = parse_rate(per_key.find("rate"));
  return out;
}

// A new rate begins with a full bucket, the same one goes on.
void QueueModel::set(const QueueChange& change) {
  name_ = change.name;
  paused_ = change.paused;
  const auto fresh = parse_limits(change.config);
  if (fresh.rate != limits_.rate) tokens_.reset();
  if (fresh.key_rate != limits_.key_rate) {
    for (auto& [key, lane] : lanes_) lane.tokens.reset();
  }
  limits_ = fresh;
}

std::size_t QueueModel::Lane::waiting() const {
  std::size_t count = 0;
  for (const auto& [priority, rows] : ready) count += rows.size();
  return count;
}

// A key without jobs, whose bucket is full, is a new one when it comes again.
void QueueModel::forget_idle(std::int64_t now) {
  std::erase_if(lanes_, [&](const auto& item) {
    const Lane& lane = item.second;
    return lane.running == 0 && lane.waiting() == 0 && lane.tokens.full(limits_.key_rate, now);
  });
}

QueueModel::Lane& QueueModel::lane(const std::string& key) {
  if (key.empty()) return plain_;
  if (lanes_.empty()) plain_.turn = ++turns_;
  const auto [at, made] = lanes_.try_emplace(key);
  if (made) at->second.turn = ++turns_;
  return at->second;
}

void QueueModel::leave(std::int64_t row) {
  const auto place = places_.find(row);
  if (place == places_.end()) return;
  auto& ready = lane(place->second.key).ready;
  ready[place->second.priority].erase(row);
  if (ready[place->second.priority].empty()) ready.erase(place->second.priority);
  places_.erase(place);
}

void QueueModel::apply(const JobChange& change, std::int64_t now) {
  forget_idle(now);
  waiting_ += (waits(change.to) ? 1 : 0) - (waits(change.from) ? 1 : 0);
  const bool stays = change.from == Status::unprocessed && change.to == Status::unprocessed;
  if (change.from == Status::unprocessed) leave(change.row);
  if (change.to == Status::unprocessed) {
    lane(change.key)
        .ready[change.priority]
        .emplace(change.row, Ready{change.type, change.target, change.created_at});
    places_[change.row] = {change.priority, change.key};
  }
  if (stays) return;
  if (change.from == Status::processing) {
    --running_;
    --lane(change.key).running;
  }
  if (change.to != Status::processing) return;
  ++running_;
  if (limits_.rate.limit > 0) tokens_.add(limits_.rate, now);
  Lane& served = lane(change.key);
  ++served.running;
  served.turn = ++turns_;
  if (!change.key.empty() && limits_.key_rate.limit > 0) served.tokens.add(limits_.key_rate, now);
}

std::string QueueModel::full(std::int64_t now) const {
  if (paused_) return "the queue is paused";
  if (limits_.concurrency > 0 && running_ >= limits_.concurrency) {
    return std::to_string(running_) + " of " + std::to_string(limits_.concurrency) + " run";
  }
  if (!tokens_.admits(limits_.rate, now)) return "the rate of the queue is used up";
  return {};
}

bool QueueModel::may_run(const std::string& key, const Lane& lane, std::int64_t now) const {
  if (key.empty()) return true;
  if (limits_.key_concurrency > 0 && lane.running >= limits_.key_concurrency) return false;
  return lane.tokens.admits(limits_.key_rate, now);
}

std::optional<std::int64_t> QueueModel::next(const Wish& wish, std::int64_t now) {
  forget_idle(now);
  struct Best {
    std::int64_t row;
    std::int64_t rank;
  };
  std::optional<Best> best;
  for (std::int64_t priority = 9; priority >= 0; --priority) {
    std::optional<std::int64_t> turn;
    Best head{};
    const auto look = [&](const std::string& key, const Lane& lane) {
      const auto ready = lane.ready.find(priority);
      if (ready == lane.ready.end() || !may_run(key, lane, now)) return;
      for (const auto& [row, job] : ready->second) {
        if (!of_types(job.type, wish.types) || !is_for(job.target, wish)) continue;
        if (turn && *turn < lane.turn) return;
        turn = lane.turn;
        head = {row, job.created_at - priority * limits_.aging_ms};
        return;
      }
    };
    look("", plain_);
    for (const auto& [key, lane] : lanes_) look(key, lane);
    if (!turn) continue;
    if (limits_.aging_ms == 0) return head.row;
    if (!best || head.rank < best->rank) best = head;
  }
  if (!best) return std::nullopt;
  return best->row;
}

std::string QueueModel::wrong_lease(const JobChange& change, const Wish& wish, std::int64_t now) {
  if (auto why = full(now); !why.empty()) return why;
  const auto place = places_.find(change.row);
  if (place == places_.end()) return "it was not ready";
  if (!change.key.empty() && !may_run(change.key, lane(change.key), now)) {
    return "its key " + change.key + " is at a limit";
  }
  const auto expected = next(wish, now);
  if (expected == change.row) return {};
  return expected ? "it was the turn of row " + std::to_string(*expected) : "no job may run";
}

std::string QueueModel::too_many(const JobChange& change) const {
  // A job for all workers counts as one, however many it makes.
  const bool of_many =
      change.target == jobs::kAllTarget || change.id.find(':') != std::string::npos;
  if (of_many) return {};
  if (limits_.max_waiting > 0 && waiting_ > limits_.max_waiting) {
    return std::to_string(waiting_) + " jobs wait, max_waiting is " +
           std::to_string(limits_.max_waiting);
  }
  const auto lane = lanes_.find(change.key);
  if (limits_.key_max_waiting > 0 && lane != lanes_.end() && change.to == Status::unprocessed &&
      lane->second.waiting() > static_cast<std::size_t>(limits_.key_max_waiting)) {
    return std::to_string(lane->second.waiting()) + " ready jobs of key " + change.key;
  }
  return {};
}

}  // namespace weir::sim
