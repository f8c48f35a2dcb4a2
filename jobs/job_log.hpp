// Log lines that workers send with their reports and that are kept with the job: the newest
// kLogLinesKept of at most kLogBytesKept bytes in all, older ones are dropped and counted. They are
// forgotten with the job.
//
// A job with lines has kHasLog in jobs.parts, a row in job_log_sums and its lines in job_logs,
// numbered from 1 without a gap.
//
// Thread rule: keep_log() and erase_log() on the applier thread, list_log() on a read snapshot of
// any thread. sqlite::Failure passes through.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/fields.hpp"
#include "jobs/step.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {

// Reads a client's `log`, a line or a list of them, and writes it as reports carry it. A line is
// a string or {"at"?,"level"?,"message"}.
void write_log_request(Fields& fields, json::Writer& out);

// Appends lines, as write_log_request() wrote them, to those of a running job.
void keep_log(Step& step, std::int64_t row, json::View lines);
void erase_log(sqlite::Database& db, std::int64_t row);

struct LogRequest {
  std::int64_t after = 0;                    // the number of the last line that was seen
  std::optional<std::int64_t> attempt = {};  // of this one only
  std::int64_t limit = 100;
  std::size_t max_bytes = 8 << 20;  // of the page; it has one line at least
};
struct LogLine {
  std::int64_t number = 0;
  std::string text;  // {"line","at","attempt","level","message"}
};
struct LogPage {
  std::vector<LogLine> lines;
  std::int64_t last = 0;  // the number of the last one; without any: LogRequest::after
  bool more = false;
  std::int64_t kept = 0;     // lines of the job
  std::int64_t dropped = 0;  // of the job, the oldest
  bool ended = false;        // the job is finished
};
// Errors: not_found / job_not_found.
Result<LogPage> read_log(sqlite::Database& db, std::string_view id, const LogRequest& request);
// {"id","items":[{"line","at","attempt","level","message"}],"next_cursor","lines","dropped"}.
Result<std::string> list_log(sqlite::Database& db, std::string_view id, const LogRequest& request);

// What is touched when a job got lines (Instance::watch).
std::string log_key(std::string_view id);

}  // namespace weir::jobs
