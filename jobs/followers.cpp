#include "jobs/followers.hpp"

#include "jobs/batches.hpp"
#include "jobs/dependencies.hpp"
#include "jobs/expiry.hpp"
#include "jobs/idempotency.hpp"
#include "jobs/large_values.hpp"
#include "jobs/own_retention.hpp"
#include "jobs/quota.hpp"
#include "jobs/scheduler.hpp"
#include "jobs/schema.hpp"
#include "jobs/unique.hpp"

namespace weir::jobs {

void follow_changes(Step& step) {
  while (!step.changes.empty()) {
    const Change change = step.changes.front();
    step.changes.pop_front();
    // Each kind of follower looks at its own bit of change.parts, in a fixed order.
    if ((change.parts & kUniqueBit) != 0) follow_unique(step, change);
    if ((change.parts & kIdempotentBit) != 0) follow_idempotency(step, change);
    if ((change.parts & kLargeBit) != 0) follow_large(step, change);
    if ((change.parts & kInBatch) != 0) Batches(step).follow(change);
    if ((change.parts & kHasChildren) != 0) follow_children(step, change);
    if ((change.parts & kHasParents) != 0) follow_parents(step, change);
    if ((change.parts & kExpiringBit) != 0) follow_expiry(step, change);
    if ((change.parts & kRetentionBit) != 0) follow_retention(step, change);
    if ((change.parts & kQuotaBit) != 0) follow_quota(step, change);
    if ((change.parts & kScheduleBit) != 0) Scheduler(step).follow(change);
  }
}

}  // namespace weir::jobs
