#include "tests/sim/drain_clients.hpp"

#include <memory>

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

constexpr int kMostTries = 20;

}  // namespace

void DrainClients::begin(std::vector<std::string> workers) {
  workers_ = std::move(workers);
  operate();
}

void DrainClients::calm() {
  calm_ = true;
  // And again when drains that were late have come.
  for (const auto& worker : workers_) {
    undrain(worker, 1);
    world_.after(39s, [this, worker] { undrain(worker, 1); });
  }
}

void DrainClients::operate() {
  if (calm_) return;
  const auto& worker = workers_[world_.below(workers_.size())];
  propose_(jobs::worker_drain(worker), [](const Result<replica::Reply>&) {});
  world_.after(Micros{world_.between(200'000, 3'000'000)}, [this, worker] {
    undrain(worker, 1);
    world_.after(Micros{world_.between(500'000, 4'000'000)}, [this] { operate(); });
  });
}

// Again until it is sure; a worker that is not known is not draining.
void DrainClients::undrain(const std::string& worker, int tries) {
  const auto sure = std::make_shared<bool>(false);
  propose_(jobs::worker_undrain(worker), [sure](const Result<replica::Reply>& reply) {
    *sure = reply.has_value() || reply.error().reason == "worker_not_found";
  });
  world_.after(3s, [this, worker, tries, sure] {
    if (!*sure && tries < kMostTries) undrain(worker, tries + 1);
  });
}

}  // namespace weir::sim
