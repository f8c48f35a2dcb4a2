// What the `weir stream` commands share: paths, bodies, and how messages look. Pure but for
// reading standard input.
#pragma once

#include "cmd/weir/cli/context.hpp"
#include "cmd/weir/cli/values.hpp"

namespace weir::cli {

std::string stream_path(const std::string& stream);

// {data, encoding?} of a message: JSON stays JSON, anything else is text; "-" reads standard input.
Json message_body(const std::string& text);

// One line: sequence, when, subject, data.
std::string message_line(const Json& message, Timestamp now);
// Its data as it was stored: text bare, bytes as base64, JSON as JSON.
std::string message_data(const Json& message);

// cmd/weir/data/stream_consumer.cpp: make, look at, take from and answer for consumers.
int stream_consumer(Args args);
// cmd/weir/data/stream_messages.cpp
int stream_pub(Args args);
int stream_get(Args args);
int stream_tail(Args args);

}  // namespace weir::cli
