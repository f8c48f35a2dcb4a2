// Referee: judges every change of every job at the moment it happens, by what the documentation
// promises: limits, order, waiting room (QueueModel); unique keys, parents, times (JobRules). It is
// written from docs/, not from jobs/, and is as simple as it can be.
//
// Protocol: for each operation begin(), changed() for each change in order, end().
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/change.hpp"
#include "tests/sim/job_rules.hpp"
#include "tests/sim/queue_model.hpp"

namespace weir::sim {

class Referee {
 public:
  void begin(const SeenOperation& operation);
  void changed(const QueueChange& change);
  void changed(const JobChange& change);
  void end();

  // Something that another rule found.
  void complain(std::string what) { violations_.push_back(std::move(what)); }
  const std::vector<std::string>& violations() const { return violations_; }
  // The revision that granted the lease; 0: none did.
  std::uint64_t granted(const std::string& job, std::int64_t fence) const;

 private:
  void judge_lease(QueueModel& queue, const JobChange& change);
  void judge_rest(json::View call);
  void complain(const JobChange& change, const std::string& what);

  SeenOperation operation_;
  std::map<std::int64_t, QueueModel> queues_;
  std::map<std::int64_t, std::int64_t> jobs_of_;  // by queue
  JobRules rules_;
  std::int64_t running_ = 0;        // of all queues
  std::int64_t limit_ = 0;          // of all queues; 0: none
  std::int64_t leased_ = 0;         // by the operation
  bool others_ready_ = false;       // jobs became ready in the operation
  bool any_ = false;                // something changed in the operation
  std::set<std::string> draining_;  // workers
  std::map<std::pair<std::string, std::int64_t>, std::uint64_t> granted_;
  std::vector<std::string> violations_;
};

}  // namespace weir::sim
