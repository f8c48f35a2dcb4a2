// LeaseStore: the one shared record that says who leads, with compare-and-set. The real one is a
// key of a NATS KV bucket (pkg/replica/kv_lease_store.hpp).
//
// Members block for at most a few seconds. One thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pkg/base/result.hpp"

namespace weir::replica {

struct LeaseRecord {
  std::string holder;          // empty: given back
  std::uint64_t revision = 0;  // grows with every write: the fence
};

class LeaseStore {
 public:
  virtual ~LeaseStore() = default;
  // Errors: unavailable / nats_unavailable.
  virtual Result<std::optional<LeaseRecord>> read() = 0;
  // Writes `holder` if the record still has `expected` (0: does not exist yet); the new revision.
  // Errors: conflict / lease_changed; unavailable, deadline_exceeded (it may be written).
  virtual Result<std::uint64_t> write(const std::string& holder, std::uint64_t expected) = 0;
};

}  // namespace weir::replica
