// LogInspector: looks whether the log is still the one this replica applied, gives it back what it
// lost at its end, and only then lets entries through (GuardedLog).
//
// A server that lost power, or whose store was put back from a copy, comes back without its newest
// entries. Where this replica has them in its journal, and the log holds nothing else in their
// place, they are stored again: each at its old revision, with its old time, so that every replica
// still applies the same. What cannot be proven is refused.
//
// Thread-safe: one look at a time. Blocks as Log does.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>

#include "pkg/base/clock.hpp"
#include "pkg/replica/entry_journal.hpp"
#include "pkg/replica/guarded_log.hpp"
#include "pkg/replica/sys_machine.hpp"

namespace weir::replica {

class LogInspector {
 public:
  // `journal` may be null: then nothing is given back.
  LogInspector(GuardedLog& log, const EntryJournal* journal, const Clock& clock)
      : log_(log), journal_(journal), clock_(clock) {}

  // Errors: those of verify_log(). unavailable / log_behind: the log is shorter than what was
  // applied, which passes when only its leader is not up to date yet: look again.
  Result<LogInfo> look(const Position& position);
  // For a replica that runs: a conflict that may pass, because a leader on a cluster is not up to
  // date yet, is unavailable / log_doubtful until it has been there for a while.
  Result<LogInfo> look_again(const Position& position);

  std::uint64_t healed() const { return healed_.load(); }  // entries that were stored again

 private:
  Result<LogInfo> heal(const Position& position, Error lost);
  Result<void> may_heal(const Position& position, const LogInfo& info, const Error& lost) const;
  Result<bool> put_back(const LogEntry& entry);  // true: go on with the next

  GuardedLog& log_;
  const EntryJournal* const journal_;
  const Clock& clock_;
  std::atomic<std::uint64_t> healed_{0};
  std::mutex mutex_;
  std::optional<MonoTime> short_since_;     // guarded by mutex_
  std::optional<MonoTime> doubtful_since_;  // guarded by mutex_
};

}  // namespace weir::replica
