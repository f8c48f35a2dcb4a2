// ScheduleClients: who makes schedules in a simulated run. "beat" has a fixed set of runs that must
// all happen once, whatever happens; "mixed" is replaced, paused, triggered and backfilled.
#pragma once

#include <functional>
#include <string>

#include "jobs/requests.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sim/sim_node.hpp"

namespace weir::sim {

class ScheduleClients {
 public:
  struct Hooks {
    std::function<SimNode*()> any_node;  // one that serves, if any
    std::function<void(replica::Operation, replica::ReplyHandler)> propose;
  };

  ScheduleClients(World& world, const jobs::Requests& requests, Ledger& ledger, Hooks hooks);

  void begin();
  // Nothing new; who waits is let go on.
  void calm();
  // When the last run of the schedule that must not miss one is due, by the log's time.
  Timestamp last_beat() const { return last_beat_; }

 private:
  void make_beat(const replica::Operation& operation);
  void operate();
  void set_mixed();
  void change_from_state(bool resume);

  World& world_;
  const jobs::Requests& requests_;
  Ledger& ledger_;
  const Hooks hooks_;
  SimClock clock_;
  bool beat_made_ = false;
  Timestamp last_beat_{};
  bool calm_ = false;
};

}  // namespace weir::sim
