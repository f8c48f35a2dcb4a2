// Draining: a worker is given no more jobs and finishes what it runs. Decided by the log, kept as
// long as the worker is (jobs/worker_book.hpp).
//
// Thread rule: the applier thread only. sqlite::Failure passes through.
#pragma once

#include <string>
#include <string_view>

#include "jobs/step.hpp"
#include "pkg/json/view.hpp"

namespace weir::jobs {

// What an answer to a draining worker ends with, after its jobs.
inline constexpr std::string_view kDraining = ",\"draining\":true";

// jobs.worker_drain: {"worker","drain":bool}, idempotent. What the worker waits for is answered at
// once. Reply: {"name","draining","running","revision"}. Errors: not_found / worker_not_found.
Result<std::string> drain_worker(Step& step, json::View body);

Error worker_not_found(std::string_view name);

}  // namespace weir::jobs
