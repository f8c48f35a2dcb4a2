// The snapshots of a simulated cluster: one shelf for all, and what a node sees of it: sometimes
// out of reach, sometimes damaged.
#pragma once

#include <string>
#include <vector>

#include "pkg/replica/snapshot_store.hpp"
#include "tests/sim/world.hpp"

namespace weir::sim {

struct SnapshotShelf {
  struct Stored {
    replica::SnapshotInfo info;
    std::string data;
    bool damaged = false;
  };
  std::vector<Stored> stored;  // newest first
  // One of them rots, as long as another good one is left.
  bool damage(World& world);
};

class SimSnapshots final : public replica::SnapshotStore {
 public:
  SimSnapshots(World& world, SnapshotShelf& shelf, const bool& cut)
      : world_(world), shelf_(shelf), cut_(cut) {}

  Result<void> put(const replica::SnapshotInfo& info, const std::string& file) override;
  Result<std::vector<replica::SnapshotInfo>> list() override;
  Result<void> fetch(const replica::SnapshotInfo& info, const std::string& file) override;
  Result<void> keep(std::size_t count) override;

 private:
  bool out_of_reach() const { return cut_ || world_.fault(50); }

  World& world_;
  SnapshotShelf& shelf_;
  const bool& cut_;
};

}  // namespace weir::sim
