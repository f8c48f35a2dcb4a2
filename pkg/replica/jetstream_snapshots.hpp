// JetStreamSnapshots: snapshots in a stream of their own (WEIR_SNAPSHOTS). A snapshot is its
// chunks, one message each, and after them one message that describes it: its manifest. A manifest
// names the one before it, so that listing needs no search.
//
// What is forgotten is purged by sequence, never by subject: see nats::JetStream::purge_below().
// Blocking; thread-safe.
#pragma once

#include <memory>
#include <mutex>

#include "pkg/nats/jetstream.hpp"
#include "pkg/replica/snapshot_store.hpp"

namespace weir::replica {

struct JetStreamSnapshotOptions {
  std::string stream = "WEIR_SNAPSHOTS";
  std::string subject = "weir.snapshots.0";  // .manifest, .chunk.<id>
  int replicas = 1;
  std::size_t chunk_bytes = 512U << 10U;  // less when the server takes less in a message
};

class JetStreamSnapshots final : public SnapshotStore {
 public:
  JetStreamSnapshots(JetStreamSnapshotOptions options,
                     std::shared_ptr<nats::Connection> connection);

  Result<void> put(const SnapshotInfo& info, const std::string& file) override;
  Result<std::vector<SnapshotInfo>> list() override;
  Result<void> fetch(const SnapshotInfo& info, const std::string& file) override;
  Result<void> keep(std::size_t count) override;

 private:
  struct Manifest {
    SnapshotInfo info;
    std::uint64_t sequence = 0;  // of the manifest itself
    std::uint64_t first = 0;     // of the chunks
    std::uint64_t previous = 0;  // sequence of the manifest before; 0: none
  };

  Result<void> ensure_stream();
  Result<std::vector<Manifest>> manifests() const;
  std::string chunk_subject(const std::string& id) const;

  const JetStreamSnapshotOptions options_;
  const nats::JetStream jetstream_;
  std::mutex mutex_;
  bool ensured_ = false;  // guarded by mutex_
};

}  // namespace weir::replica
