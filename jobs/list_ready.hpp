// The ready jobs of a queue in the order of their index, for the list of jobs: target by target
// (those without one first), by priority, then the jobs without a key, then key by key.
#pragma once

#include <string>
#include <vector>

#include "jobs/list_place.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

struct ListedRow {
  std::int64_t at;
  std::int64_t row;
  std::string key = {};
};

// The next rows of the target and priority of `place`, of `only_key` when it is not empty; fewer
// than `limit`: it ends there.
std::vector<ListedRow> ready_chunk(sqlite::Database& db, const Place& place,
                                   const std::string& only_key, std::int64_t limit);

// Moves to the next target that has ready jobs: one seek. False: there is none.
bool to_next_target(sqlite::Database& db, Place& place);

}  // namespace weir::jobs
