// SystemProbe: what NATS says about itself, for health documents. Behind an interface so that the
// documents answer in time whatever NATS does, and so that tests need no server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pkg/base/clock.hpp"

namespace weir::api {

struct StreamFacts {
  std::string name;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t consumers = 0;
  std::uint64_t subjects = 0;  // distinct ones
  int replicas = 1;
  int replicas_current = 1;        // those that live and follow
  std::string discard = "new";     // when full: "new" refuses, "old" drops the oldest
  std::int64_t max_bytes = -1;     // -1: no limit
  std::int64_t max_messages = -1;  // -1: no limit
  Millis max_age{0};               // 0: for ever
};

struct BucketFacts {
  std::string name;
  std::uint64_t keys = 0;
  std::uint64_t bytes = 0;
  int replicas = 1;
  int replicas_current = 1;
};

struct SystemFacts {
  bool fresh = false;    // asked and answered within the bound; else the last known values
  std::string problem;   // why they are not fresh, for people
  Timestamp taken_at{};  // of the values; the epoch when there never were any
  std::string nats_url;  // never with credentials
  std::string nats_version;
  bool clustered = false;           // NATS is a cluster
  std::optional<bool> sync_always;  // fsync before every acknowledgement; empty: not known
  std::optional<Millis>
      clock_skew;         // NATS's clock minus ours, beyond the round trip; empty: not told
  double latency_ms = 0;  // round trip of the last successful question
  std::vector<StreamFacts> streams;  // without those that carry KV buckets
  std::vector<BucketFacts> kv_buckets;
};

class SystemProbe {
 public:
  virtual ~SystemProbe() = default;
  // Asks NATS and waits for the answer at most `wait`; then gives what was known before, marked as
  // not fresh. Thread-safe; callers at the same time share one question.
  virtual SystemFacts refresh(Millis wait) = 0;
  // What is known, without asking.
  virtual SystemFacts last_known() const = 0;
};

}  // namespace weir::api
