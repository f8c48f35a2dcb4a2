#include "jobs/own_retention.hpp"

#include <algorithm>

#include "jobs/schema.hpp"
#include "pkg/json/view.hpp"

namespace weir::jobs {
namespace {

void forget(Step& step, std::int64_t row) {
  step.db.prepare("DELETE FROM job_retentions WHERE job=?1").bind_all(row).run();
}

// Dead letters are kept.
bool is_over(Status status) {
  return is_finished(status) && status != Status::dlq;
}

std::int64_t kept_ms(sqlite::Database& db, std::int64_t row) {
  auto rows = db.prepare("SELECT options FROM jobs WHERE row=?1");
  rows.bind_all(row);
  return rows.step() ? retention_of(rows.text(0)) : 0;
}

}  // namespace

std::int64_t retention_of(std::string_view options) {
  return json::View(options).find("retention_ms").as_int().value_or(0);
}

void follow_retention(Step& step, const Change& change) {
  if (!change.to || !is_over(*change.to)) {
    if (change.from && is_over(*change.from)) forget(step, change.row);
    return;
  }
  const auto at = step.now + kept_ms(step.db, change.row);
  step.db.prepare("INSERT OR REPLACE INTO job_retentions(job,at) VALUES(?1,?2)")
      .bind_all(change.row, at)
      .run();
  step.state.next_retention = std::min(step.state.next_retention, at);
}

std::vector<std::int64_t> take_outlived(Step& step, std::int64_t limit) {
  std::vector<std::int64_t> out;
  if (step.state.next_retention > step.now) return out;
  {
    auto rows = step.db.prepare(
        "SELECT job FROM job_retentions INDEXED BY job_retentions_due WHERE at<=?1"
        " ORDER BY at,job LIMIT ?2");
    rows.bind_all(step.now, limit);
    while (rows.step()) out.push_back(rows.int64(0));
  }
  for (const auto row : out) forget(step, row);
  step.state.next_retention = first_retention(step.db);
  return out;
}

std::int64_t first_retention(sqlite::Database& db) {
  auto rows = db.prepare(
      "SELECT at FROM job_retentions INDEXED BY job_retentions_due WHERE at>=0"
      " ORDER BY at LIMIT 1");
  return rows.step() ? rows.int64(0) : kNever;
}

}  // namespace weir::jobs
