// Explainer: one answer of explain_job(). jobs/explain.cpp says what holds a ready job back,
// jobs/explain_states.cpp what a job in another status waits for or how it ended.
#pragma once

#include <algorithm>
#include <string>

#include "jobs/explain.hpp"
#include "jobs/job_row.hpp"
#include "jobs/pick_view.hpp"

namespace weir::jobs {

std::string time_text(std::int64_t ms);
// "1 job", "2 jobs".
std::string plural(std::int64_t count, std::string_view one, std::string_view many);

class Explainer {
 public:
  Explainer(sqlite::Database& db, const Job& job, const QueueRow& queue, std::int64_t now)
      : db_(db), job_(job), queue_(queue), now_(now) {}

  std::string run();

 private:
  json::Writer& begin(Reason reason, std::string_view message);
  void end() { out_.end_object(); }
  // The reason ends by itself at `at`.
  void end_at(std::int64_t at) {
    next_at_ = std::min(next_at_, at);
    end();
  }

  void explain_running();
  void explain_ended();
  void explain_scheduled();
  void explain_blocked();
  void explain_ready();
  void explain_pause();
  bool explain_target();
  bool explain_limits(PickView& view);
  void explain_key_limits(PickView& view);
  bool explain_order(PickView& view);
  void explain_priorities(PickView& view);
  void explain_aged(PickView& view);
  void explain_turn(PickView& view);
  void add_earlier(const PickView::Bounded& earlier);
  void explain_next();

  sqlite::Database& db_;
  const Job& job_;
  const QueueRow& queue_;
  const std::int64_t now_;
  json::Writer out_{512};
  std::int64_t next_at_ = LaneRing::kForever;
};

}  // namespace weir::jobs
