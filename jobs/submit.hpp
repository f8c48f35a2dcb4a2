// jobs.submit: {"job":{...}} or {"jobs":[...],"atomic":false}.
#pragma once

#include <string>

#include "jobs/step.hpp"

namespace weir::jobs {

// A job as an operation carries it. Views point into the operation.
struct NewJob {
  std::string_view id;
  std::string_view queue;
  std::string type;
  std::string key;
  std::string_view payload;  // raw JSON; empty: null
  std::string options;       // JSON object or empty
  std::int64_t priority = kDefaultPriority;
  std::optional<std::int64_t> run_at;    // unix ms
  std::optional<std::int64_t> delay_ms;  // from the time of the log entry
  std::optional<std::int64_t> max_attempts;
  std::optional<std::int64_t> lease_ms;
};

class Submitter {
 public:
  explicit Submitter(Step& step) : step_(step) {}

  // Errors: too_many_requests / too_many_queues (single or atomic; else an item's result).
  Result<std::string> apply(json::View body);

  struct Outcome {
    Status status = Status::unprocessed;
    std::int64_t created_at = 0;
    std::string_view queue;
    bool duplicate = false;
  };
  // Inserts one job, or finds the one with its id.
  Result<Outcome> insert(const NewJob& job);

 private:
  Result<std::string> apply_single(json::View job);
  Result<std::string> apply_batch(json::View jobs);
  Result<void> check_queues(json::View jobs) const;
  void bind(sqlite::Statement& write, const NewJob& job, const Queue& queue, Status status,
            std::optional<std::int64_t> run_at);
  Outcome existing(std::string_view id);

  Step& step_;
  Queue* last_queue_ = nullptr;  // of the job before: batches name one queue mostly
};

}  // namespace weir::jobs
