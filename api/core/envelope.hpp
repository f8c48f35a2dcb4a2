// The error envelope of every answer that is not a success (docs/errors.md):
//
//   {"error":"human sentence","details":"what to do","code":404,"reason":"job_not_found"}
//
// and for 422 also "fields":[{"field","message"}]. One table maps Code to the HTTP status.
// Thread-safe: pure functions.
#pragma once

#include <string_view>

#include "api/http/types.hpp"
#include "pkg/base/error.hpp"

namespace weir::api {

int http_status(Code code);

// The answer for `error`. An internal error is logged under the request id and told without its
// message, details or reason: those may name files and statements.
http::Response error_response(const Error& error, std::string_view request_id);

// The envelope alone, as one item of a batch or the body of error_response().
std::string error_json(const Error& error);

}  // namespace weir::api
