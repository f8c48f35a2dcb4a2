// A message of a stream as JSON. `data` is the value when the bytes are JSON; other text and bytes
// are strings, and `encoding` says so. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/nats/jetstream.hpp"

namespace weir::streams {

// {sequence,subject,at,headers?,data,encoding?}: the members, inside of an object.
void write_message(json::Writer& out, const nats::StoredMessage& message);
std::string message_json(const nats::StoredMessage& message);

// The bytes that `data` stands for in `encoding` ("json", "text", "base64"; empty: json).
// Error: invalid / bad_message.
Result<std::string> bytes_of(json::View data, std::string_view encoding);

}  // namespace weir::streams
