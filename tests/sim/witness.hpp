// Witness: one more replica, which nothing troubles. After the run it applies the whole log, entry
// by entry, and shows a referee every change of every row, in order. What it sees is what the
// tables went through, not what the engine says about it: triggers of its own connection note it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/referee.hpp"
#include "tests/sim/sim_log.hpp"
#include "tests/sim/structure_ledger.hpp"

namespace weir::sim {

class Witness {
 public:
  explicit Witness(const SimLog& log) : log_(log) {}

  // Applies everything. Afterwards, what was wrong.
  void replay();
  const std::vector<std::string>& violations() const { return referee_.violations(); }

  // What the plans of the statements that applied the log do besides seeking: scans, sorts. Each
  // statement is looked at once in a process.
  const std::vector<std::string>& slow_plans() const { return slow_plans_; }

  // The revision that granted the lease; 0: there was no such lease.
  replica::Revision granted(const std::string& job, std::int64_t fence) const {
    return referee_.granted(job, fence);
  }

  // The time that the jobs machine saw, at each revision with something for it.
  const std::map<replica::Revision, std::int64_t>& times() const { return times_; }

  // Each operation on data structures and its answer.
  const std::multiset<AnsweredOperation>& answers() const { return answers_; }

  // A submit of the job was in the log.
  bool was_asked(const std::string& job) const { return asked_.contains(job); }

  // The state it came to, by table, as state_digest().
  const std::map<std::string, std::string>& digest() const { return digest_; }

 private:
  const SimLog& log_;
  Referee referee_;
  std::set<std::string> asked_;
  std::map<replica::Revision, std::int64_t> times_;
  std::multiset<AnsweredOperation> answers_;
  std::map<std::string, std::string> digest_;
  std::vector<std::string> slow_plans_;
};

}  // namespace weir::sim
