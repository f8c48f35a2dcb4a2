// DrainClients: who drains and undrains the workers of a simulated run. The referee sees it in the
// log, and that a draining worker is given nothing.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "jobs/requests.hpp"
#include "tests/sim/world.hpp"

namespace weir::sim {

class DrainClients {
 public:
  using Propose = std::function<void(replica::Operation, replica::ReplyHandler)>;
  DrainClients(World& world, Propose propose) : world_(world), propose_(std::move(propose)) {}

  void begin(std::vector<std::string> workers);
  // Everybody gets jobs again.
  void calm();

 private:
  void operate();
  void undrain(const std::string& worker, int tries);

  World& world_;
  const Propose propose_;
  std::vector<std::string> workers_;
  bool calm_ = false;
};

}  // namespace weir::sim
