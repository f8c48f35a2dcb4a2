// FilteredPicker: the Picker where not every worker may run every ready job: for workers that name
// types, and for queues with jobs that have a target. It says which ready job is next among those
// the worker may run, in the order of jobs/picker.hpp among those jobs alone.
//
// O(log n) for a queue without keys, times the types and the targets that match. With keys, one
// step of a walk over the keys by turn and one of a walk over the keys that have such jobs, in
// turns, until one walk knows: the cost is that of the shorter one. Jobs of other types or targets
// cost nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "jobs/step.hpp"

namespace weir::jobs {

// The targets of ready jobs of the queue that match the worker.
std::vector<std::string> ready_targets(const Queue& queue, const LeaseCall& call);

class FilteredPicker {
 public:
  // Of `call`, which must live longer, the types count; `targets` are those beside "any worker".
  FilteredPicker(Step& step, Queue& queue, const LeaseCall& call,
                 const std::vector<std::string>& targets);

  // The row of the next job; nothing when no such job may run. Lease it before the next call.
  std::optional<std::int64_t> next();

 private:
  struct Found {
    std::int64_t row = 0;
    std::int64_t turn = 0;
  };
  // One range of an index: the jobs of a target (none: any worker) and a type (none: all).
  struct Source {
    std::optional<std::string_view> target;
    std::optional<std::string_view> type;
  };

  std::optional<Found> candidate(std::size_t priority);
  std::optional<Found> keyed(std::size_t priority);
  std::optional<std::int64_t> first_row(std::size_t priority, std::optional<std::string_view> key);
  std::optional<std::string> next_key(std::size_t priority, std::string_view after);
  std::int64_t created_at(std::int64_t row);

  Step& step_;
  Queue& queue_;
  std::vector<Source> sources_;
};

}  // namespace weir::jobs
