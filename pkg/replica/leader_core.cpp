#include "pkg/replica/leader_core.hpp"

#include <algorithm>
#include <utility>

namespace weir::replica {
namespace {

bool is_free(const LeaseRecord& record, const std::string& holder) {
  return record.holder.empty() || record.holder == holder;
}

}  // namespace

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
  note(record, now);
  const bool free = is_free(record, options_.holder);
  const MonoTime ends = seen_at_ + options_.ttl;
  if (!free && now < ends) {
    next_step_ = std::min(next_step_, ends);
    return;
  }
  if (auto written = store_.write(options_.holder, record.revision); written) won(*written, now);
}

void LeaderCore::note(const LeaseRecord& record, MonoTime now) {
  if (record.holder == options_.holder || record.revision == seen_) return;
  seen_ = record.revision;
  seen_at_ = now;
}

void LeaderCore::won(std::uint64_t revision, MonoTime asked_at) {
  held_ = revision;
  leads_until_ = (asked_at + leads_for()).time_since_epoch().count();
  next_step_ = asked_at + options_.renew;
}

void LeaderCore::resign() {
  const bool held = held_ != 0;
  lost();
  // Refused or lost: others wait for the ttl, as after a crash.
  if (held) (void)store_.write("", held_);
  held_ = 0;
}

Result<void> LeaderCore::hand_over(const std::string& heir) {
  if (held_ == 0) return Error{Code::conflict, "not_leader", "This coordinator does not lead", ""};
  lost();
  auto written = store_.write(heir, std::exchange(held_, 0));
  if (!written) return std::move(written).error();
  return {};
}

Result<void> LeaderCore::claim(MonoTime now) {
  if (held_ != 0) return {};
  WEIR_ASSIGN(const auto found, store_.read());
  const LeaseRecord record = found.value_or(LeaseRecord{});
  note(record, now);
  if (!is_free(record, options_.holder)) {
    return Error{Code::conflict, "lease_held", "Another coordinator leads", record.holder};
  }
  WEIR_ASSIGN(const auto written, store_.write(options_.holder, record.revision));
  won(written, now);
  return {};
}

Result<void> LeaderCore::take(const Clock& clock) {
  if (held_ != 0) return {};
  WEIR_ASSIGN(const auto found, store_.read());
  const LeaseRecord record = found.value_or(LeaseRecord{});
  // The one before wrote for the last time before this moment, or the write below is refused.
  const MonoTime now = clock.mono();
  const bool free = is_free(record, options_.holder);
  WEIR_ASSIGN(const auto written, store_.write(options_.holder, record.revision));
  leads_from_ = free ? 0 : (now + leads_for()).time_since_epoch().count();
  won(written, now);
  return {};
}

}  // namespace weir::replica
