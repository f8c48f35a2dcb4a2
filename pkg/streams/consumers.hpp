// Consumers of native streams: durable pull consumers, as every NATS client knows them. Blocking
// calls, thread-safe; errors as streams::Service, and not_found / consumer_not_found.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pkg/nats/jetstream.hpp"

namespace weir::streams {

inline constexpr std::string_view kAck = "+ACK";
inline constexpr std::string_view kNak = "-NAK";
inline constexpr std::string_view kTerm = "+TERM";
inline constexpr std::string_view kProgress = "+WPI";

// What is not said begins with the default, or stays.
struct ConsumerSettings {
  std::optional<std::string> description = {};
  std::vector<std::string> filter_subjects = {};  // more than one: nats-server 2.10 and later
  std::optional<std::string> deliver = {};        // "all", "last", "new", "last_per_subject"
  std::optional<std::uint64_t> start_sequence = {};
  std::optional<Timestamp> start_at = {};
  std::optional<std::string> ack = {};  // "explicit", "all", "none"
  std::optional<Millis> ack_wait = {};
  std::optional<std::int64_t> max_deliver = {};
  std::optional<std::int64_t> max_ack_pending = {};
};

class Consumers {
 public:
  explicit Consumers(const nats::JetStream& jetstream) : jetstream_(jetstream) {}

  Result<std::string> list(const std::string& stream) const;  // {"items":[...]}
  Result<std::string> get(const std::string& stream, const std::string& consumer) const;
  struct Made {
    std::string json;
    bool created = false;
  };
  // Errors: conflict / too_old_server (several filters); invalid / stream_refused.
  Result<Made> put(const std::string& stream, const std::string& consumer,
                   const ConsumerSettings& settings) const;
  Result<void> remove(const std::string& stream, const std::string& consumer) const;

  // Answers for a delivered message and waits until the server has it. `token` is the message's
  // `ack`. Errors: invalid / bad_ack_token (not of this consumer); deadline_exceeded /
  // nats_timeout.
  Result<void> answer(const std::string& stream, const std::string& consumer,
                      const std::string& token, std::string_view word, Millis delay) const;

 private:
  Result<std::string> info(const std::string& stream, const std::string& consumer) const;

  const nats::JetStream& jetstream_;
};

// Whether `token` is the reply subject of a message that this consumer delivered.
bool is_ack_of(std::string_view token, std::string_view stream, std::string_view consumer);

}  // namespace weir::streams
