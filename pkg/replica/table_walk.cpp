#include "pkg/replica/table_walk.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace weir::replica {
namespace {

bool is_left_out(std::string_view table) {
  return table == "schema_versions" || table == "sys_meta" || table == "sys_digest" ||
         table == "sys_checkpoints" || table == "sys_votes";
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : ",") + part;
  return out;
}

std::int64_t number_of(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

void TableWalk::learn(sqlite::Database& db) {
  auto rows = db.prepare(
      "SELECT m.name,m.sql LIKE '%WITHOUT ROWID%',c.name,c.type,c.pk FROM sqlite_master m "
      "JOIN pragma_table_info(m.name) c WHERE m.type='table' AND m.name NOT LIKE 'sqlite_%' "
      "ORDER BY m.name,c.cid");
  std::string name;
  Shape shape;
  const auto done = [&] {
    if (!name.empty() && !is_left_out(name)) tables_.push_back(table_of(name, shape));
    shape = {};
  };
  while (rows.step()) {
    if (rows.text(0) != name) done();
    name = rows.text(0);
    shape.columns.emplace_back(rows.text(2));
    const bool number = rows.text(3) == "INTEGER";
    if (rows.int64(1) == 0) {
      shape.key = {{1, {"rowid", true}}};
    } else if (rows.int64(4) > 0) {
      shape.key[rows.int64(4)] = {shape.columns.back(), number};
    }
  }
  done();
}

TableWalk::Table TableWalk::table_of(const std::string& name, const Shape& shape) {
  Table table{.name = name, .key_is_number = {}, .columns = 0, .first = {}, .next = {}};
  std::vector<std::string> names;
  std::vector<std::string> parameters;
  for (const auto& [at, column] : shape.key) {
    names.push_back(column.first);
    table.key_is_number.push_back(column.second);
    parameters.push_back("?" + std::to_string(names.size()));
  }
  table.columns = shape.columns.size();
  const std::string keys = joined(names);
  const std::string begin =
      "SELECT " + keys + "," + joined(shape.columns) + " FROM " + name + " WHERE (" + keys + ")";
  const std::string end = "(" + joined(parameters) + ") ORDER BY " + keys + " LIMIT ?" +
                          std::to_string(names.size() + 1);
  table.first = begin + ">=" + end;
  table.next = begin + ">" + end;
  return table;
}

std::vector<std::string> TableWalk::take(const Table& table, const std::vector<std::string>& after,
                                         Budget& budget, sqlite::Database& db,
                                         StateDigest& digest) {
  const int keys = static_cast<int>(table.key_is_number.size());
  auto rows = db.prepare(after.empty() ? table.first : table.next);
  for (int i = 0; i < keys; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (!table.key_is_number[at]) {
      rows.bind(i + 1, after.empty() ? std::string_view("") : std::string_view(after[at]));
    } else {
      rows.bind(i + 1,
                after.empty() ? std::numeric_limits<std::int64_t>::min() : number_of(after[at]));
    }
  }
  rows.bind(keys + 1, static_cast<std::int64_t>(budget.rows));
  digest.mix(table.name);
  while (rows.step()) {
    for (int i = keys; i < keys + static_cast<int>(table.columns); ++i) {
      if (rows.is_null(i)) {
        digest.mix(std::uint64_t{0x6e756c6c});
        continue;
      }
      const auto value = rows.text(i);
      digest.mix(value);
      budget.bytes -= std::min<std::uint64_t>(budget.bytes, value.size());
    }
    if (--budget.rows > 0 && budget.bytes > 0) continue;
    std::vector<std::string> last;
    for (int i = 0; i < keys; ++i) last.emplace_back(rows.text(i));
    return last;
  }
  return {};
}

TableWalk::Place TableWalk::step(const Place& from, std::uint64_t rows, sqlite::Database& db,
                                 StateDigest& digest) {
  if (tables_.empty()) learn(db);
  Budget budget{std::max<std::uint64_t>(rows, 1), kMostBytes};
  auto table = std::find_if(tables_.begin(), tables_.end(),
                            [&](const Table& known) { return known.name >= from.table; });
  for (; table != tables_.end(); ++table) {
    const bool begun = table->name == from.table;
    auto last = take(*table, begun ? from.key : std::vector<std::string>{}, budget, db, digest);
    if (!last.empty()) return {table->name, std::move(last)};
  }
  return {};
}

}  // namespace weir::replica
