// jobs.tick: what time alone brings about. Each tick changes at most about kTickRows rows and is
// then due again.
#pragma once

#include <string>
#include <vector>

#include "jobs/step.hpp"

namespace weir::jobs {

class Ticker {
 public:
  explicit Ticker(Step& step) : step_(step) {}
  std::string apply();

 private:
  struct Due {
    std::int64_t row;
    std::int64_t priority;
    std::int64_t parts;
  };
  struct Old {
    std::int64_t at;
    std::int64_t row;
    std::int64_t parts;
    Status status;
  };

  void expire_leases();
  void visit_queues();
  void wake_rated();
  void make_due(Queue& queue, std::int64_t limit);
  void drop_outlived();
  void drop_old(Queue& queue, std::int64_t limit);
  void drop_excess(Queue& queue, std::int64_t limit);
  void find_old(const Queue& queue, Status status, std::int64_t until, std::int64_t limit,
                std::vector<Old>& out);
  void drop(Queue& queue, const std::vector<Old>& rows);

  Step& step_;
  std::int64_t budget_ = kTickRows;
  std::int64_t expired_ = 0;
  std::int64_t due_ = 0;
  std::int64_t removed_ = 0;
};

}  // namespace weir::jobs
