// One job of a submit request.
#pragma once

#include <string>

#include "jobs/request_parts.hpp"

namespace weir::jobs {

enum class JobRole : std::uint8_t {
  single,    // may name an open batch
  member,    // submitted with its batch
  callback,  // of a batch: neither unique nor dependent, and told its batch by a header
};

struct JobRequestOptions {
  UuidGenerator& ids;  // for jobs without an id
  std::size_t max_payload_bytes;
  JobRole role = JobRole::single;
  std::string_view batch = {};  // id, of members and callbacks
  bool signs_webhooks = false;  // see Requests::Options
};

// The header of callbacks that holds the id of their batch.
inline constexpr std::string_view kBatchHeader = "weir-batch-id";

// Reads the client's job at `path`, writes it as jobs.submit carries it. What it writes counts
// only when no errors were added.
void write_job_request(FieldErrors& errors, json::View job, const std::string& path,
                       const JobRequestOptions& options, json::Writer& out);

// The job of a schedule: without id, run_at, delay_ms and unique, which its runs decide.
void write_job_template(FieldErrors& errors, json::View job, const std::string& path,
                        const JobRequestOptions& options, json::Writer& out);

// Reads what a client changes of a waiting job, and writes it as jobs.edit carries it, without the
// braces' end: the caller adds members.
void write_job_edit(FieldErrors& errors, json::View edit, std::size_t max_payload_bytes,
                    json::Writer& out);

}  // namespace weir::jobs
