// What owners and operators do to jobs and queues.
#pragma once

#include <string>
#include <vector>

#include "jobs/job_row.hpp"
#include "jobs/step.hpp"

namespace weir::jobs {

enum class Redriven : std::uint8_t { done, not_dead, not_patchable };

class Manager {
 public:
  explicit Manager(Step& step) : step_(step) {}

  // {"id"}: errors not_found / job_not_found, and conflict / as named.
  Result<std::string> cancel(json::View body);   // job_not_cancellable
  Result<std::string> retry(json::View body);    // job_not_retryable; "as_new": id of the copy
  Result<std::string> promote(json::View body);  // job_not_scheduled
  Result<std::string> remove(json::View body);   // job_not_finished
  Result<std::string> edit(json::View body);     // job_not_waiting; jobs/manage_edit.cpp

  // {"concurrency"?}: of all queues together.
  Result<std::string> set_limits(json::View body);

  // {"queue"}: errors not_found / queue_not_found.
  Result<std::string> configure(json::View body);     // "config"; makes the queue
  Result<std::string> remove_queue(json::View body);  // conflict / queue_not_empty
  // With its jobs, those that run included, a bounded number at a time; "more" until it is gone.
  Result<std::string> drop_queue(json::View body);  // jobs/manage_drop.cpp
  Result<std::string> pause(json::View body);
  Result<std::string> resume(json::View body);
  Result<std::string> purge(json::View body);  // "before": row, from the reply of the step before

  // Of many jobs: jobs/manage_bulk.cpp.
  Result<std::string> cancel_many(json::View body);  // {"ids":[...]}
  // {"ids":[...]} or {"queue","before"?: unix ms}.
  Result<std::string> redrive(json::View body);
  Result<std::string> purge_dead(json::View body);
  // One dead letter, now; `patch` (RFC 7386) changes its payload, unless that is stored in
  // a form of its own (jobs/stored_form.hpp) or gets longer than `max_bytes`.
  Redriven redrive_job(std::string_view id, json::View patch, std::size_t max_bytes);

 private:
  struct Row {
    std::int64_t row;
    std::int64_t priority;
    std::int64_t parts;
  };
  enum class Dead : std::uint8_t { redrive, purge };

  Result<Job> get_job(json::View body);
  Result<Queue*> get_queue(json::View body);
  Result<std::string> set_paused(json::View body, bool paused);
  Result<std::string> copy(const Job& job, std::string_view new_id, json::View given);
  std::string job_reply(const Job& job, const Queue& queue) const;
  void cancel_job(Job& job, Queue& queue);
  void run_again(Job& job, Queue& queue);
  void changed(const Job& job, Queue& queue, Status from, Cause cause, std::int64_t at = 0);
  static std::vector<Row> take_rows(sqlite::Statement& rows);
  void purge_rows(Queue& queue, Status status, const std::vector<Row>& rows);
  void forget(const Job& job, Queue& queue, Cause cause);
  std::int64_t purge_ready(Queue& queue, std::int64_t before, std::int64_t limit);
  // Of any status but unprocessed.
  std::int64_t purge_others(Queue& queue, Status status, std::int64_t before, std::int64_t limit);
  Result<std::string> dead(json::View body, Dead what);
  bool treat_dead(Job job, Dead what);

  Step& step_;
};

}  // namespace weir::jobs
