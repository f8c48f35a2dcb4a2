// A digest of every table of a replica, row by row in a fixed order: equal states, equal digests.
#pragma once

#include <map>
#include <string>

#include "pkg/sqlite/database.hpp"

namespace weir::sim {

// Table -> SHA-256 of its content.
std::map<std::string, std::string> state_digest(sqlite::Database& db);

}  // namespace weir::sim
