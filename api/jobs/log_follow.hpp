// Following the log lines of a job (GET /v1/jobs/{id}/logs?follow=true): those that are kept, then
// the others as workers report them, until the job has ended. It costs no thread; a client that
// reads slowly is read for slowly.
//
// Thread-safe. Errors end the stream: the client comes again with Last-Event-ID.
#pragma once

#include <string>

#include "api/core/services.hpp"
#include "api/http/event_stream.hpp"
#include "jobs/job_log.hpp"

namespace weir::api {

// One event `log` for each line, its id the line's number; then an event `end`. `services` outlives
// the stream.
void follow_log(Services& services, std::string id, const jobs::LogRequest& request,
                const http::EventStream& stream);

}  // namespace weir::api
