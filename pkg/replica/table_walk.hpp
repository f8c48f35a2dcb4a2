// TableWalk: walks over the rows of all tables, some at a time, so that after many small steps
// every row was looked at. What a step looks at follows from the tables and from where it stands,
// so all replicas look at the same rows.
//
// Left out: what the replica keeps about itself and about these walks. Not thread-safe.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pkg/replica/state_digest.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::replica {

class TableWalk {
 public:
  // After this row; no table: before the first. A key is that of the row, as text.
  struct Place {
    std::string table;
    std::vector<std::string> key;
    bool operator==(const Place&) const = default;
  };

  // Inside read() or transaction(): mixes the next rows into `digest`, until there are `rows` of
  // them or they have kMostBytes, and says where the next step begins. At the last row of the last
  // table it ends: the next step begins anew.
  Place step(const Place& from, std::uint64_t rows, sqlite::Database& db, StateDigest& digest);

  static constexpr std::uint64_t kMostBytes = 1U << 20U;

 private:
  struct Table {
    std::string name;
    std::vector<bool> key_is_number;
    std::size_t columns = 0;
    std::string first;  // selects from the first row on; parameters: least key, limit
    std::string next;   // selects after a key
  };
  struct Budget {
    std::uint64_t rows;
    std::uint64_t bytes;
  };

  struct Shape {
    std::vector<std::string> columns;
    std::map<std::int64_t, std::pair<std::string, bool>> key;  // by place; whether it is a number
  };
  void learn(sqlite::Database& db);
  static Table table_of(const std::string& name, const Shape& shape);
  // The key of the last row that it took; empty: all were taken.
  static std::vector<std::string> take(const Table& table, const std::vector<std::string>& after,
                                       Budget& budget, sqlite::Database& db, StateDigest& digest);

  std::vector<Table> tables_;  // in the order of their names; learnt at the first step
};

}  // namespace weir::replica
