// jobs.submit: {"job":{...}} or {"jobs":[...],"atomic":false}.
#pragma once

#include <string>

#include "jobs/batches.hpp"
#include "jobs/dependencies.hpp"
#include "jobs/job_row.hpp"
#include "jobs/step.hpp"
#include "jobs/unique.hpp"

namespace weir::jobs {

// A job as an operation carries it. Views point into the operation.
struct NewJob {
  std::string_view id;
  std::string_view queue;
  std::string type;
  std::string key;
  std::string target;        // see jobs/target.hpp; empty: any worker
  std::string_view payload;  // raw JSON; empty: null
  std::string options;       // JSON object or empty
  json::View unique;         // see jobs/unique.hpp; missing: not unique
  json::View depends_on;     // ids, see jobs/dependencies.hpp; missing: none
  json::View on_failure;
  std::string_view batch;                // id, see jobs/batches.hpp; empty: none
  bool owed = false;                     // by the machine itself: no limit refuses it
  std::optional<std::int64_t> priority;  // none: the queue's default
  std::optional<std::int64_t> run_at;    // unix ms
  std::optional<std::int64_t> delay_ms;  // from the time of the log entry
  std::optional<std::int64_t> max_attempts;
  std::optional<std::int64_t> lease_ms;
};

// Whether the queue takes one more waiting job, after `more` others and `more_of_key` of the key.
// Errors: too_many_requests / queue_full.
Result<void> check_waiting(const Queue& queue, std::string_view key, std::int64_t more = 0,
                           std::int64_t more_of_key = 0);

// Points into `body`, a job as jobs.submit carries it.
NewJob parse_new_job(json::View body);

class Submitter {
 public:
  explicit Submitter(Step& step) : step_(step), wants_reply_(step.context.wants_reply) {}

  // Errors: too_many_requests / too_many_queues, queue_full, conflict / unique_conflict, invalid /
  // webhook_without_secret (single or atomic; else an item's result).
  Result<std::string> apply(json::View body);

  struct Outcome {
    Status status = Status::unprocessed;
    std::int64_t created_at = 0;
    std::string_view queue;
    bool duplicate = false;
    std::string id = {};    // of the job that was there; empty: the new job's
    bool replaced = false;  // the job that was there got the new content
    std::int64_t row = 0;   // of the job that is answered
  };
  // Inserts one job, or finds the one with its id or its unique key. Errors: conflict /
  // unique_conflict, and too_many_queues, queue_full, webhook_without_secret; for all workers
  // conflict / no_workers, too_many_workers, job_id_taken.
  Result<Outcome> insert(const NewJob& job);

  // Whether all jobs can be inserted; they may name `new_batch`, which is about to be made.
  Result<void> check_atomic(json::View jobs, std::string_view new_batch = {});
  // Jobs that were checked: {"id","status"} of each.
  std::vector<std::string> insert_all(json::View jobs);

 private:
  Result<std::string> apply_new(json::View body);
  Result<std::string> apply_single(json::View job);
  Result<std::string> apply_batch(json::View jobs);
  Result<void> check_queues(json::View jobs) const;
  Result<void> check_full(json::View jobs);  // jobs/limits.cpp
  Result<void> check_webhooks(json::View jobs) const;
  Result<void> check_signing(const NewJob& job) const;
  // jobs/submit_unique.cpp
  Result<void> check_uniques(json::View jobs);
  // jobs/submit_parents.cpp
  Result<void> check_parents(json::View jobs);
  Result<Parents> parents_of(const NewJob& job);
  Result<void> check_batches(json::View jobs, std::string_view new_batch);
  Result<JobBatch*> batch_of(const NewJob& job);
  Result<void> find_queue(const NewJob& job);  // sets last_queue_
  bool is_known(std::string_view id);
  std::optional<std::int64_t> find_holder(const NewJob& job, const Queue& queue);
  Result<Outcome> resolve_unique(const NewJob& job, std::int64_t holder);
  void replace(Job& held, const NewJob& job, OnConflict how);

  // How a new job begins.
  struct Start {
    Status status;
    std::int64_t priority;
    std::optional<std::int64_t> run_at;
    std::int64_t parts;
  };
  void bind(sqlite::Statement& write, const NewJob& job, const Queue& queue, const Start& start);
  Outcome existing(std::string_view id);
  // The rest of insert(), when the parents are known.
  Result<Outcome> insert_behind(const NewJob& job, const Parents& parents);
  // Whether the job may be inserted; otherwise the job that is there instead, or the error.
  Result<std::optional<Outcome>> admit(const NewJob& job, const Queue& queue, bool owned);
  Result<Outcome> put(const NewJob& job, const Parents& parents, Queue& queue, JobBatch* batch,
                      std::int64_t parts);
  // jobs/fan_out.cpp
  Result<Outcome> insert_fan_out(const NewJob& job);
  Result<std::vector<std::string>> workers_for(std::string_view id, std::string_view queue);
  Result<void> check_fan_outs(json::View jobs);

  Step& step_;
  bool wants_reply_;                      // here, or to be kept
  std::optional<std::int64_t> made_row_;  // of the job that a single submit answered
  Aliases aliases_;                       // of jobs of this batch
  Queue* last_queue_ = nullptr;           // of the job before: batches name one queue mostly
};

}  // namespace weir::jobs
