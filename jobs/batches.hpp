// Batches: jobs that belong together. A job joins an open batch when it is submitted; the batch is
// sealed by its owner, or by itself at seal_at. When it is sealed and all its members have ended,
// it has ended: its state is decided, and its callbacks are submitted in the same entry, each
// once. on_complete belongs to that end; on_success to the moment all members have completed, which
// may come later, when somebody runs those again that did not.
//
// A member has a row in job_members and kInBatch in jobs.parts; the counters follow its changes of
// status (follow_batch). All work is O(1) a member; cancelling looks at kSweepRows members an
// operation, the rest is done by ticks. An ended batch is kept as long as one of its members, and
// at least kBatchKept.
//
// Thread rule: the applier thread only. sqlite::Failure passes through.
#pragma once

#include <string>
#include <string_view>

#include "jobs/batch_book.hpp"
#include "jobs/step.hpp"
#include "pkg/json/view.hpp"

namespace weir::jobs {

Error batch_not_found(std::string_view id);

class Batches {
 public:
  explicit Batches(Step& step) : step_(step) {}

  // {"batch":{"id","name"?,"seal_after_ms","seal","on_success"?,"on_complete"?},"jobs"?:[...],
  // "places"?:[...]}; jobs are an atomic submit, places their positions in the request.
  // Errors: too_many_requests / too_many_batches, and those of an atomic submit.
  Result<std::string> create(json::View body);
  // {"id"}: errors not_found / batch_not_found.
  Result<std::string> seal(json::View body);
  Result<std::string> cancel(json::View body);  // conflict / batch_not_cancellable

  // The batch, if it takes jobs. Errors: not_found / batch_not_found, conflict / batch_sealed.
  Result<JobBatch*> get_open(std::string_view id);
  // The new job `row`, whose jobs.parts has kInBatch, is a member.
  void join(JobBatch& batch, std::int64_t row, const Queue& queue);
  // A member changed its status.
  void follow(const Change& change);
  // Seals, goes on cancelling and forgets what is due, about `limit` rows.
  void visit_due(std::int64_t limit);

 private:
  enum class Callback : std::uint8_t { success = 0, complete = 1 };  // stored

  Result<std::string> create_new(json::View body);
  Result<void> check_callbacks(json::View spec) const;
  void keep_callback(JobBatch& batch, Callback kind, json::View job);
  std::string submit_members(json::View body);
  void close(JobBatch& batch);
  void settle(JobBatch& batch);
  void submit_callback(const JobBatch& batch, Callback kind);
  void tell_end(const JobBatch& batch);
  std::int64_t sweep(JobBatch& batch, std::int64_t limit);
  std::int64_t visit(JobBatch& batch, std::int64_t limit);
  void changed(JobBatch& batch);
  std::string reply(const JobBatch& batch, std::string_view results = {});

  Step& step_;
};

}  // namespace weir::jobs
