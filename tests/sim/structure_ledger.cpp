#include "tests/sim/structure_ledger.hpp"

namespace weir::sim {

void StructureLedger::pushed(const std::vector<std::int64_t>& values, Told told) {
  for (const auto value : values) pushed_[value] = told;
}

void StructureLedger::popped(std::int64_t most, const std::vector<std::int64_t>& values,
                             Told told) {
  if (told != Told::unknown) maybe_popped_ -= most;
  popped_.insert(values.begin(), values.end());
}

void StructureLedger::counted(Told told) {
  if (told != Told::unknown) --maybe_counted_;
  if (told == Told::accepted) ++counted_;
}

std::vector<std::string> StructureLedger::violations(
    const std::multiset<AnsweredOperation>& witness) const {
  std::vector<std::string> out;
  for (const auto& answer : answers_) {
    if (witness.contains(answer)) continue;
    out.push_back("revision " + std::to_string(answer.revision) + " answered " + answer.name + " " +
                  answer.body + " with " + answer.answer + ", which it does not");
  }
  for (const auto value : popped_) {
    if (popped_.count(value) > 1) out.push_back(std::to_string(value) + " was popped twice");
    const auto pushed = pushed_.find(value);
    if (pushed != pushed_.end() && pushed->second == Told::refused) {
      out.push_back(std::to_string(value) + " was popped and its push refused");
    }
  }
  return out;
}

std::vector<std::string> StructureLedger::judge(const std::vector<std::int64_t>& list,
                                                std::int64_t counter) const {
  std::vector<std::string> out;
  const std::set<std::int64_t> there(list.begin(), list.end());
  if (there.size() != list.size()) out.emplace_back("the list has a value twice");
  std::int64_t missing = 0;
  for (const auto& [value, told] : pushed_) {
    const bool is_there = there.contains(value);
    const bool was_popped = popped_.contains(value);
    if (is_there && was_popped) out.push_back(std::to_string(value) + " was popped and is there");
    if (is_there && told == Told::refused) {
      out.push_back(std::to_string(value) + " is there and its push was refused");
    }
    if (told == Told::accepted && !is_there && !was_popped) ++missing;
  }
  if (missing > maybe_popped_) {
    out.push_back(std::to_string(missing) + " values are gone, at most " +
                  std::to_string(maybe_popped_) + " were popped without an answer");
  }
  if (counter < counted_ || counter > counted_ + maybe_counted_) {
    out.push_back("the counter is " + std::to_string(counter) + " after " +
                  std::to_string(counted_) + " sure and " + std::to_string(maybe_counted_) +
                  " perhaps");
  }
  return out;
}

}  // namespace weir::sim
