// SnapshotStore: where copies of the applied state are kept, so that the log need not be kept for
// ever and a new coordinator need not apply all of it. JetStreamSnapshots is the real one.
//
// A snapshot is the SQLite database at one revision, compressed (zstd). Blocking; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pkg/replica/state_machine.hpp"

namespace weir::replica {

struct SnapshotInfo {
  std::string id;
  Revision revision = 0;  // the state after this entry of the log
  Timestamp time{};       // log time of `revision`
  std::string identity;   // of the log
  std::string digest;     // of the log up to `revision`, hex: Position::digest
  Timestamp created{};
  std::string node;             // that took it
  std::uint64_t bytes = 0;      // compressed
  std::uint64_t raw_bytes = 0;  // of the database
  std::string sha256;           // of the compressed bytes, hex
};

class SnapshotStore {
 public:
  virtual ~SnapshotStore() = default;

  // Stores the compressed file and then its description; one that was cut short is never listed.
  virtual Result<void> put(const SnapshotInfo& info, const std::string& file) = 0;
  // Newest first. Empty when there is none, also when nothing was ever stored.
  virtual Result<std::vector<SnapshotInfo>> list() = 0;
  // Writes the compressed bytes to `file`. Errors: not_found / snapshot_not_found; internal /
  // snapshot_damaged when they are not what was stored.
  virtual Result<void> fetch(const SnapshotInfo& info, const std::string& file) = 0;
  // Forgets all but the newest `count`.
  virtual Result<void> keep(std::size_t count) = 0;
};

}  // namespace weir::replica
