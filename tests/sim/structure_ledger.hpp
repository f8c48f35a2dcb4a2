// StructureLedger: what clients of hashes, lists and sorted sets were told in a simulated run. At
// the end it is compared with the state of every replica, and each answer with that of the witness.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "pkg/replica/instance.hpp"
#include "tests/sim/told.hpp"

namespace weir::sim {

// An operation of the log and its answer.
struct AnsweredOperation {
  replica::Revision revision = 0;
  std::string name;
  std::string body;
  std::string answer;
  auto operator<=>(const AnsweredOperation&) const = default;
};

class StructureLedger {
 public:
  static constexpr std::string_view kList = "list";          // of values that are pushed once
  static constexpr std::string_view kCounters = "counters";  // field n

  void answered(AnsweredOperation answer) { answers_.push_back(std::move(answer)); }
  void pushed(const std::vector<std::int64_t>& values, Told told);
  // Before it is asked, and after.
  void popping(std::int64_t most) { maybe_popped_ += most; }
  void popped(std::int64_t most, const std::vector<std::int64_t>& values, Told told);
  void counting() { ++maybe_counted_; }
  void counted(Told told);

  // What is wrong with these answers, whatever a replica has.
  std::vector<std::string> violations(const std::multiset<AnsweredOperation>& witness) const;
  // What is wrong with the list and the counter that a replica has in the end.
  std::vector<std::string> judge(const std::vector<std::int64_t>& list, std::int64_t counter) const;

 private:
  std::vector<AnsweredOperation> answers_;
  std::map<std::int64_t, Told> pushed_;
  std::multiset<std::int64_t> popped_;
  std::int64_t maybe_popped_ = 0;  // values that calls without an answer may have taken
  std::int64_t counted_ = 0;
  std::int64_t maybe_counted_ = 0;
};

}  // namespace weir::sim
