#include "jobs/followers.hpp"

namespace weir::jobs {

void follow_changes(Step& step) {
  while (!step.changes.empty()) {
    const Change change = step.changes.front();
    step.changes.pop_front();
    // Each kind of follower looks at its own bit of change.parts, in a fixed order.
    static_cast<void>(change);
  }
}

}  // namespace weir::jobs
