// The content of SQLite tables as text, for tests that compare states. Inside read().
#pragma once

#include <string>
#include <vector>

#include "pkg/sqlite/database.hpp"

namespace weir::test {

// The first column of every row.
inline std::vector<std::string> column(sqlite::Database& db, const std::string& sql) {
  std::vector<std::string> out;
  auto rows = db.prepare(sql);
  while (rows.step()) out.emplace_back(rows.text(0));
  return out;
}

// Every row of a table, a line each, in a fixed order: equal tables, equal texts.
inline std::string dump_table(sqlite::Database& db, const std::string& table) {
  std::string row;
  for (const auto& name : column(db, "SELECT name FROM pragma_table_info('" + table + "')")) {
    row += (row.empty() ? "quote(" : "||','||quote(") + name + ")";
  }
  std::string out;
  for (const auto& text : column(db, "SELECT " + row + " FROM " + table + " ORDER BY 1")) {
    out += text + "\n";
  }
  return out;
}

// The first column of the first row, or -1. Reads by itself.
inline std::int64_t number(sqlite::Database& db, std::string_view sql) {
  std::int64_t out = -1;
  db.read([&]() -> Result<void> {
      auto rows = db.prepare(sql);
      if (rows.step()) out = rows.int64(0);
      return {};
    }).value();
  return out;
}

}  // namespace weir::test
