// LeaderCore: wins, keeps and gives back the lease of the tick leader. Nobody's wall clock counts:
// a follower that sees the same revision for a whole `ttl` of its own steady time takes over with
// compare-and-set on that revision; a leader stops leading earlier than that after its last write.
// Who is asked to lead before its turn is handed the lease by its leader, or takes it by force.
//
// Not thread-safe except leads(). What calls the store may block.
#pragma once

#include <atomic>
#include <string>

#include "pkg/base/clock.hpp"
#include "pkg/replica/lease_store.hpp"

namespace weir::replica {

class LeaderCore {
 public:
  struct Options {
    std::string holder;   // different for each life of a node
    Millis ttl{4'000};    // without a write, others take over: within `ttl` and `observe`
    Millis renew{1'000};  // how often the leader writes
    Millis observe{500};  // how often a follower reads
  };

  LeaderCore(Options options, LeaseStore& store) : options_(std::move(options)), store_(store) {}

  void step(MonoTime now);  // does what is due
  MonoTime next_step() const { return next_step_; }
  // From any thread.
  bool leads(MonoTime now) const {
    const auto at = now.time_since_epoch().count();
    return at < leads_until_.load() && at >= leads_from_.load();
  }
  // Gives the lease back, so that another one need not wait for the ttl.
  void resign();

  const std::string& holder() const { return options_.holder; }
  // The answers of these are those of Leadership.
  Result<void> hand_over(const std::string& heir);
  Result<void> claim(MonoTime now);
  Result<void> take(const Clock& clock);

 private:
  void renew(MonoTime now);
  void observe(MonoTime now);
  void note(const LeaseRecord& record, MonoTime now);
  void won(std::uint64_t revision, MonoTime asked_at);
  void lost() { leads_until_ = 0; }
  // How long after its last write a leader leads.
  Millis leads_for() const { return options_.ttl * 2 / 3; }

  const Options options_;
  LeaseStore& store_;
  MonoTime next_step_{};
  std::uint64_t held_ = 0;  // our revision while we hold the lease
  std::uint64_t seen_ = 0;  // somebody else's revision, since seen_at_
  MonoTime seen_at_{};
  std::atomic<MonoTime::rep> leads_until_{0};
  std::atomic<MonoTime::rep> leads_from_{0};  // after a take(): the one before is out by then
};

}  // namespace weir::replica
