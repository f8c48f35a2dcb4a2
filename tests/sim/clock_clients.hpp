// ClockClients: who turns the test clock of a simulated cluster that was made for one: advances the
// time, makes it stand still, lets it run on. What it is told must be what the machines see.
#pragma once

#include <functional>
#include <vector>

#include "pkg/replica/instance.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sim/world.hpp"

namespace weir::sim {

class ClockClients {
 public:
  struct Hooks {
    std::function<void(replica::Operation, replica::ReplyHandler)> propose;
    std::function<std::optional<Timestamp>()> log_time;  // as some node knows it
  };
  ClockClients(World& world, Ledger& ledger, Hooks hooks)
      : world_(world), ledger_(ledger), hooks_(std::move(hooks)) {}

  void begin() { turn(); }
  // Time runs on.
  void calm();

 private:
  void turn();
  void advance();
  void run_on(int tries);

  World& world_;
  Ledger& ledger_;
  const Hooks hooks_;
  bool calm_ = false;
};

}  // namespace weir::sim
