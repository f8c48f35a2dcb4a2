// KvLeaseStore: the leader's lease as one key of a NATS KV bucket; makes the bucket when missing.
#pragma once

#include <string>

#include "pkg/nats/key_value.hpp"
#include "pkg/replica/lease_store.hpp"

namespace weir::replica {

class KvLeaseStore final : public LeaseStore {
 public:
  // `key`: one for each log, "jobs-0".
  KvLeaseStore(const nats::JetStream& jetstream, std::string key, int replicas,
               const std::string& bucket = "weir-leader")
      : bucket_(jetstream, bucket), key_(std::move(key)), replicas_(replicas) {}

  Result<std::optional<LeaseRecord>> read() override;
  Result<std::uint64_t> write(const std::string& holder, std::uint64_t expected) override;

 private:
  const nats::KeyValue bucket_;
  const std::string key_;
  const int replicas_;
};

}  // namespace weir::replica
