// ProposalsCore: decides when the leader asks a machine for what it wants proposed
// (StateMachine::proposals), and keeps account of the answers: a machine is asked again when all
// that it wanted is answered.
//
// Not thread-safe, no thread and no clock of its own.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "pkg/replica/tick_core.hpp"

namespace weir::replica {

class ProposalsCore {
 public:
  // Reads the tables for `machine`; an error or nothing means: not now.
  using Ask = std::function<std::vector<Operation>(std::size_t machine, Timestamp log_time)>;

  ProposalsCore(std::size_t machines, Ask ask);

  // After a commit: a machine's next_proposal(), and the log's time.
  void set_due(std::size_t machine, std::optional<Timestamp> due) { times_.set_due(machine, due); }
  void set_log_time(Timestamp applied, MonoTime at) { times_.set_log_time(applied, at); }
  void set_standing(bool stands) { times_.set_standing(stands); }
  void on_step() { times_.on_step(); }

  struct Round {
    std::size_t machine = 0;
    std::vector<Operation> operations;  // to propose; each outcome goes to on_reply()
  };
  std::optional<Round> next(const Now& now);
  void on_reply(std::size_t machine, const Result<void>& result, MonoTime now);

  // When next() will have something; empty when nothing is due or all wait for replies.
  std::optional<MonoTime> next_step(const Now& now) const { return times_.next_step(now); }

 private:
  struct Open {
    std::size_t replies = 0;  // that are missing
    Result<void> result;
  };

  TickCore times_;
  std::vector<Open> open_;
  const Ask ask_;
};

}  // namespace weir::replica
