#include "pkg/replica/leader_core.hpp"

#include <algorithm>

namespace weir::replica {

void LeaderCore::step(MonoTime now) {
  if (now < next_step_) return;
  if (held_ != 0) {
    renew(now);
  } else {
    observe(now);
  }
}

void LeaderCore::renew(MonoTime now) {
  next_step_ = now + options_.renew;
  auto written = store_.write(options_.holder, held_);
  if (written) {
    won(*written, now);
    return;
  }
  // Not written, or written without a word: leads_until_ runs out by itself, and the record tells.
  if (written.error().code == Code::conflict) lost();
  held_ = 0;
  next_step_ = now;
}

void LeaderCore::observe(MonoTime now) {
  next_step_ = now + options_.observe;
  auto found = store_.read();
  if (!found) return;
  const LeaseRecord record = found->value_or(LeaseRecord{});
  const bool mine = record.holder == options_.holder;
  if (!mine && record.revision != seen_) {
    seen_ = record.revision;
    seen_at_ = now;
  }
  const bool free = record.holder.empty() || mine;
  const MonoTime ends = seen_at_ + options_.ttl;
  if (!free && now < ends) {
    next_step_ = std::min(next_step_, ends);
    return;
  }
  if (auto written = store_.write(options_.holder, record.revision); written) won(*written, now);
}

void LeaderCore::won(std::uint64_t revision, MonoTime asked_at) {
  held_ = revision;
  leads_until_ = (asked_at + options_.ttl * 2 / 3).time_since_epoch().count();
  next_step_ = asked_at + options_.renew;
}

void LeaderCore::resign() {
  const bool held = held_ != 0;
  lost();
  // Refused or lost: others wait for the ttl, as after a crash.
  if (held) (void)store_.write("", held_);
  held_ = 0;
}

}  // namespace weir::replica
