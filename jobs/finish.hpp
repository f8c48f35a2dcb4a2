// What a worker says about a job it holds: complete, fail, release, heartbeat; and what happens
// when it says nothing: expiry. One item of jobs.work or a whole operation.
#pragma once

#include <optional>
#include <string>

#include "jobs/job_row.hpp"
#include "jobs/step.hpp"

namespace weir::jobs {

class Finisher {
 public:
  Finisher(Step& step, std::uint64_t salt) : step_(step), salt_(salt) {}

  // Items: {"lease":"token","log"?, ...}. Each appends its answer ({"ok":true,...}) to `out`.
  // Errors: conflict / lease_lost; nothing is changed then.
  Result<void> complete(json::View item, std::string& out);  // "result"?
  // "error"?, "retry"?, "retry_after_ms"?, "terminate"?
  Result<void> fail(json::View item, std::string& out);
  Result<void> release(json::View item, std::string& out);    // "delay_ms"?; or the token alone
  Result<void> heartbeat(json::View item, std::string& out);  // "progress"?, "message"?,
                                                              // "checkpoint"?
  // The lease ran out, the timeout of the attempt, or the grace of a cancelled job.
  void expire(std::int64_t row);
  // The queue of the job is being dropped: it ends as cancelled.
  void revoke(std::int64_t row);

 private:
  struct Failure {
    std::string_view error;                      // JSON
    std::optional<std::int64_t> retry_after_ms;  // else the backoff decides
    bool may_retry = true;
    bool terminate = false;  // no dead letter either
    Outcome outcome = Outcome::failed;
  };

  Lease* find(json::View token, std::int64_t& row);
  void fail_attempt(Job& job, Queue& queue, const Failure& failure);
  void end_lease(std::int64_t row, Lease& lease);
  void end_cancelled(Job& job, Queue& queue, std::string_view error);
  void ended(const Job& job, Queue& queue, Cause cause, std::int64_t at);
  void schedule_retry(Job& job, Queue& queue, const Failure& failure);
  void end_failed(Job& job, Queue& queue, const Failure& failure);
  void dead_letter(const Job& job, const Queue& queue, std::string_view error);
  std::int64_t backoff_ms(const Job& job, const Queue& queue) const;
  void record_attempt(Job& job, Outcome outcome, std::string_view error);
  void keep_progress(std::int64_t row, json::View progress, json::View message);
  Job loaded(std::int64_t row);
  std::string id_of(std::int64_t row);

  Step& step_;
  const std::uint64_t salt_;
};

}  // namespace weir::jobs
