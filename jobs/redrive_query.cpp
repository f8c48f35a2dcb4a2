#include "jobs/redrive_query.hpp"

#include <array>
#include <charconv>
#include <limits>

#include "jobs/query_parts.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {
namespace {

constexpr std::array<std::string_view, 3> kStates{"running", "completed", "cancelled"};

std::string redrive_json(const sqlite::Statement& row) {
  const json::View request(row.text(4));
  const auto given = [&](std::string_view name) {
    const auto value = request.find(name);
    return value.is_missing() ? std::string_view("null") : value.raw();
  };
  json::Writer out(512);
  out.begin_object()
      .member("id", row.text(1))
      .member("state", kStates.at(static_cast<std::size_t>(row.int64(2))));
  member_text(out, "queue", row.text(3));
  out.raw_member("filter", given("filter"))
      .raw_member("rate_per_s", given("rate_per_s"))
      .raw_member("patch", given("patch"))
      .key("matched");
  if (const auto ids = row.optional_int64(5)) {
    out.value(*ids);
  } else {
    out.null();
  }
  out.member("redriven", row.int64(6))
      .member("skipped", row.int64(7))
      .member("failed", row.int64(8))
      .member("created_at", from_unix_ms(row.int64(9)));
  member_time(out, "ended_at", row.optional_int64(10));
  return out.end_object().take();
}

}  // namespace

std::optional<std::int64_t> find_redrive(sqlite::Database& db, std::string_view id) {
  auto rows = db.prepare("SELECT row FROM job_redrives WHERE id=?1");
  rows.bind(1, id);
  if (!rows.step()) return std::nullopt;
  return rows.int64(0);
}

Result<std::string> get_redrive(sqlite::Database& db, std::string_view id) {
  auto rows = db.prepare(
      "SELECT row,id,state,queue,request,ids,redriven,skipped,failed,created_at,ended_at"
      " FROM job_redrives WHERE id=?1");
  rows.bind(1, id);
  if (!rows.step()) return redrive_not_found(id);
  return redrive_json(rows);
}

Result<std::string> redrive_queue(sqlite::Database& db, std::string_view id) {
  auto rows = db.prepare("SELECT queue FROM job_redrives WHERE id=?1");
  rows.bind(1, id);
  if (!rows.step()) return redrive_not_found(id);
  return std::string(rows.text(0));
}

Result<std::string> list_redrives(sqlite::Database& db, std::int64_t limit,
                                  std::string_view cursor) {
  auto before = std::numeric_limits<std::int64_t>::max();
  if (!cursor.empty()) {
    const auto [end, problem] =
        std::from_chars(cursor.data(), cursor.data() + cursor.size(), before);
    if (problem != std::errc{} || end != cursor.data() + cursor.size()) {
      return Error{Code::invalid, "invalid_request", "The request is not valid",
                   "cursor: must be the next_cursor of a page"};
    }
  }
  auto rows = db.prepare(
      "SELECT row,id,state,queue,request,ids,redriven,skipped,failed,created_at,ended_at"
      " FROM job_redrives WHERE row<?1 ORDER BY row DESC LIMIT ?2");
  rows.bind_all(before, limit + 1);
  json::Writer out(1'024);
  out.begin_object().key("items").begin_array();
  std::int64_t count = 0;
  std::string next;
  std::int64_t last = 0;
  while (rows.step()) {
    if (++count > limit) {
      next = std::to_string(last);
      break;
    }
    last = rows.int64(0);
    out.raw(redrive_json(rows));
  }
  out.end_array();
  member_text(out, "next_cursor", next);
  return out.end_object().take();
}

Error redrive_not_found(std::string_view id) {
  return Error{Code::not_found, "redrive_not_found", "There is no such redrive", std::string(id)};
}

}  // namespace weir::jobs
