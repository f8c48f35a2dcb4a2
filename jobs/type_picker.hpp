// TypePicker: the Picker for workers that name types: which ready job of one of the types is next,
// in the order of jobs/picker.hpp among those jobs alone.
//
// O(log n) for a queue without keys. With keys, one step of a walk over the keys by turn and one of
// a walk over the keys that have jobs of the types, in turns, until one walk knows: the cost is
// that of the shorter one.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "jobs/step.hpp"

namespace weir::jobs {

class TypePicker {
 public:
  // `types` must live longer.
  TypePicker(Step& step, Queue& queue, const std::vector<std::string>& types)
      : step_(step), queue_(queue), types_(types) {}

  // The row of the next job; nothing when no job of the types may run. Lease it before the next
  // call.
  std::optional<std::int64_t> next();

 private:
  struct Found {
    std::int64_t row = 0;
    std::int64_t turn = 0;
  };

  std::optional<Found> candidate(std::size_t priority);
  std::optional<Found> keyed(std::size_t priority);
  std::optional<std::int64_t> first_row(std::size_t priority, std::optional<std::string_view> key);
  std::optional<std::string> next_key(std::size_t priority, std::string_view after);
  std::int64_t created_at(std::int64_t row);

  Step& step_;
  Queue& queue_;
  const std::vector<std::string>& types_;
};

}  // namespace weir::jobs
