// What a referee is shown: each change of a row of the jobs table or of a queue, in order, and the
// operation that made it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/status.hpp"
#include "pkg/json/view.hpp"

namespace weir::sim {

// One operation of the log that was applied.
struct SeenOperation {
  std::string_view name;
  json::View body;
  std::uint64_t revision = 0;
  std::int64_t now = 0;  // unix ms, of the log
  bool accepted = false;
};

// A job's row before and after; no `from`: it came into being, no `to`: it is gone.
struct JobChange {
  std::int64_t row = 0;
  std::int64_t queue = 0;
  std::optional<jobs::Status> from;
  std::optional<jobs::Status> to;
  std::int64_t priority = 0;  // after; the others too, unless said
  std::int64_t created_at = 0;
  std::int64_t fence = 0;
  std::optional<std::int64_t> started_at;
  std::optional<std::int64_t> deadline;
  std::optional<std::int64_t> due_before;       // when a scheduled job is due
  std::optional<std::int64_t> deadline_before;  // of the lease that was
  std::int64_t cancel_before = 0;
  std::string id;
  std::string key;  // empty: none
  std::string type;
  std::string target;  // empty: any worker
  std::string worker;
  std::string options;
};

// A queue's row; gone: it was removed.
struct QueueChange {
  std::int64_t id = 0;
  bool gone = false;
  bool paused = false;
  std::string name;
  std::string config;
};

}  // namespace weir::sim
