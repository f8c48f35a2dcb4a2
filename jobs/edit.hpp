// Editing a job that waits: new content, another priority or another time.
//
// Thread rule: the applier thread only. sqlite::Failure passes through.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/job_row.hpp"
#include "jobs/step.hpp"

namespace weir::jobs {

// What is not set stays as it is.
struct Edit {
  std::optional<std::string_view> payload = {};  // raw JSON
  std::optional<std::string> type = {};
  std::optional<std::string> target = {};   // empty: any worker
  std::optional<std::string> options = {};  // all of them: a JSON object, or empty
  std::optional<std::int64_t> priority = {};
  std::optional<std::int64_t> run_at = {};  // unix ms; in the past: ready at once
  std::optional<std::int64_t> max_attempts = {};
  std::optional<std::int64_t> lease_ms = {};
};

constexpr bool is_waiting(Status status) {
  return status <= Status::unprocessed;
}

// Writes the row, its blobs and the counters; `job` is as it is afterwards. It must wait.
void edit_job(Step& step, Job& job, const Edit& edit);

}  // namespace weir::jobs
