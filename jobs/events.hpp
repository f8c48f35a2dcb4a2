// Lifecycle events: what happens to jobs, told as CloudEvents 1.0 (docs/events.md). Step::change()
// notes the changes somebody wants to know of; record_events() makes the events at the end of the
// operation, when the rows are written:
//   queue config `events`: a row in job_events and a message to stream JOB_EVENTS (an effect)
//   somebody on this node listens: published to them, whatever the config; never changes the state
#pragma once

#include <string_view>

#include "jobs/step.hpp"

namespace weir::jobs {

// The word of the event ("completed"), empty when the change is not told.
std::string_view event_word(const Change& change);

// Makes the events of the changes that were noted.
void record_events(Step& step);

}  // namespace weir::jobs
