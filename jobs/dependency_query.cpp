// Dependencies as readers and workers see them.
#include "jobs/dependencies.hpp"
#include "jobs/job_row.hpp"
#include "jobs/limits.hpp"
#include "jobs/stored_form.hpp"

namespace weir::jobs {
namespace {

// What a worker is told of one parent; `room` is what results may still take.
void append_parent(json::Writer& out, sqlite::Database& db, const Job& job, std::size_t& room) {
  out.begin_object().member("status", to_string(job.status));
  const auto result = result_of(db, job);
  const auto error = is_finished(job.status) ? error_of(db, job) : std::string();
  if (value_bytes(result) + error.size() > room) {
    out.member("result_at", "/v1/jobs/" + job.id);
  } else {
    room -= value_bytes(result) + error.size();
    if (is_stored_form(result)) out.member(kRowMember, job.row);
    out.raw_member("result", result.empty() ? std::string_view("null") : result);
    if (!error.empty()) out.raw_member("error", error);
  }
  out.end_object();
}

}  // namespace

void write_parents(json::Writer& out, sqlite::Database& db, std::int64_t row) {
  auto rows = db.prepare(
      "SELECT p.id,p.counted,j.status FROM job_parents AS p LEFT JOIN jobs AS j ON j.row=p.parent"
      " WHERE p.child=?1 ORDER BY p.parent");
  rows.bind(1, row);
  out.begin_array();
  while (rows.step()) {
    out.begin_object().member("id", rows.text(0)).key("status");
    out.value(rows.is_null(2) ? "removed" : to_string(static_cast<Status>(rows.int64(2))));
    out.member("waiting", rows.is_null(1));
    if (!rows.is_null(1)) out.member("counted_as", counted_word(rows.int64(1)));
    out.end_object();
  }
  out.end_array();
}

std::int64_t count_waiting(sqlite::Database& db, std::int64_t row) {
  auto rows = db.prepare(
      "SELECT count(*) FROM job_parents INDEXED BY job_parents_waiting"
      " WHERE child=?1 AND counted IS NULL");
  rows.bind(1, row);
  return rows.step() ? rows.int64(0) : 0;
}

OnFailure policy_of(sqlite::Database& db, std::int64_t row) {
  auto rows = db.prepare("SELECT policy FROM job_parents WHERE child=?1 LIMIT 1");
  rows.bind(1, row);
  return rows.step() ? static_cast<OnFailure>(rows.int64(0)) : OnFailure::fail;
}

void append_parents(std::string& out, sqlite::Database& db, std::int64_t row) {
  std::vector<std::pair<std::string, std::int64_t>> parents;
  {
    auto rows = db.prepare("SELECT id,parent FROM job_parents WHERE child=?1 ORDER BY parent");
    rows.bind(1, row);
    while (rows.step()) parents.emplace_back(rows.text(0), rows.int64(1));
  }
  std::size_t room = kMaxParentBytes;
  json::Writer text(256);
  text.begin_object();
  for (const auto& [id, parent] : parents) {
    text.key(id);
    if (const auto job = load_job(db, parent)) {
      append_parent(text, db, *job, room);
    } else {
      text.begin_object().member("status", "removed").raw_member("result", "null").end_object();
    }
  }
  text.end_object();
  out += text.str();
}

}  // namespace weir::jobs
