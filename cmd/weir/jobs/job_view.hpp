// Jobs as people read them, and waiting for their end. Shared by job, submit and dlq.
#pragma once

#include "cmd/weir/cli/context.hpp"

namespace weir::cli {

std::string job_path(const std::string& id, std::string_view rest = {});  // "/v1/jobs/ID..."
bool is_finished(const std::string& status);                              // of a job, of a batch

// Waits until the job ends, at most `limit` (0 = for ever), over any number of requests. Errors:
// those of Context::ask; deadline_exceeded / wait_over.
Result<Json> wait_for_job(Context& context, const std::string& id, Millis limit);

// The same for whatever answers a status under `path` and takes ?wait=.
struct Waited {
  std::string what;  // "job 7"
  std::string path;
};
Result<Json> wait_for_end(Context& context, const Waited& waited, Millis limit);

// The message of a job's or an attempt's error, "-" without one.
std::string error_text(const Json& job);

std::string job_details(const Json& job, bool colours);  // one job, every field
// {items,...} of a list as a table; `none` when it is empty.
std::string job_table(const Json& page, bool colours, const std::string& none = "No jobs.\n");

}  // namespace weir::cli
