// Messages of core NATS as JSON, whoever published them.
#pragma once

#include <string>
#include <string_view>

#include "pkg/nats/connection.hpp"

namespace weir::pubsub {

inline constexpr std::string_view kIdHeader = "Weir-Message-Id";
inline constexpr std::string_view kMetadataHeader = "Weir-Metadata";

// Empty when the message has none of this name.
std::string_view header_of(const nats::Message& message, std::string_view name);

// The body: as it is when it is JSON, else as a JSON string, and {"base64":"..."} when it is not
// even UTF-8.
std::string body_json(const nats::Message& message);

}  // namespace weir::pubsub
