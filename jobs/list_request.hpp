// ListRequest: which jobs a list, or a change of many jobs, is about. Pure values, except
// matches(), which may read what is kept beside a row.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jobs/fields.hpp"
#include "jobs/job_row.hpp"
#include "jobs/status.hpp"
#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"
#include "pkg/json/view.hpp"

namespace weir::jobs {

enum class ListSort : std::uint8_t {
  natural,  // see list_jobs()
  newest,   // by submission
  oldest
};

struct ListRequest {
  std::optional<Status> status = {};
  std::string queue = {};  // empty: all
  std::string type = {};
  std::string key = {};
  std::string tag = {};
  std::string worker = {};
  std::string error = {};  // stands in the message or the type of the error, in any case of letters
  // Each has this value: a string, or another value as its JSON.
  std::vector<std::pair<std::string, std::string>> metadata = {};
  std::optional<Timestamp> created_after = {}, created_before = {};    // [after, before)
  std::optional<Timestamp> finished_after = {}, finished_before = {};  // [after, before)
  bool unfinished = false;                                             // not those that have ended
  ListSort sort = ListSort::natural;
  std::int64_t limit = 50;  // 1-1000
  std::string cursor = {};  // next_cursor of the page before
};

// The members of a filter: status, queue, type, key, tag, worker, error, metadata, created_after,
// created_before, finished_after, finished_before. Complains about what is wrong with them.
void read_filter(Fields& fields, ListRequest& out);

// {filter members, "sort","limit","cursor"}. Errors: invalid / invalid_request with the fields.
Result<ListRequest> parse_list_request(json::View text);

// Whether the job is one of those; the queue and the bounds of finished_at are the list's business.
bool matches(sqlite::Database& db, const ListRequest& request, const Job& job);

}  // namespace weir::jobs
