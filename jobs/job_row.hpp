// Job: one row of table jobs as the less frequent operations and the queries handle it. (Submit,
// lease and complete have statements of their own.)
//
// sqlite::Failure passes through.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/schema.hpp"
#include "jobs/status.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

struct Job {
  std::int64_t row = 0;
  std::string id;
  std::int64_t queue = 0;
  Status status = Status::unprocessed;
  std::int64_t priority = 0;
  std::optional<std::int64_t> at;  // see jobs/schema.hpp
  std::int64_t attempt = 0;        // attempts begun and counted
  std::optional<std::int64_t> max_attempts;
  std::optional<std::int64_t> lease_ms;
  std::int64_t created_at = 0;
  std::optional<std::int64_t> run_at;
  std::optional<std::int64_t> started_at;
  std::optional<std::int64_t> finished_at;
  std::optional<std::int64_t> deadline;
  std::int64_t cancel_at = 0;  // end of the grace of a cancelled running job; 0: not cancelled
  std::int64_t fence = 0;
  std::int64_t nonce = 0;
  std::int64_t revision = 0;  // of the last change
  std::int64_t parts = 0;     // side rows: blob_bit(), kHasAttempts
  std::string worker;
  std::string type;
  std::string key;
  std::string target;   // see jobs/target.hpp; empty: any worker
  std::string options;  // JSON object: backoff, tags, metadata, headers, timeout_ms; or empty
  std::string error;    // JSON; empty: none, or in job_blobs
  std::string result;   // JSON; the same
  std::string payload;  // JSON; the same
};

std::optional<Job> load_job(sqlite::Database& db, std::int64_t row);
std::optional<Job> find_job(sqlite::Database& db, std::string_view id);
// Writes the members that change after submit, except those a lease sets (worker, nonce, ...).
void store_job(sqlite::Database& db, const Job& job);
// Deletes the row and everything beside it.
void erase_job(sqlite::Database& db, std::int64_t row, std::int64_t parts);

std::string read_blob(sqlite::Database& db, std::int64_t row, Blob kind);
void write_blob(sqlite::Database& db, std::int64_t row, Blob kind, std::string_view data);

// The bits of jobs.parts that the options ask for.
std::int64_t option_bits(std::string_view options);
// The longest run of one attempt, from options with kTimedBit.
std::int64_t timeout_of(std::string_view options);

// The value, wherever it is stored; empty when there is none.
std::string payload_of(sqlite::Database& db, const Job& job);
std::string result_of(sqlite::Database& db, const Job& job);
std::string error_of(sqlite::Database& db, const Job& job);
// Puts `error` (JSON or empty) into the row or beside it; the row is written by store_job().
void set_error(sqlite::Database& db, Job& job, std::string_view error);
void clear_result(sqlite::Database& db, Job& job);

}  // namespace weir::jobs
