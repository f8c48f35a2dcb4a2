// Snapshots: what operators ask of the snapshots of one log. Blocking; thread-safe.
#pragma once

#include <string>
#include <vector>

#include "pkg/replica/snapshot_store.hpp"

namespace weir::replica {

class Snapshots {
 public:
  virtual ~Snapshots() = default;

  // Takes one now, reads it back, and truncates the log below the one before. Errors: conflict /
  // snapshot_running; of the store, of SQLite; out_of_space / disk_full.
  virtual Result<SnapshotInfo> take() = 0;
  virtual Result<std::vector<SnapshotInfo>> list() = 0;  // newest first
  // Reads it all and compares. Errors: not_found / snapshot_not_found; internal / snapshot_damaged.
  virtual Result<SnapshotInfo> verify(const std::string& id) = 0;
  virtual std::uint64_t taken() const = 0;  // by this node, since its start
};

}  // namespace weir::replica
