// GapRule: what docs/reliability.md promises of leases after the log stood still: each that was
// live when it stopped gets the time back, at most to its full length; nothing else changes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pkg/sqlite/database.hpp"

namespace weir::sim {

class GapRule {
 public:
  struct Gap {
    std::int64_t now = 0;  // unix ms, of the log: the first entry after it
    std::int64_t length = 0;
  };
  // Notes the leases before they are extended. Inside a transaction, as judge() is.
  GapRule(sqlite::Database& db, const Gap& gap);
  // What is wrong with them now.
  std::vector<std::string> judge(sqlite::Database& db) const;

 private:
  struct Lease {
    std::string job;
    std::int64_t deadline = 0;
    std::int64_t must_be = 0;
  };
  std::map<std::int64_t, Lease> leases_;  // by row
};

}  // namespace weir::sim
