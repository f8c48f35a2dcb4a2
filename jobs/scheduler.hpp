// The operations of schedules, and what follows when jobs of their runs end.
//
// A run is one job. Its id is the schedule's name and the time when it is due, so it exists once,
// whoever proposes it how often. Triggered runs have an id of their own.
#pragma once

#include <string>

#include "jobs/schedule.hpp"
#include "jobs/step.hpp"

namespace weir::jobs {

class Scheduler {
 public:
  explicit Scheduler(Step& step) : step_(step) {}

  // {"name","spec","next_at","paused"?}: makes or replaces; without "paused" it stays as it is.
  // Errors: too_many_requests / too_many_schedules.
  Result<std::string> set(json::View body);

  // {"name",...}: errors not_found / schedule_not_found; those with a "generation" also
  // conflict / schedule_changed when another change came first.
  Result<std::string> remove(json::View body);
  Result<std::string> pause(json::View body);
  Result<std::string> resume(json::View body);    // "generation","next_at"
  Result<std::string> trigger(json::View body);   // "job": id; queue errors as jobs.submit
  Result<std::string> backfill(json::View body);  // "generation","runs"

  // What the leader found due: {"name","generation","from","until","as_of","missed","runs",
  // "next_at"}. Changes nothing unless the schedule still waits for `from` and `until` is over.
  Result<std::string> fire(json::View body);

  // The job of a run changed its status.
  void follow(const Change& change);

 private:
  enum class Started : std::uint8_t { yes, known, refused };

  Result<Schedule> get(json::View body) const;
  Result<Schedule> get_unchanged(json::View body) const;
  std::string reply(const Schedule& schedule) const;
  bool is_over(const Schedule& schedule, json::View body) const;
  void start_due(Schedule& schedule, const ScheduleRun& run);
  void keep_waiting(Schedule& schedule, const ScheduleRun& run);
  void cancel_running(const Schedule& schedule);
  bool has_running(const Schedule& schedule) const;
  Started start(Schedule& schedule, const ScheduleRun& run, RunKind kind);
  void drop_waiting(Schedule& schedule);
  void skip(Schedule& schedule);
  void store(const Schedule& schedule);

  Step& step_;
};

}  // namespace weir::jobs
