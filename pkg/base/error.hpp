// Error: the one error type of Weir. A code says what the caller can do next, a reason is the
// stable id that documentation and programs use (docs/errors.md), a message is for people.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

enum class Code : std::uint8_t {
  bad_request,         // malformed: repair the request
  unauthenticated,     // no or bad credentials
  forbidden,           // credentials lack the scope
  not_found,           // the named thing does not exist
  method_not_allowed,  // the path exists, the method does not
  conflict,            // the state forbids it: read again, decide again
  too_large,           // over a stated size limit
  unsupported_media,   // content type or encoding that is not accepted
  invalid,             // well-formed, but a value is wrong; see Error::fields
  too_many_requests,   // a limit of the caller: wait Error::retry_after
  upgrade_required,    // this path speaks WebSocket only
  header_too_large,    // request head over its limit
  internal,            // a defect or a broken invariant
  unavailable,         // cannot now, nothing happened: retry
  deadline_exceeded,   // outcome UNKNOWN: retry only what is idempotent
  out_of_space,        // disk or quota full
};

// The name used in logs and in tests: "not_found".
std::string_view to_string(Code code);

struct FieldError {
  std::string field;    // path of the field: "jobs[3].priority"
  std::string message;  // what is wrong and what is allowed
};

struct Error {
  Code code = Code::internal;
  std::string reason;   // stable id, snake_case: "job_not_found"
  std::string message;  // a sentence for people
  std::string details;  // what to do, or the value that was wrong; may be empty
  std::vector<FieldError> fields = {};
  std::chrono::milliseconds retry_after{0};  // 0 = not said
};

// "reason: message (details)", for logs and the CLI.
std::string describe(const Error& error);

}  // namespace weir
