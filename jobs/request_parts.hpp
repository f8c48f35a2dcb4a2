// Pieces that several requests share: each reads client JSON through Fields and writes the form
// that operations carry.
#pragma once

#include <string>
#include <string_view>

#include "jobs/fields.hpp"
#include "jobs/limits.hpp"
#include "pkg/base/ids.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/replica/state_machine.hpp"

namespace weir::jobs {

// A salt as operations carry it: 63 random bits, so that it is an int64 of JSON.
std::int64_t draw_salt(Random& random);

// Complains unless `name` is a legal queue name.
bool check_queue_name(FieldErrors& errors, const std::string& field, std::string_view name);
// Complains unless `id` is a legal job id.
bool check_job_id(FieldErrors& errors, const std::string& field, std::string_view id);

// {kind, delay_ms, max_ms, factor, jitter, list_ms}, durations as integers.
void write_backoff_request(FieldErrors& errors, json::View value, const std::string& path,
                           json::Writer& out);

// A worker's error: {type?, message, stack?, details?}, or a string (the message).
void write_worker_error(FieldErrors& errors, json::View value, const std::string& path,
                        json::Writer& out);

// Raw JSON of at most `most` bytes under `name`.
void write_json(Fields& fields, std::string_view name, std::size_t most, json::Writer& out);

// {"<name>":"<value>"}: the body of most small operations.
std::string one_member(std::string_view name, std::string_view value);

// An operation, or what is wrong. `reason` is that of invalid values.
Result<replica::Operation> finish_request(const FieldErrors& errors, std::string_view reason,
                                          std::string_view name, std::string body,
                                          std::size_t max_bytes);

}  // namespace weir::jobs
