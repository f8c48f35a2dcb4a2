// Ledger: what clients of a simulated run were told. It knows nothing of how the answers came
// about; at the end it is compared with the state of every replica.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "pkg/replica/instance.hpp"
#include "tests/sim/structure_ledger.hpp"
#include "tests/sim/told.hpp"

namespace weir::sim {

struct SeenLease {
  std::string token;
  replica::Revision granted = 0;
  std::int64_t deadline_ms = 0;  // log time
  bool end_tried = false;        // its worker said complete, fail or release
};

struct Accepted {
  std::int64_t fence = 0;
  replica::Revision revision = 0;
  bool completed = false;  // else heartbeat, fail, release
};

struct JobRecord {
  bool accepted = false;   // a submit was answered with success
  bool maybe = false;      // a submit ended without an answer that says what happened
  bool cancelled = false;  // an operator asked for it: its lease may end early
  bool again = false;      // an operator may have run it once more
  bool may_go = false;     // an operator wanted it removed, or it is kept for a while only
  bool for_all = false;    // of the workers that there are
  std::map<std::int64_t, SeenLease> leases;  // by fence
  std::vector<Accepted> answers;
};

// An answer of the test clock.
struct ToldTime {
  replica::Revision revision = 0;
  std::int64_t asked = 0;  // unix ms, here and below
  std::int64_t now = 0;
};

struct AddRecord {
  Told told = Told::nothing;
  bool effect = false;
};

class Ledger {
 public:
  // The time that machines saw, at each revision with something for the jobs machine.
  using Times = std::map<replica::Revision, std::int64_t>;

  void submitted(const std::string& id, Told told);
  // Its client was told so, and will not submit it again.
  bool accepted(const std::string& id) const {
    const auto job = jobs_.find(id);
    return job != jobs_.end() && job->second.accepted;
  }
  // A node without the log took it: it must come into the log, where it may still be refused (its
  // queue is full).
  void kept(const std::string& id) { kept_.insert(id); }
  const std::set<std::string>& kept() const { return kept_; }
  void cancelled(const std::string& id) { jobs_[id].cancelled = true; }
  void again(const std::string& id) { jobs_[id].again = true; }
  void may_go(const std::string& id) { jobs_[id].may_go = true; }
  void is_for_all(const std::string& id) { jobs_[id].for_all = true; }
  bool for_all(const std::string& id) const {
    const auto job = jobs_.find(id);
    return job != jobs_.end() && job->second.for_all;
  }
  // The job `id` was made from the request for `other`.
  void is_like(const std::string& id, const std::string& other) {
    if (is_allowed_to_go(other)) may_go(id);
    if (for_all(other)) is_for_all(id);
  }
  bool is_allowed_to_go(const std::string& id) const {
    const auto job = jobs_.find(id);
    return job != jobs_.end() && job->second.may_go;
  }
  void leased(const std::string& id, const std::string& token, replica::Revision granted,
              std::int64_t deadline_ms);
  void ending(const std::string& id, std::int64_t fence) {
    jobs_[id].leases[fence].end_tried = true;
  }
  void answered(const std::string& id, Accepted accepted) { jobs_[id].answers.push_back(accepted); }
  void extended(const std::string& id, std::int64_t fence, std::int64_t deadline_ms);
  void wrong_type(const std::string& id) {
    at_once_.push_back("job " + id + " went to a worker of other types");
  }
  void wrong(std::string what) { at_once_.push_back(std::move(what)); }
  void time_told(const ToldTime& told) { times_told_.push_back(told); }
  // A request under an Idempotency-Key was answered with this job.
  void answered_once(const std::string& key, const std::string& id) { once_[key].insert(id); }
  // A run that a schedule must make exactly once.
  void due(const std::string& id) {
    due_.push_back(id);
    submitted(id, Told::nothing);
  }
  const std::vector<std::string>& due() const { return due_; }
  // A receiver took a webhook; the log counted that.
  void hook_taken(const std::string& id) { hooks_taken_.insert(id); }
  void hook_delivered(const std::string& id) { hooks_delivered_.insert(id); }
  const std::set<std::string>& hooks_taken() const { return hooks_taken_; }
  const std::set<std::string>& hooks_delivered() const { return hooks_delivered_; }
  AddRecord& add(const std::string& key) { return adds_[key]; }
  StructureLedger& structures() { return structures_; }
  const StructureLedger& structures() const { return structures_; }

  const std::map<std::string, JobRecord>& jobs() const { return jobs_; }
  const std::map<std::string, AddRecord>& adds() const { return adds_; }
  std::size_t leases_seen() const { return leases_seen_; }

  // Broken promises that need no look at a replica.
  std::vector<std::string> violations(const Times& times) const;

 private:
  void check_once(std::vector<std::string>& out) const;
  void check_times(const Times& times, std::vector<std::string>& out) const;
  void check_job(const std::string& id, const JobRecord& job, const Times& times,
                 std::vector<std::string>& out) const;

  std::map<std::string, JobRecord> jobs_;
  std::set<std::string> kept_;
  std::map<std::string, AddRecord> adds_;
  StructureLedger structures_;
  std::map<std::string, std::set<std::string>> once_;
  std::vector<std::string> due_;
  std::set<std::string> hooks_taken_;
  std::set<std::string> hooks_delivered_;
  std::size_t leases_seen_ = 0;
  std::vector<ToldTime> times_told_;
  std::vector<std::string> at_once_;
};

}  // namespace weir::sim
