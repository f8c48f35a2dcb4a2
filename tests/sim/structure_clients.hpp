// StructureClients: clients of hashes, lists, sets and sorted sets, whose machine shares the log of
// a simulated run. Lists carry each value once; counters count; everything else meets on a few
// keys, which expire and are deleted. Every answer is noted: the witness must give the same.
#pragma once

#include <functional>
#include <string>

#include "pkg/replica/instance.hpp"
#include "tests/sim/structure_ledger.hpp"
#include "tests/sim/world.hpp"

namespace weir::sim {

class StructureClients {
 public:
  using Propose = std::function<void(replica::Operation, replica::ReplyHandler)>;
  StructureClients(World& world, StructureLedger& ledger, Propose propose)
      : world_(world), ledger_(ledger), propose_(std::move(propose)) {}

  void begin() { act(); }
  void calm() { calm_ = true; }

 private:
  using Done = std::function<void(const Result<replica::Reply>&)>;

  void act();
  void push();
  void pop();
  void count();
  void meet();
  void call(std::string_view command, const std::string& payload, Done done);

  World& world_;
  StructureLedger& ledger_;
  const Propose propose_;
  std::int64_t next_value_ = 0;
  bool calm_ = false;
};

}  // namespace weir::sim
