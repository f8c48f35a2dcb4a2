// BlobStore: where values live that are too long for the log. Blocking; implementations are
// thread-safe.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"

namespace weir::replica {

// Where a blob is, and how to tell that it is whole.
struct BlobRef {
  std::uint64_t bytes = 0;
  std::string sha256;                 // 64 hex digits
  std::string stream;                 // which stream: another one with its name is not it
  std::vector<std::uint64_t> chunks;  // sequences in the stream, in order
};

class BlobStore {
 public:
  virtual ~BlobStore() = default;

  // Durable when it returns. Errors: unavailable / nats_unavailable and what the server says.
  virtual Result<BlobRef> put(std::string_view bytes) = 0;
  // Errors: conflict / payload_lost when a chunk is gone or another; as put().
  virtual Result<std::string> get(const BlobRef& ref) = 0;
  // Chunks that are gone already, or with their stream, are no error.
  virtual Result<void> remove(std::string_view stream,
                              const std::vector<std::uint64_t>& chunks) = 0;

  // Looks at the chunks from `from` on that are not in `known`, at most `limit` of them.
  struct Found {
    std::string stream;
    std::vector<std::uint64_t> older;  // stored before the time asked for
    std::uint64_t next = 0;            // go on from here; 0: the end, or what is younger, was seen
  };
  virtual Result<Found> find_unknown(std::uint64_t from, const std::set<std::uint64_t>& known,
                                     Timestamp stored_before, std::size_t limit) = 0;
};

}  // namespace weir::replica
