// What callers say of streams, consumers and messages: JSON and queries to the values of
// pkg/streams. Pure functions; all wrong fields at once.
#pragma once

#include <optional>

#include "api/core/call.hpp"
#include "pkg/streams/consumers.hpp"
#include "pkg/streams/service.hpp"

namespace weir::api {

std::optional<std::uint64_t> parse_sequence(std::string_view text);

// Errors: invalid / invalid_stream, invalid_request, invalid_message, bad_message,
// invalid_consumer; bad_request / unknown_field, wrong_type, bad_parameter.
Result<streams::StreamSettings> read_stream_settings(json::View body);
Result<streams::Purge> read_purge(json::View body);
Result<streams::Publish> read_publish(json::View body);
Result<streams::Read> read_page_query(const http::Request& request);
Result<streams::ConsumerSettings> read_consumer_settings(json::View body);

// {"max","wait_ms"} of a fetch.
struct FetchWish {
  std::size_t max = 1;
  Millis wait{0};
};
Result<FetchWish> read_fetch(json::View body);

// {"acks":[...],"delay_ms"?}
struct Acks {
  std::vector<std::string> tokens;
  Millis delay{0};
};
Result<Acks> read_acks(json::View body, bool takes_delay);

}  // namespace weir::api
