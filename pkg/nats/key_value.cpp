#include "pkg/nats/key_value.hpp"

namespace weir::nats {

KeyValue::KeyValue(JetStream jetstream, std::string bucket)
    : jetstream_(std::move(jetstream)), bucket_(std::move(bucket)) {}

std::string KeyValue::subject(std::string_view key) const {
  return "$KV." + bucket_ + "." + std::string(key);
}

Result<void> KeyValue::ensure(const BucketOptions& options) const {
  StreamConfig config;
  config.name = "KV_" + bucket_;
  config.subjects = {subject(">")};
  config.replicas = options.replicas;
  config.max_age = options.ttl;
  config.max_messages_per_subject = 1;
  config.key_value = true;
  // The window may not be longer than the age.
  if (options.ttl.count() > 0)
    config.duplicate_window = std::min(config.duplicate_window, options.ttl);
  const auto made = jetstream_.ensure_stream(config);
  if (!made) return made.error();
  return {};
}

Result<std::optional<KeyValueEntry>> KeyValue::get(std::string_view key) const {
  auto stored = jetstream_.last_message("KV_" + bucket_, subject(key));
  if (!stored) {
    if (stored.error().reason == "message_not_found") return std::optional<KeyValueEntry>();
    return std::move(stored).error();
  }
  for (const auto& [name, value] : stored->headers) {
    if (name == "KV-Operation") return std::optional<KeyValueEntry>();
  }
  return std::optional<KeyValueEntry>(
      KeyValueEntry{std::move(stored->data), stored->sequence, stored->time_ns});
}

Result<std::uint64_t> KeyValue::update(std::string_view key, std::string_view value,
                                       std::uint64_t expected) const {
  return jetstream_.publish(subject(key), value,
                            {{"Nats-Expected-Last-Subject-Sequence", std::to_string(expected)}});
}

Result<std::uint64_t> KeyValue::put(std::string_view key, std::string_view value) const {
  return jetstream_.publish(subject(key), value, {});
}

Result<void> KeyValue::remove(std::string_view key) const {
  const auto written = jetstream_.publish(subject(key), "", {{"KV-Operation", "DEL"}});
  if (!written) return written.error();
  return {};
}

}  // namespace weir::nats
