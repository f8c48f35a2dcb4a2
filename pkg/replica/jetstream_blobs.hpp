// JetStreamBlobs: blobs in a stream of their own (WEIR_BLOBS), a message for each chunk. What is
// forgotten is deleted message by message, never purged by subject (nats::JetStream::purge_below).
#pragma once

#include <memory>
#include <mutex>

#include "pkg/base/ids.hpp"
#include "pkg/nats/jetstream.hpp"
#include "pkg/replica/blob_store.hpp"

namespace weir::replica {

struct JetStreamBlobOptions {
  std::string stream = "WEIR_BLOBS";
  std::string subject = "weir.blobs.0";
  int replicas = 1;
  std::size_t chunk_bytes = 512U << 10U;  // less when the server takes less in a message
};

class JetStreamBlobs final : public BlobStore {
 public:
  JetStreamBlobs(JetStreamBlobOptions options, std::shared_ptr<nats::Connection> connection,
                 Random& random);

  Result<BlobRef> put(std::string_view bytes) override;
  Result<std::string> get(const BlobRef& ref) override;
  Result<void> remove(std::string_view stream, const std::vector<std::uint64_t>& chunks) override;
  Result<Found> find_unknown(std::uint64_t from, const std::set<std::uint64_t>& known,
                             Timestamp stored_before, std::size_t limit) override;

 private:
  // Makes it when it is not there; its identity.
  Result<std::string> stream();

  const JetStreamBlobOptions options_;
  const nats::JetStream jetstream_;
  Random& random_;
  std::mutex mutex_;
  std::string stream_;  // identity, once it is there; guarded by mutex_
};

}  // namespace weir::replica
