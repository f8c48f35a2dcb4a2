// WorkerRow: a row of job_workers as the queries read it. Pure values, but for the reading.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

struct WorkerRow {
  std::string name;
  std::int64_t last_seen = 0;
  std::int64_t running = 0;
  std::string labels;               // see jobs/target.hpp
  std::vector<std::string> queues;  // that it asked for last
  std::int64_t drained_at = 0;      // 0: it is not draining

  // It can be counted on: seen lately, or it runs a job, whose lease would have ended otherwise.
  bool is_live(std::int64_t now) const;
  bool asks(std::string_view queue) const;
};

// From the columns name, last_seen, running, labels, queues, drained_at.
WorkerRow read_worker(const sqlite::Statement& rows);

// job_workers.queues: names with commas between them.
std::vector<std::string> parse_queue_list(std::string_view list);
std::string format_queue_list(const std::vector<std::string>& queues);

}  // namespace weir::jobs
