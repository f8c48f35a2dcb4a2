// ServingState: whether this replica serves, and why not. Written by the applier and the
// housekeeper, read by everybody; thread-safe.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "pkg/base/error.hpp"
#include "pkg/base/result.hpp"

namespace weir::replica {

class ServingState {
 public:
  enum class Phase : std::uint8_t { starting, serving, troubled, stopped };

  Phase phase() const { return phase_.load(); }
  bool serving() const { return phase() == Phase::serving; }
  bool readable() const { return phase() != Phase::stopped && !resyncing(); }
  bool resyncing() const { return resyncing_.load(); }

  void caught_up() {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::starting) return;
    phase_ = Phase::serving;
    resyncing_ = false;
  }
  // The state is built anew from here on, whatever was; the phase and the problem before, for
  // undo_resync().
  struct Before {
    Phase phase;
    std::string problem;
  };
  Before begin_resync() {
    const std::lock_guard lock(mutex_);
    resyncing_ = true;
    Before before{phase_.exchange(Phase::starting), std::move(problem_)};
    problem_.clear();
    return before;
  }
  void undo_resync(Before before) {
    const std::lock_guard lock(mutex_);
    if (phase_ == Phase::stopped) return;  // meanwhile, and for another reason
    problem_ = std::move(before.problem);
    phase_ = before.phase;
    resyncing_ = false;
  }
  // A failure that may pass by itself (a full disk). Ends with recovered().
  void trouble(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (phase_ == Phase::stopped) return;
    if (phase_ != Phase::troubled) before_ = phase_.load();
    phase_ = Phase::troubled;
    problem_ = describe(error);
  }
  void recovered() {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::troubled) return;
    phase_ = before_;
    problem_.clear();
  }
  // For good. The first reason stays. False when it was stopped already.
  bool stop(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (phase_ == Phase::stopped) return false;
    phase_ = Phase::stopped;
    resyncing_ = false;
    problem_ = describe(error);
    return true;
  }

  std::string problem() const {
    const std::lock_guard lock(mutex_);
    return problem_;
  }

  // What a caller is told while it does not serve: nothing happened.
  Error refusal() const {
    if (resyncing()) {
      return Error{.code = Code::unavailable,
                   .reason = "replica_resyncing",
                   .message = "This coordinator builds its state anew",
                   .details = "ask another one, or this one later",
                   .retry_after = std::chrono::milliseconds{1'000}};
    }
    if (phase() == Phase::starting) {
      return Error{.code = Code::unavailable,
                   .reason = "replica_starting",
                   .message = "This coordinator is still reading the log",
                   .details = "",
                   .retry_after = std::chrono::milliseconds{1'000}};
    }
    return Error{.code = Code::unavailable,
                 .reason = "replica_stopped",
                 .message = "This coordinator has stopped applying the log",
                 .details = problem(),
                 .retry_after = std::chrono::milliseconds{5'000}};
  }

 private:
  std::atomic<Phase> phase_{Phase::starting};
  std::atomic<bool> resyncing_{false};
  mutable std::mutex mutex_;
  Phase before_ = Phase::starting;
  std::string problem_;
};

}  // namespace weir::replica
