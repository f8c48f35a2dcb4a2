#include "api/jobs/parent_access.hpp"

#include "jobs/batch_query.hpp"
#include "jobs/queries.hpp"

namespace weir::api {

Result<void> check_parents(Services& services, const Call& call, json::View job) {
  if (call.principal().queues.empty()) return {};
  const auto parents = job.find("depends_on");
  const auto batch = job.find("batch").as_string();
  if (!parents.is_array() && !batch) return {};
  const auto seen = services.instance.read([&](sqlite::Database& db) -> Result<void> {
    for (const auto parent : parents.elements()) {
      const auto queue = jobs::find_queue_of(db, parent.as_string().value_or(""));
      if (queue) WEIR_TRY(call.check_queue(*queue));
    }
    const auto queues = jobs::get_batch_queues(db, batch.value_or(""));
    if (!queues) return {};
    for (const auto& queue : *queues) WEIR_TRY(call.check_queue(queue));
    return {};
  });
  if (!seen) return seen.error();
  return {};
}

}  // namespace weir::api
