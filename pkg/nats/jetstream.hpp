// JetStream by its raw API subjects: works with every server from 2.9 on, whatever the client
// library knows. Blocking calls; thread-safe; needs the Connection to outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pkg/nats/connection.hpp"

namespace weir::nats {

constexpr int kAutomaticReplicas = 0;

struct StreamConfig {
  std::string name;
  std::string description = {};
  std::vector<std::string> subjects;
  int replicas = 1;  // kAutomaticReplicas: 3, or 1 where the server stands alone
  Millis duplicate_window{120'000};
  Millis max_age{0};            // 0: for ever
  std::int64_t max_bytes = -1;  // -1: no limit; when full, publishes are refused (discard new)
  std::int64_t max_messages_per_subject = -1;
  bool key_value = false;  // the flags of a KV bucket: rollup allowed, deletes denied
};

struct StreamInfo {
  std::string name;
  std::string description;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  std::uint64_t consumers = 0;
  std::uint64_t subjects = 0;  // distinct ones
  std::string created;         // RFC 3339 with nanoseconds: differs after delete and create
  int replicas = 1;
  int replicas_current = 1;                // those that live and follow, the leader included
  bool clustered = false;                  // the server belongs to a cluster
  std::string discard;                     // "new": refuses when full; "old": drops the oldest
  std::int64_t max_bytes = -1;             // -1: no limit
  std::int64_t max_messages = -1;          // -1: no limit
  Millis max_age{0};                       // 0: for ever
  std::optional<Timestamp> answered_at{};  // by the server's clock; empty before nats-server 2.10
};

struct StoredMessage {
  std::uint64_t sequence = 0;
  std::string subject;
  std::int64_t time_ns = 0;  // since the Unix epoch, whole ms, when the stream stored it
  std::string data;
  Headers headers;
};

struct AccountInfo {
  int api_level = 0;  // 0 before nats-server 2.11
  std::uint64_t streams = 0;
};

// Turns the "error" object of an API answer into an Error. Reasons: stream_not_found,
// message_not_found, wrong_last_sequence (conflict), stream_full (out_of_space), stream_exists
// (conflict), message_ttl_disabled (conflict), too_few_servers, jetstream_unavailable
// (unavailable), jetstream_error.
Error api_error(int code, int err_code, const std::string& description);

class JetStream {
 public:
  explicit JetStream(std::shared_ptr<Connection> connection, Millis timeout = Millis{2000});

  // Besides the named errors each call may answer unavailable / nats_unavailable, no_responders or
  // deadline_exceeded / nats_timeout.
  Result<AccountInfo> account_info() const;
  // Creates it and checks what the server made of it; a stream that exists with the same subjects
  // is accepted as it is. Errors: conflict / stream_mismatch when it exists with others;
  // unavailable / too_few_servers when the cluster cannot hold so many replicas now.
  Result<StreamInfo> ensure_stream(const StreamConfig& config) const;
  Result<StreamInfo> stream_info(std::string_view stream) const;  // stream_not_found
  Result<std::vector<StreamInfo>> streams() const;                // all, in pages
  Result<void> delete_stream(std::string_view stream) const;
  // Drops everything below `sequence`. Never by subject filter: nats-server before 2.9.12 loses
  // queued work on a filtered purge.
  Result<void> purge_below(std::string_view stream, std::uint64_t sequence) const;
  // Deletes one message; its bytes are not overwritten. Error: message_not_found.
  Result<void> delete_message(std::string_view stream, std::uint64_t sequence) const;
  // Read from the stream's leader: sees every acknowledged write. Error: message_not_found.
  Result<StoredMessage> message(std::string_view stream, std::uint64_t sequence) const;
  Result<StoredMessage> last_message(std::string_view stream, std::string_view subject) const;
  // As message(), from whichever replica answers first: cheap, and perhaps a moment behind.
  Result<StoredMessage> direct_message(std::string_view stream, std::uint64_t sequence) const;
  Result<StoredMessage> direct_last_message(std::string_view stream,
                                            std::string_view subject) const;
  // The first from `sequence` on whose subject matches `filter`.
  Result<StoredMessage> next_message(std::string_view stream, std::string_view filter,
                                     std::uint64_t sequence) const;

  // Publishes and waits for the acknowledgement; gives the stream sequence. Errors as api_error.
  Result<std::uint64_t> publish(std::string_view subject, std::string_view data,
                                const Headers& headers) const;

  Connection& connection() const { return *connection_; }
  const std::shared_ptr<Connection>& shared_connection() const { return connection_; }
  // A request with this object's timeout, whatever answers it.
  Result<Message> request(std::string_view subject, std::string_view data,
                          const Headers& headers = {}) const {
    return connection_->request(subject, data, timeout_, headers);
  }
  // One API call: the checked JSON answer, or its error.
  Result<std::string> call(std::string_view verb, std::string_view body) const;

 private:
  Result<std::string> create_stream(const StreamConfig& config) const;
  Result<StoredMessage> direct_get(const std::string& subject, std::string_view body) const;

  std::shared_ptr<Connection> connection_;
  Millis timeout_;
};

}  // namespace weir::nats
