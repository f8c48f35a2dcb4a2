// Submitter: jobs that depend on others.
#include <set>

#include "jobs/submit.hpp"

namespace weir::jobs {

// Nothing, when the job is there already: it keeps the parents it has.
Result<Parents> Submitter::parents_of(const NewJob& job) {
  if (job.depends_on.is_missing() || is_known(job.id)) return Parents{};
  return find_parents(step_, job.depends_on, job.on_failure, aliases_);
}

// An atomic batch must not fail in its middle. Its jobs stand behind their parents.
Result<void> Submitter::check_parents(json::View jobs) {
  std::set<std::string, std::less<>> earlier;
  for (const auto job : jobs.elements()) {
    const auto id = job.find("id").as_string().value_or("");
    const auto parents = job.find("depends_on");
    if (!parents.is_missing() && !is_known(id)) {
      for (const auto parent : parents.elements()) {
        const auto name = parent.as_string().value_or("");
        if (!earlier.contains(name) && !is_known(name)) return parent_not_found(name);
      }
    }
    earlier.insert(id);
  }
  return {};
}

}  // namespace weir::jobs
