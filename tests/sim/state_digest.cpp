#include "tests/sim/state_digest.hpp"

#include "pkg/base/assert.hpp"
#include "pkg/crypto/crypto.hpp"
#include "tests/support/table_dump.hpp"

namespace weir::sim {

std::map<std::string, std::string> state_digest(sqlite::Database& db) {
  std::map<std::string, std::string> out;
  const auto read = db.read([&]() -> Result<void> {
    for (const auto& table : test::column(
             db, "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite%'")) {
      out[table] = crypto::sha256_hex(test::dump_table(db, table));
    }
    return {};
  });
  WEIR_ASSERT(read.has_value());
  return out;
}

}  // namespace weir::sim
