// Following the messages of a stream: GET /v1/streams/{stream}/tail, Server-Sent Events.
#pragma once

#include "api/core/call.hpp"
#include "api/core/services.hpp"

namespace weir::api {

// Errors: those of streams::Tails::feed; bad_request / bad_parameter; invalid / bad_subject.
Result<void> follow_stream(Services& services, const Call& call);

}  // namespace weir::api
