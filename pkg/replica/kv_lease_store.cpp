#include "pkg/replica/kv_lease_store.hpp"

namespace weir::replica {

Result<std::optional<LeaseRecord>> KvLeaseStore::read() {
  auto entry = bucket_.get(key_);
  if (!entry && entry.error().reason == "stream_not_found") {
    WEIR_TRY(bucket_.ensure({.replicas = replicas_}));
    entry = bucket_.get(key_);
  }
  if (!entry) return std::move(entry).error();
  if (!entry->has_value()) return std::optional<LeaseRecord>();
  return std::optional<LeaseRecord>(LeaseRecord{(*entry)->value, (*entry)->revision});
}

Result<std::uint64_t> KvLeaseStore::write(const std::string& holder, std::uint64_t expected) {
  auto written = bucket_.update(key_, holder, expected);
  if (written || written.error().code != Code::conflict) return written;
  return Error{Code::conflict, "lease_changed", "Somebody else wrote the lease",
               written.error().details};
}

}  // namespace weir::replica
