// Topics and patterns. A topic is segments with dots between them ("orders.eu.created"); in a
// pattern `*` stands for any one segment, and `#` at the end for any number of them, also none.
//
// A topic is the NATS subject below kSubjectPrefix: "orders.eu" is published on
// "weir.pubsub.orders.eu", where every NATS client can subscribe and publish. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "pkg/base/result.hpp"

namespace weir::pubsub {

inline constexpr std::string_view kSubjectPrefix = "weir.pubsub.";
inline constexpr std::size_t kMaxTopicBytes = 255;

// Errors: invalid / invalid_topic. UTF-8 without white space, control characters, `*`, `>`, `#`,
// and no empty segments.
Result<void> check_topic(std::string_view topic);
// The same for patterns, where whole segments may be `*`, and the last one `#`.
Result<void> check_pattern(std::string_view pattern);
bool is_plain(std::string_view pattern);  // has no wildcard: matches one topic only

// Both are checked.
bool matches(std::string_view pattern, std::string_view topic);

std::string subject_of(std::string_view topic);
std::string_view topic_of(std::string_view subject);  // empty when it is no topic's

}  // namespace weir::pubsub
