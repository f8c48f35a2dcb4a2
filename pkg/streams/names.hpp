// Names and subjects of native streams: what callers may use. Pure functions.
#pragma once

#include <string_view>

#include "pkg/base/result.hpp"

namespace weir::streams {

// Of this program itself, or with rules of their own (buckets): JOBS, DATA, ROOMS, WEIR_*, KV_*,
// OBJ_*, $... Of these JOBS_DLQ and JOB_EVENTS may be read by everybody.
bool is_internal(std::string_view stream);
enum class Access : std::uint8_t { read, write };

// Errors: invalid / bad_stream_name; forbidden / internal_stream.
Result<void> check_stream(std::string_view stream, Access access);
// Error: invalid / bad_consumer_name.
Result<void> check_consumer(std::string_view consumer);

enum class Wildcards : std::uint8_t { allowed, refused };
// Error: invalid / bad_subject (not a subject, or one of NATS or of this program).
Result<void> check_subject(std::string_view subject, Wildcards wildcards);

// Whether a subject without wildcards matches `pattern` (`*` one token, `>` the rest).
bool subject_matches(std::string_view pattern, std::string_view subject);

}  // namespace weir::streams
