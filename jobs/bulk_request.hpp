// Changes of many jobs that a filter names. The node looks for the jobs, a page at a time, and
// proposes the change of those ids: applying is bounded, and a job that is not what it was any more
// is left alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "jobs/list_request.hpp"
#include "pkg/replica/state_machine.hpp"

namespace weir::jobs {

struct BulkRequest {
  ListRequest select;
  bool dry_run = false;
  // Redrive only: so many jobs per second become ready, from start_at on (unset: now).
  std::optional<std::int64_t> rate_per_s;
  std::optional<std::int64_t> start_at;  // unix ms
};

// {"filter":{...},"dry_run","limit","cursor"}: the filter has one member at least. Jobs that have
// ended are not among them. Errors: invalid / invalid_request with the fields.
Result<BulkRequest> parse_bulk_cancel(json::View body);
// The same, of dead letters, with "rate_per_s" and "start_at".
Result<BulkRequest> parse_bulk_redrive(json::View body);
// A redrive that is not just ids or a queue.
bool is_bulk_redrive(json::View body);

// Replies {"cancelled","cancel_requested","skipped","revision"}.
replica::Operation cancel_jobs(const std::vector<std::string>& ids);
// Replies {"redriven","missing","more","before","revision","ends_at"?}: with a rate, when the last
// one becomes ready.
replica::Operation redrive_jobs(const std::vector<std::string>& ids, const BulkRequest& request);

}  // namespace weir::jobs
