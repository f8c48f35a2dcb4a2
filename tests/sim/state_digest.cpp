#include "tests/sim/state_digest.hpp"

#include <vector>

#include "pkg/base/assert.hpp"
#include "pkg/crypto/crypto.hpp"

namespace weir::sim {
namespace {

std::vector<std::string> column(sqlite::Database& db, const std::string& sql) {
  std::vector<std::string> out;
  auto rows = db.prepare(sql);
  while (rows.step()) out.emplace_back(rows.text(0));
  return out;
}

std::string table_digest(sqlite::Database& db, const std::string& table) {
  std::string row;
  for (const auto& name : column(db, "SELECT name FROM pragma_table_info('" + table + "')")) {
    row += (row.empty() ? "quote(" : "||','||quote(") + name + ")";
  }
  std::string all;
  for (const auto& text : column(db, "SELECT " + row + " FROM " + table + " ORDER BY 1")) {
    all += text + "\n";
  }
  return crypto::sha256_hex(all);
}

}  // namespace

std::map<std::string, std::string> state_digest(sqlite::Database& db) {
  std::map<std::string, std::string> out;
  const auto read = db.read([&]() -> Result<void> {
    for (const auto& table : column(
             db, "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite%'")) {
      out[table] = table_digest(db, table);
    }
    return {};
  });
  WEIR_ASSERT(read.has_value());
  return out;
}

}  // namespace weir::sim
