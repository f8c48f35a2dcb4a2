// TickCore: decides when the leader proposes "<prefix>.tick" for a machine. Due times are log time;
// this node only estimates what the log's clock shows, so a tick may come early and change nothing:
// then the next one waits for the difference.
//
// Not thread-safe, no thread and no clock of its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pkg/replica/state_machine.hpp"

namespace weir::replica {

// What this node knows of time.
struct Now {
  Timestamp wall{};
  MonoTime mono{};
};

class TickCore {
 public:
  explicit TickCore(std::vector<std::string> prefixes);

  struct Tick {
    std::size_t machine = 0;
    Operation operation;
  };

  // After a commit: a machine's next_due(), and the log's time.
  void set_due(std::size_t machine, std::optional<Timestamp> due) { machines_[machine].due = due; }
  void set_log_time(Timestamp applied, MonoTime at);
  // The log's time stands still (a test clock): nothing becomes due by waiting.
  void set_standing(bool stands) { stands_ = stands; }
  // It was set to another: no machine waits for a difference that is gone.
  void on_step();

  // The next tick to propose; its outcome goes to on_reply(). Call until empty.
  std::optional<Tick> next(const Now& now);
  void on_reply(std::size_t machine, const Result<void>& result, MonoTime now);

  // The same without an operation: the machine that is due.
  std::optional<std::size_t> take(const Now& now);
  // The log's time as far as this node knows it without its wall clock: not later than it is.
  Timestamp known_log_time(MonoTime now) const;

  // When next() will have something; empty when nothing is due or all wait for replies.
  std::optional<MonoTime> next_step(const Now& now) const;

 private:
  struct Machine {
    std::string prefix;
    std::optional<Timestamp> due;
    bool proposing = false;
    MonoTime not_before{};
  };

  Timestamp estimate(const Now& now) const;

  std::vector<Machine> machines_;
  Timestamp log_time_{};
  MonoTime log_time_at_{};
  bool stands_ = false;
};

}  // namespace weir::replica
