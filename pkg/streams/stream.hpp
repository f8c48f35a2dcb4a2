// A native JetStream stream as callers see it: its settings, and the JSON of what the server says
// of it. Pure values and functions.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/json/view.hpp"

namespace weir::streams {

// What a caller says of a stream; what is not said stays, or begins with the default.
struct StreamSettings {
  std::vector<std::string> subjects = {};  // empty: not said; of a new stream its name
  std::optional<std::string> description = {};
  std::optional<std::string> retention = {};  // "limits", "interest", "workqueue"
  std::optional<std::string> storage = {};    // "file", "memory"
  std::optional<std::string> discard = {};    // "old", "new"
  std::optional<Millis> max_age = {};         // 0: for ever
  std::optional<std::int64_t> max_bytes = {};
  std::optional<std::int64_t> max_messages = {};
  std::optional<std::int64_t> max_messages_per_subject = {};
  std::optional<std::int64_t> max_message_bytes = {};
  std::optional<Millis> duplicate_window = {};
  std::optional<int> replicas = {};  // 0 or not said: 3, or 1 where the server stands alone
};

// The configuration of JetStream that follows, for a new stream, or over what a stream has now.
std::string new_config(const std::string& name, const StreamSettings& settings, int replicas);
std::string changed_config(json::View config, const StreamSettings& settings);

// {name,subjects,description,retention,storage,discard,max_age_ms,...,replicas,messages,bytes,
// first_sequence,last_sequence,first_at,last_at,consumers,created_at} from STREAM.INFO.
std::string stream_json(json::View info);

// The same of a consumer, from CONSUMER.INFO.
std::string consumer_json(json::View info);

// A time of JetStream as ours; null for one it never was.
std::string time_json(json::View time);

}  // namespace weir::streams
