// Large values: payloads, results and checkpoints that are not in the log but in a stream of blobs;
// the log and the tables hold references (jobs/stored_form.hpp). The machine knows which job refers
// to which chunks. When it does not any more - the job is forgotten, the value replaced - the
// chunks are listed as unused, until the leader has deleted them and says so (jobs.large_removed).
//
// Thread rule: the applier thread only, but for the reads. sqlite::Failure passes through.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/schema.hpp"
#include "jobs/step.hpp"
#include "pkg/json/view.hpp"

namespace weir::jobs {

// `row` was given this value; does nothing unless it is large.
void keep_large(Step& step, std::int64_t row, Blob kind, std::string_view value);
// The job is forgotten: so are its large values.
void follow_large(Step& step, const Change& change);
// {"first":[...]}: the chunks of these unused values are deleted.
Result<std::string> large_removed(Step& step, json::View body);

// --- reads ---
struct UnusedValue {
  std::uint64_t first = 0;  // chunk
  std::string stream;       // that they are in (replica::BlobRef)
  std::vector<std::uint64_t> chunks;
};
std::vector<UnusedValue> list_unused_values(sqlite::Database& db, std::int64_t limit);
// Every chunk that is referred to, or listed as unused.
std::set<std::uint64_t> known_chunks(sqlite::Database& db);
// Says that they are deleted.
replica::Operation large_values_removed(const std::vector<UnusedValue>& values);

}  // namespace weir::jobs
