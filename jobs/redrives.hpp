// Redrives that take their time: dead letters that a filter or a list of ids names run again, by
// ticks, at a rate, perhaps with changed payloads.
//
// A redrive goes through the letters that were dead when it began, newest first, a bounded number
// in each tick; letters that die again meanwhile are not its business. With a rate it never runs
// ahead of it by more than one job; after a pause at most what one second allows comes at once.
// Everything it knows is in its row of job_redrives.
//
// Thread rule: the applier thread only. sqlite::Failure passes through.
#pragma once

#include <cstdint>
#include <string>

#include "jobs/step.hpp"

namespace weir::jobs {

class Redrives {
 public:
  explicit Redrives(Step& step) : step_(step) {}

  // {"id","filter"{...} or "ids"[...],"queue"?,"rate_per_s"?,"patch"?,"max_bytes"}. Reply: as
  // get_redrive(). Errors: too_many_requests / too_many_redrives.
  Result<std::string> start(json::View body);
  // {"id"}. Errors: not_found / redrive_not_found, conflict / redrive_ended.
  Result<std::string> cancel(json::View body);
  // What is due now, at most `limit` jobs.
  void run_due(std::int64_t limit);

 private:
  struct Run;

  std::int64_t advance(Run& run, std::int64_t limit);
  std::vector<std::string> next_ids(Run& run, std::int64_t most);
  void redrive(Run& run, const std::string& id);
  void end(Run& run, std::int64_t state);
  void store(const Run& run);
  void forget_old();

  Step& step_;
};

// When a redrive goes on; kNever.
std::int64_t first_redrive(sqlite::Database& db);

}  // namespace weir::jobs
