// Jobs as people read them, and waiting for their end. Shared by job, submit and dlq.
#pragma once

#include "cmd/weir/context.hpp"

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
// {items,...} of a list as a table.
std::string job_table(const Json& page, bool colours);

// Prints the page, and the command that goes on when there is more.
void print_page(const Context& context, const Json& page, const std::string& table);

// "?a=b&c=d" from pairs; empty values are left out.
std::string query_of(const std::vector<std::pair<std::string, std::string>>& pairs);
// The same from options of these names.
std::string query_of(const Parsed& parsed, std::initializer_list<const char*> names);

}  // namespace weir::cli
