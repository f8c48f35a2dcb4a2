// Proposer: the thread-safe driver of a ProposerCore over a Log. A proposal goes out on the
// caller's thread when nothing is in flight; otherwise the answer to what is in flight sends it.
//
// Shared, because the log may answer an append after the owner has stopped.
#pragma once

#include <memory>
#include <mutex>

#include "pkg/replica/proposer_core.hpp"

namespace weir::replica {

class Proposer : public std::enable_shared_from_this<Proposer> {
 public:
  Proposer(ProposerOptions options, Log& log, const Clock& clock)
      : core_(std::move(options)), log_(log), clock_(clock) {}

  void propose(Operation operation, ReplyHandler done);
  void applied(std::vector<OwnEntry> entries);
  void on_timer();
  std::optional<MonoTime> next_timer() const;
  // Answers everything with `error`, or outcome_unknown for what may be stored.
  void fail_all(const Error& error);
  // As fail_all(), and refuses with `error` from now on; the log is not called any more.
  void stop(const Error& error);

  std::size_t waiting() const;
  ProposerCore::Counters counters() const;

 private:
  void pump(std::unique_lock<std::mutex>& lock);
  void on_append(std::uint64_t sequence, const Result<Appended>& result);
  static void complete(Completions& completions);

  mutable std::mutex mutex_;
  ProposerCore core_;
  bool publishing_ = false;  // one thread appends at a time: entries reach the log in order
  std::optional<Error> stopped_;
  Log& log_;
  const Clock& clock_;
};

}  // namespace weir::replica
