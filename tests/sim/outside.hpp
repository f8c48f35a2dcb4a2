// What nodes share besides the log: the leader's lease and the stream that effects go to.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pkg/replica/effects_core.hpp"
#include "pkg/replica/lease_store.hpp"
#include "tests/sim/world.hpp"

namespace weir::sim {

struct SharedLease {
  std::optional<replica::LeaseRecord> record;
  std::uint64_t revision = 0;
};

// A node's access to the lease: sometimes out of reach, sometimes the answer is lost.
class SimLeases final : public replica::LeaseStore {
 public:
  SimLeases(World& world, SharedLease& lease, const bool& cut)
      : world_(world), lease_(lease), cut_(cut) {}
  Result<std::optional<replica::LeaseRecord>> read() override;
  Result<std::uint64_t> write(const std::string& holder, std::uint64_t expected) override;

 private:
  World& world_;
  SharedLease& lease_;
  const bool& cut_;
};

struct EffectStream {
  struct Stored {
    std::string id;
    std::string body;
  };
  std::vector<Stored> stored;         // without duplicates, in order
  std::map<std::string, int> copies;  // publishes of each id
};

class SimEffects final : public replica::EffectSink {
 public:
  SimEffects(World& world, EffectStream& stream, const bool& cut)
      : world_(world), stream_(stream), cut_(cut) {}
  std::size_t publish(std::span<const replica::EffectMessage> messages) override;

 private:
  World& world_;
  EffectStream& stream_;
  const bool& cut_;
};

}  // namespace weir::sim
