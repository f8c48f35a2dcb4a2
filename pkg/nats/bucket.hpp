// Bucket: a JetStream KV bucket (ADR-8) by raw subjects, with everything that KeyValue leaves out:
// markers, history, reads by revision, per-message TTL and atomic batches where the server has
// them. Every NATS client reads and writes the same entries. Blocking calls, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/nats/jetstream.hpp"

namespace weir::nats {

enum class Mark : std::uint8_t { value, deleted, purged };

struct BucketRecord {
  std::string key;  // as it stands in the subject
  std::string value;
  Headers headers;
  std::uint64_t revision = 0;  // sequence in the stream
  std::int64_t time_ns = 0;    // when the bucket stored it
  Mark mark = Mark::value;
};

struct BucketConfig {
  int history = 1;                    // revisions kept per key, 1-64
  Millis ttl{0};                      // of every entry; 0: for ever
  std::int64_t max_bytes = -1;        // of the bucket; -1: no limit
  std::int64_t max_value_bytes = -1;  // of one value
  int replicas = 1;                   // or kAutomaticReplicas
};

struct BucketInfo {
  std::string name;
  BucketConfig config;
  std::uint64_t values = 0;  // stored messages, markers included
  std::uint64_t keys = 0;    // distinct ones, deleted ones included while their marker is kept
  std::uint64_t bytes = 0;
  std::uint64_t last_revision = 0;
  std::string created;
  bool direct = false;       // direct get is allowed
  bool message_ttl = false;  // Nats-TTL is honoured (nats-server 2.11)
  bool atomic = false;       // atomic batches are taken (nats-server 2.12)
};

struct BucketWrite {
  std::string key;
  std::string value;
  Headers headers = {};
};

// Names of headers.
inline constexpr std::string_view kOperationHeader = "KV-Operation";
inline constexpr std::string_view kExpectedHeader = "Nats-Expected-Last-Subject-Sequence";
inline constexpr std::string_view kRollupHeader = "Nats-Rollup";
inline constexpr std::string_view kTtlHeader = "Nats-TTL";

std::string_view find_header(const Headers& headers, std::string_view name);  // empty when absent
Mark mark_of(const Headers& headers);

// What the server did not answer in time, of calls that change nothing, is as if it were away.
class Bucket {
 public:
  enum class Read : std::uint8_t {
    leader,   // sees every acknowledged write
    nearest,  // by direct get: faster; a replica of the bucket may lag
  };

  Bucket(JetStream jetstream, std::string name);
  // Any stream whose subjects are `prefix` and a key, to be read and written as one; the rest is
  // its owner's business.
  static Bucket over(JetStream jetstream, std::string stream, std::string prefix);

  // [A-Za-z0-9_-]{1,64}.
  static bool is_valid_name(std::string_view name);

  const std::string& name() const { return name_; }
  const std::string& stream() const { return stream_; }
  std::string subject(std::string_view key) const;

  // With the features that the server has. Error: conflict / stream_exists with another config.
  Result<BucketInfo> create(const BucketConfig& config) const;
  Result<BucketInfo> info() const;  // stream_not_found
  Result<void> destroy() const;     // stream_not_found

  // The newest record of a key, markers included.
  Result<std::optional<BucketRecord>> last(std::string_view key, Read read) const;
  // The first record from `revision` on whose key matches `filter` (a key, or ">" for all).
  Result<std::optional<BucketRecord>> next(std::string_view filter, std::uint64_t revision) const;

  // Gives the revision. Errors: conflict / wrong_last_sequence; too_large / message_too_large,
  // value_too_large; out_of_space / stream_full; stream_not_found.
  Result<std::uint64_t> write(const BucketWrite& write) const;
  // All of them or none; needs BucketInfo::atomic, 1 to 1000 writes. Gives the last revision.
  // Errors as write(). deadline_exceeded: all or none happened.
  Result<std::uint64_t> write_all(const std::vector<BucketWrite>& writes) const;

  const JetStream& jetstream() const { return jetstream_; }

 private:
  Bucket(JetStream jetstream, std::string name, std::string stream, std::string prefix);

  JetStream jetstream_;
  std::string name_;
  std::string stream_;
  std::string prefix_;  // of subjects
};

// Every bucket of the account, by name.
Result<std::vector<BucketInfo>> list_buckets(const JetStream& jetstream);

}  // namespace weir::nats
