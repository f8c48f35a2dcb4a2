// ScheduleBook: when the first schedule is due, and how many there are.
//
// Thread rule: the applier thread only. Mirrors the tables: load() rebuilds it.
#pragma once

#include <cstdint>

#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

class ScheduleBook {
 public:
  void load(sqlite::Database& db);
  // End of a transaction: looks again after changed().
  void save(sqlite::Database& db) {
    if (changed_) load(db);
  }

  void changed() { changed_ = true; }
  std::int64_t next_due() const { return next_due_; }  // unix ms, kNever when none is

 private:
  std::int64_t next_due_ = 0;
  bool changed_ = false;
};

}  // namespace weir::jobs
