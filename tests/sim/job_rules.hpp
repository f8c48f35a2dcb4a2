// JobRules: what the documentation promises of single jobs, judged at each change: unique keys,
// parents (docs/workflows.md), and times.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/change.hpp"

namespace weir::sim {

class JobRules {
 public:
  // Notes what the operation asks for.
  void begin(const SeenOperation& operation);
  // A client asked for this job in the operation.
  bool submitted_now(const std::string& id) const { return asked_.contains(id); }
  // What is wrong with the change.
  std::vector<std::string> changed(const JobChange& change);

 private:
  using Key = std::pair<std::int64_t, std::string>;  // queue, unique key

  struct Asked {
    std::string unique;  // empty: none
    std::string scope;
    std::int64_t ttl_ms = 0;
    std::vector<std::string> parents;
    bool fails_with_parents = true;
  };
  struct Job {
    std::string id;
    jobs::Status status{};
    Asked asked;
    std::optional<std::int64_t> until;  // of scope ttl
    std::set<std::int64_t> waits_for;   // rows of parents
    std::vector<std::int64_t> parents;  // all of them
    bool doomed = false;                // a parent failed, and on_failure is fail
    bool may_expire = true;             // until it has ended once
  };

  void ask(json::View job);
  Job& come(const JobChange& change, std::vector<std::string>& out);
  void judge_unique(const JobChange& change, Job& job);
  void judge_start(const JobChange& change, const Job& job, std::vector<std::string>& out) const;
  void judge_time(const JobChange& change, std::vector<std::string>& out) const;
  void wait_for_parents(std::int64_t row, Job& job);
  void tell_children(std::int64_t parent, bool success);
  std::optional<std::int64_t> holder(const Key& key);
  bool in_scope(const Job& job) const;

  SeenOperation operation_;
  std::map<std::string, Asked> asked_;  // by the operation
  std::map<std::int64_t, Job> jobs_;    // by row
  std::map<std::string, std::int64_t> rows_;
  std::map<std::int64_t, std::set<std::int64_t>> children_;  // who wait for the row
  std::map<Key, std::int64_t> holders_;
};

}  // namespace weir::sim
