// The cursor of a list of jobs. Pure values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/limits.hpp"

namespace weir::jobs {

// A place in the list: what comes after it is still to be shown. Members in the order of the list.
struct Place {
  std::int64_t status = 0;  // position in the order of statuses
  std::int64_t queue = 0;
  std::int64_t priority = kMaxPriority;  // unprocessed only
  std::int64_t at = 0;
  std::int64_t row = 0;
  std::string key = {};  // unprocessed only; empty: among the jobs without a key, which come first
  std::string target = {};  // the same
  bool inside = false;      // at and row are set
};

std::string format_place(const Place& place);
// Nothing when format_place() did not make the text.
std::optional<Place> parse_place(std::string_view text);

}  // namespace weir::jobs
