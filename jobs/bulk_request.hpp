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
};

// {"filter":{...},"dry_run","limit","cursor"}: the filter has one member at least. Jobs that have
// ended are not among them. Errors: invalid / invalid_request with the fields.
Result<BulkRequest> parse_bulk_cancel(json::View body);
// The same, of dead letters. A redrive that goes through them a page at a time.
Result<BulkRequest> parse_bulk_redrive(json::View body);
// A redrive that is not just ids or a queue.
bool is_bulk_redrive(json::View body);
// A redrive that takes its time (jobs/redrives.hpp): it has a rate or a patch, and is no dry run.
bool is_timed_redrive(json::View body);

// The filter of a redrive, checked before, of those that were dead at `now` (unix ms).
ListRequest parse_redrive_filter(json::View filter, std::int64_t now);

// Replies {"cancelled","cancel_requested","skipped","revision"}.
replica::Operation cancel_jobs(const std::vector<std::string>& ids);
// Replies {"redriven","missing","more","before","revision"}.
replica::Operation redrive_jobs(const std::vector<std::string>& ids);

}  // namespace weir::jobs
