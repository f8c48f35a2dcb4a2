#include "jobs/large_values.hpp"

#include "jobs/stored_form.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {
namespace {

json::View reference_in(std::string_view value) {
  return json::View(value.substr(kStoredHead.size())).find("b");
}

std::int64_t first_of(json::View chunks) {
  for (const auto chunk : chunks.elements()) return chunk.as_int().value_or(0);
  return 0;
}

// What the job had under these kinds is its own no more; unused, unless a copy refers to it too.
void drop_large(Step& step, std::int64_t row, std::int64_t first_kind, std::int64_t last_kind) {
  step.db
      .prepare(
          "INSERT OR IGNORE INTO job_large_unused(first,stream,chunks)"
          " SELECT first,stream,chunks FROM job_large AS l WHERE job=?1 AND kind BETWEEN ?2 AND ?3"
          " AND NOT EXISTS(SELECT 1 FROM job_large AS o INDEXED BY job_large_first"
          " WHERE o.first=l.first AND (o.job<>?1 OR o.kind NOT BETWEEN ?2 AND ?3))")
      .bind_all(row, first_kind, last_kind)
      .run();
  step.db.prepare("DELETE FROM job_large WHERE job=?1 AND kind BETWEEN ?2 AND ?3")
      .bind_all(row, first_kind, last_kind)
      .run();
}

std::vector<std::uint64_t> numbers(std::string_view list) {
  std::vector<std::uint64_t> out;
  for (const auto chunk : json::View(list).elements()) {
    out.push_back(static_cast<std::uint64_t>(chunk.as_int().value_or(0)));
  }
  return out;
}

}  // namespace

void keep_large(Step& step, std::int64_t row, Blob kind, std::string_view value) {
  if (!is_large_form(value)) return;
  const auto reference = reference_in(value);
  const auto chunks = reference.find("q");
  const auto number = static_cast<std::int64_t>(kind);
  drop_large(step, row, number, number);
  const auto first = first_of(chunks);
  step.db
      .prepare(
          "INSERT OR REPLACE INTO job_large(job,kind,first,stream,chunks) VALUES(?1,?2,?3,?4,?5)")
      .bind_all(row, number, first, reference.find("s").as_string().value_or(""), chunks.raw())
      .run();
  // An operation that is applied again refers to the same chunks.
  step.db.prepare("DELETE FROM job_large_unused WHERE first=?1").bind_all(first).run();
  step.follow(row, kLargeBit);
}

void follow_large(Step& step, const Change& change) {
  if (!change.to) drop_large(step, change.row, 0, kBlobKinds);
}

Result<std::string> large_removed(Step& step, json::View body) {
  for (const auto first : body.find("first").elements()) {
    step.db.prepare("DELETE FROM job_large_unused WHERE first=?1")
        .bind_all(first.as_int().value_or(0))
        .run();
  }
  return std::string("{\"ok\":true}");
}

std::vector<UnusedValue> list_unused_values(sqlite::Database& db, std::int64_t limit) {
  std::vector<UnusedValue> out;
  auto rows =
      db.prepare("SELECT first,stream,chunks FROM job_large_unused ORDER BY first LIMIT ?1");
  rows.bind_all(limit);
  while (rows.step()) {
    out.push_back({.first = static_cast<std::uint64_t>(rows.int64(0)),
                   .stream = std::string(rows.text(1)),
                   .chunks = numbers(rows.text(2))});
  }
  return out;
}

std::set<std::uint64_t> known_chunks(sqlite::Database& db) {
  std::set<std::uint64_t> out;
  auto rows =
      db.prepare("SELECT chunks FROM job_large UNION ALL SELECT chunks FROM job_large_unused");
  while (rows.step()) {
    const auto chunks = numbers(rows.text(0));
    out.insert(chunks.begin(), chunks.end());
  }
  return out;
}

replica::Operation large_values_removed(const std::vector<UnusedValue>& values) {
  json::Writer out(values.size() * 12 + 16);
  out.begin_object().key("first").begin_array();
  for (const auto& value : values) out.value(value.first);
  out.end_array().end_object();
  return {"jobs.large_removed", out.take()};
}

}  // namespace weir::jobs
