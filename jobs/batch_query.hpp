// Reads about batches, answered as wire JSON. As jobs/queries.hpp: any thread, indexes only, pages
// that look at no more than kListScanRows rows.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/batch_book.hpp"
#include "jobs/status.hpp"
#include "pkg/base/result.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {

// The members of a batch as its owners see it, into an open object.
void write_batch(json::Writer& out, sqlite::Database& db, const JobBatch& batch);

// Errors: not_found / batch_not_found.
Result<std::string> get_batch(sqlite::Database& db, std::string_view id);
Result<BatchState> get_batch_state(sqlite::Database& db, std::string_view id);
// The queues of its members and of its callbacks.
Result<std::vector<std::string>> get_batch_queues(sqlite::Database& db, std::string_view id);

struct BatchListRequest {
  std::optional<BatchState> state = {};
  std::int64_t limit = 50;
  std::string cursor = {};
  // Shows only batches all of whose queues it takes; empty: all.
  std::function<bool(std::string_view queue)> allowed = {};
};
// {items,next_cursor}, newest first. Errors: invalid / invalid_request (cursor).
Result<std::string> list_batches(sqlite::Database& db, const BatchListRequest& request);

struct MemberListRequest {
  std::string id;
  std::optional<Status> status = {};
  std::int64_t limit = 50;
  std::string cursor = {};
};
// {items,next_cursor}: the members that are kept, in the order of submitting. Errors: not_found /
// batch_not_found, invalid / invalid_request (cursor).
Result<std::string> list_members(sqlite::Database& db, const MemberListRequest& request);

// The id of the batch of the job `row`, which has kInBatch.
std::string batch_id_of(sqlite::Database& db, std::int64_t row);

}  // namespace weir::jobs
