// One job of a submit request.
#pragma once

#include <string>

#include "jobs/request_parts.hpp"

namespace weir::jobs {

struct JobRequestOptions {
  UuidGenerator& ids;  // for jobs without an id
  std::size_t max_payload_bytes;
};

// Reads the client's job at `path`, writes it as jobs.submit carries it. What it writes counts
// only when no errors were added.
void write_job_request(FieldErrors& errors, json::View job, const std::string& path,
                       const JobRequestOptions& options, json::Writer& out);

// The job of a schedule: without id, run_at, delay_ms and unique, which its runs decide.
void write_job_template(FieldErrors& errors, json::View job, const std::string& path,
                        std::size_t max_payload_bytes, json::Writer& out);

// Reads what a client changes of a waiting job, and writes it as jobs.edit carries it, without the
// braces' end: the caller adds members.
void write_job_edit(FieldErrors& errors, json::View edit, std::size_t max_payload_bytes,
                    json::Writer& out);

}  // namespace weir::jobs
