#include "pkg/replica/tick_core.hpp"

#include <algorithm>

namespace weir::replica {
namespace {
constexpr Millis kAfterError{200};
constexpr Millis kEarlyShortest{10};
constexpr Millis kEarlyLongest{1'000};
}  // namespace

TickCore::TickCore(std::vector<std::string> prefixes) {
  for (auto& prefix : prefixes) {
    Machine machine;
    machine.prefix = std::move(prefix);
    machines_.push_back(std::move(machine));
  }
}

void TickCore::set_log_time(Timestamp applied, MonoTime at) {
  log_time_ = applied;
  log_time_at_ = at;
}

void TickCore::on_step() {
  for (auto& machine : machines_) machine.not_before = {};
}

// The wall clock serves a log that was idle for long; the steady clock a wall clock that is behind.
Timestamp TickCore::estimate(const Now& now) const {
  return std::max(now.wall, known_log_time(now.mono));
}

Timestamp TickCore::known_log_time(MonoTime now) const {
  if (stands_) return log_time_;
  return log_time_ + std::chrono::duration_cast<Millis>(now - log_time_at_);
}

std::optional<TickCore::Tick> TickCore::next(const Now& now) {
  const auto machine = take(now);
  if (!machine) return std::nullopt;
  return Tick{*machine, {machines_[*machine].prefix + ".tick", "{}"}};
}

std::optional<std::size_t> TickCore::take(const Now& now) {
  const Timestamp log_now = estimate(now);
  for (std::size_t i = 0; i < machines_.size(); ++i) {
    auto& machine = machines_[i];
    if (machine.proposing || !machine.due || *machine.due > log_now) continue;
    if (machine.not_before > now.mono) continue;
    machine.proposing = true;
    return i;
  }
  return std::nullopt;
}

void TickCore::on_reply(std::size_t index, const Result<void>& result, MonoTime now) {
  auto& machine = machines_[index];
  machine.proposing = false;
  if (!result) {
    machine.not_before = now + kAfterError;
  } else if (machine.due && *machine.due > log_time_) {
    machine.not_before = now + std::clamp(*machine.due - log_time_, kEarlyShortest, kEarlyLongest);
  } else {
    machine.not_before = now;  // its work was bounded and there is more
  }
}

std::optional<MonoTime> TickCore::next_step(const Now& now) const {
  const Timestamp log_now = estimate(now);
  std::optional<MonoTime> first;
  for (const auto& machine : machines_) {
    if (machine.proposing || !machine.due) continue;
    if (stands_ && *machine.due > log_now) continue;
    const auto left = std::max(*machine.due - log_now, Millis{0});
    const auto at = std::max(machine.not_before, now.mono + left);
    first = first ? std::min(*first, at) : at;
  }
  return first;
}

}  // namespace weir::replica
