// Submitter: jobs that join a batch.
#include "jobs/submit.hpp"

namespace weir::jobs {

// None, when the job is there already: it stays where it is.
Result<JobBatch*> Submitter::batch_of(const NewJob& job) {
  if (job.batch.empty() || is_known(job.id)) return static_cast<JobBatch*>(nullptr);
  return Batches(step_).get_open(job.batch);
}

// An atomic submit must not fail in its middle.
Result<void> Submitter::check_batches(json::View jobs, std::string_view new_batch) {
  for (const auto job : jobs.elements()) {
    const auto batch = job.find("batch").as_plain_string().value_or("");
    if (batch.empty() || batch == new_batch) continue;
    if (is_known(job.find("id").as_string().value_or(""))) continue;
    WEIR_TRY(Batches(step_).get_open(batch));
  }
  return {};
}

}  // namespace weir::jobs
