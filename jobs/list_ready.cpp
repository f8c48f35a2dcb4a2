#include "jobs/list_ready.hpp"

namespace weir::jobs {

std::vector<ListedRow> ready_chunk(sqlite::Database& db, const Place& place,
                                   const std::string& only_key, std::int64_t limit) {
  constexpr std::string_view kPlain =
      "SELECT row FROM jobs INDEXED BY jobs_ready"
      " WHERE status=2 AND queue=?1 AND target IS ?5 AND priority=?2 AND key IS NULL AND row>?3"
      " ORDER BY row LIMIT ?4";
  constexpr std::string_view kKeyed =
      "SELECT row,key FROM jobs INDEXED BY jobs_ready"
      " WHERE status=2 AND queue=?1 AND target IS ?6 AND priority=?2 AND (key,row)>(?3,?4)"
      " ORDER BY key,row LIMIT ?5";
  constexpr std::string_view kOneKey =
      "SELECT row FROM jobs INDEXED BY jobs_ready"
      " WHERE status=2 AND queue=?1 AND target IS ?6 AND priority=?2 AND key=?3 AND row>?4"
      " ORDER BY row LIMIT ?5";
  const auto bind_target = [&](sqlite::Statement& rows, int index) {
    if (place.target.empty()) {
      rows.bind_null(index);
    } else {
      rows.bind(index, place.target);
    }
  };
  std::vector<ListedRow> out;
  const auto after = place.inside ? place.row : std::int64_t{0};
  const bool keyed = place.inside && !place.key.empty();
  if (!only_key.empty()) {
    auto rows = db.prepare(kOneKey);
    rows.bind_all(place.queue, place.priority, only_key, keyed ? after : 0, limit);
    bind_target(rows, 6);
    while (rows.step()) out.push_back({0, rows.int64(0), only_key});
    return out;
  }
  if (!keyed) {
    auto rows = db.prepare(kPlain);
    rows.bind_all(place.queue, place.priority, after, limit);
    bind_target(rows, 5);
    while (rows.step()) out.push_back({0, rows.int64(0)});
  }
  if (static_cast<std::int64_t>(out.size()) == limit) return out;
  auto rows = db.prepare(kKeyed);
  rows.bind_all(place.queue, place.priority, keyed ? std::string_view(place.key) : "",
                keyed ? after : std::int64_t{0}, limit - static_cast<std::int64_t>(out.size()));
  bind_target(rows, 6);
  while (rows.step()) out.push_back({0, rows.int64(0), std::string(rows.text(1))});
  return out;
}

bool to_next_target(sqlite::Database& db, Place& place) {
  auto rows = db.prepare(
      "SELECT target FROM jobs INDEXED BY jobs_ready WHERE status=2 AND queue=?1 AND target>?2"
      " ORDER BY target LIMIT 1");
  rows.bind_all(place.queue, place.target);
  if (!rows.step()) return false;
  place.target = rows.text(0);
  return true;
}

}  // namespace weir::jobs
