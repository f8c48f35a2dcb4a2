// Unique: at most one job of a queue holds a key. A job takes its key when it is submitted, and
// holds it while it is in the scope it asked for; who submits the key meanwhile gets what
// `on_conflict` says. A job that comes back into its scope (a retry, a release) takes the key again
// when nobody else has it.
//
// Each unique job has a row in job_unique as long as it is kept; `holds` says whether the key is
// its own now. Jobs without a unique key have no row and pay nothing.
//
// Thread rule: the applier thread only. sqlite::Failure passes through.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/step.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {

// How long a job holds its key. The numbers are stored.
enum class UniqueScope : std::uint8_t {
  queued = 0,    // while it waits: scheduled, blocked, unprocessed
  active = 1,    // while it waits or runs
  retained = 2,  // as long as it is kept
  ttl = 3,       // for a time from its submit, at the longest as long as it is kept
};
std::string_view to_string(UniqueScope scope);
std::optional<UniqueScope> parse_unique_scope(std::string_view word);

// What happens to a submit whose key is held.
enum class OnConflict : std::uint8_t {
  answer,    // "return": answered with the job that holds it
  reject,    // 409 unique_conflict
  replace,   // the job that holds it gets the new content; 409 when it does not wait
  debounce,  // the same, and its run_at moves to the later one
};
std::string_view to_string(OnConflict action);
std::optional<OnConflict> parse_on_conflict(std::string_view word);

struct Unique {
  std::string key;
  UniqueScope scope = UniqueScope::active;
  std::int64_t ttl_ms = 0;  // ttl only
  OnConflict on_conflict = OnConflict::answer;
};
// From the form of an operation, complete and checked.
Unique parse_unique(json::View text);

// The row of the job that holds the key.
std::optional<std::int64_t> unique_holder(Step& step, std::int64_t queue, std::string_view key);
// The new job `row`, whose jobs.parts has kUniqueBit, takes the key, which is free.
void take_unique(Step& step, std::int64_t row, std::int64_t queue, const Unique& unique);
// The job changed its status: it loses the key, takes it again, or is forgotten.
void follow_unique(Step& step, const Change& change);
// {"key","scope","held","until"?} of a job with kUniqueBit, for readers.
void write_unique(json::Writer& out, sqlite::Database& db, std::int64_t row);

}  // namespace weir::jobs
