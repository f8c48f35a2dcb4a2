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

  void caught_up() { change(Phase::starting, Phase::serving, ""); }
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
    problem_ = describe(error);
    return true;
  }

  std::string problem() const {
    const std::lock_guard lock(mutex_);
    return problem_;
  }

  // What a caller is told while it does not serve: nothing happened.
  Error refusal() const {
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
  void change(Phase from, Phase to, const char* problem) {
    const std::lock_guard lock(mutex_);
    if (phase_ != from) return;
    phase_ = to;
    problem_ = problem;
  }

  std::atomic<Phase> phase_{Phase::starting};
  mutable std::mutex mutex_;
  Phase before_ = Phase::starting;
  std::string problem_;
};

}  // namespace weir::replica
