// KeyValue: a JetStream KV bucket with compare-and-set, by raw subjects, so that conflicts keep
// their code. Readable by every NATS client. Blocking calls, thread-safe.
#pragma once

#include <optional>

#include "pkg/nats/jetstream.hpp"

namespace weir::nats {

struct KeyValueEntry {
  std::string value;
  std::uint64_t revision = 0;
  std::int64_t time_ns = 0;  // when the bucket stored it
};

struct BucketOptions {
  int replicas = 1;
  Millis ttl{0};  // of every entry; 0: for ever
};

class KeyValue {
 public:
  KeyValue(JetStream jetstream, std::string bucket);

  Result<void> ensure(const BucketOptions& options) const;  // creates it when missing
  // Empty when the key does not exist or was deleted.
  Result<std::optional<KeyValueEntry>> get(std::string_view key) const;
  // Writes only if the key's newest revision is `expected` (0: never written or deleted as
  // revision). Gives the new revision. Error: conflict / wrong_last_sequence.
  Result<std::uint64_t> update(std::string_view key, std::string_view value,
                               std::uint64_t expected) const;
  Result<std::uint64_t> put(std::string_view key, std::string_view value) const;
  Result<void> remove(std::string_view key) const;

 private:
  std::string subject(std::string_view key) const;
  JetStream jetstream_;
  std::string bucket_;
};

}  // namespace weir::nats
