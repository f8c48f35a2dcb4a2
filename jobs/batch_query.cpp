#include "jobs/batch_query.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "jobs/batches.hpp"
#include "jobs/limits.hpp"
#include "jobs/query_parts.hpp"
#include "pkg/base/assert.hpp"

namespace weir::jobs {
namespace {

constexpr std::array<std::string_view, 2> kCallbacks{"on_success", "on_complete"};

void write_counters(json::Writer& out, const JobBatch& batch) {
  out.key("counts").begin_object();
  for (const auto status : kStatuses) out.member(to_string(status), batch.count(status));
  out.member("removed", batch.removed).end_object();
}

// Whole percent; 100 only when nothing is left to do.
std::int64_t progress_of(const JobBatch& batch) {
  const auto total = batch.total();
  if (total == 0) return has_ended(batch.state) ? 100 : 0;
  return (total - batch.pending()) * 100 / total;
}

void write_callbacks(json::Writer& out, sqlite::Database& db, std::int64_t batch) {
  auto rows = db.prepare(
      "SELECT kind,id,queue,submitted_at FROM job_batch_callbacks WHERE batch=?1 ORDER BY kind");
  rows.bind(1, batch);
  while (rows.step()) {
    out.key(kCallbacks.at(static_cast<std::size_t>(rows.int64(0)))).begin_object();
    out.member("id", rows.text(1)).member("queue", rows.text(2));
    member_time(out, "submitted_at", rows.optional_int64(3));
    out.end_object();
  }
}

std::vector<std::string> queues_of(sqlite::Database& db, std::int64_t batch) {
  std::vector<std::string> out;
  for (const auto* sql : {"SELECT queue FROM job_batch_queues WHERE batch=?1",
                          "SELECT queue FROM job_batch_callbacks WHERE batch=?1"}) {
    auto rows = db.prepare(sql);
    rows.bind(1, batch);
    while (rows.step()) out.emplace_back(rows.text(0));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Result<JobBatch> get(sqlite::Database& db, std::string_view id) {
  auto batch = find_batch(db, id);
  if (!batch) return batch_not_found(id);
  return std::move(*batch);
}

Result<std::int64_t> place_of(std::string_view cursor, std::int64_t first) {
  if (cursor.empty()) return first;
  std::int64_t row = 0;
  const auto [end, problem] = std::from_chars(cursor.data(), cursor.data() + cursor.size(), row);
  if (problem == std::errc{} && end == cursor.data() + cursor.size() && row > 0) return row;
  return Error{Code::invalid, "invalid_request", "The cursor is not valid",
               "send the next_cursor of the page before, unchanged"};
}

// `more`: a row to go on behind.
std::string finish_page(json::Writer& out, std::optional<std::int64_t> more) {
  out.end_array().key("next_cursor");
  if (more) {
    out.value(std::to_string(*more));
  } else {
    out.null();
  }
  return out.end_object().take();
}

bool is_visible(sqlite::Database& db, std::int64_t row, const BatchListRequest& request) {
  if (!request.allowed) return true;
  const auto queues = queues_of(db, row);
  return std::all_of(queues.begin(), queues.end(), request.allowed);
}

std::vector<std::int64_t> batch_rows(sqlite::Database& db, std::optional<BatchState> state,
                                     std::int64_t before, std::int64_t limit) {
  auto rows = db.prepare(state ? "SELECT row FROM job_batches INDEXED BY job_batches_state"
                                 " WHERE state=?3 AND row<?1 ORDER BY row DESC LIMIT ?2"
                               : "SELECT row FROM job_batches WHERE row<?1"
                                 " ORDER BY row DESC LIMIT ?2");
  rows.bind_all(before, limit);
  if (state) rows.bind(3, static_cast<std::int64_t>(*state));
  std::vector<std::int64_t> out;
  while (rows.step()) out.push_back(rows.int64(0));
  return out;
}

}  // namespace

void write_batch(json::Writer& out, sqlite::Database& db, const JobBatch& batch) {
  out.member("id", batch.id);
  member_text(out, "name", batch.name);
  out.member("status", to_string(batch.state))
      .member("total", batch.total())
      .member("pending", batch.pending())
      .member("progress", progress_of(batch));
  write_counters(out, batch);
  out.member("created_at", from_unix_ms(batch.created_at));
  const bool open = batch.state == BatchState::open;
  member_time(out, "seal_at", open ? std::optional(batch.seal_at) : std::nullopt);
  member_time(out, "sealed_at", batch.sealed_at);
  member_time(out, "ended_at", batch.ended_at);
  out.member("cancel_requested", batch.cancel_at.has_value());
  write_callbacks(out, db, batch.row);
  out.key("queues").begin_array();
  for (const auto& queue : queues_of(db, batch.row)) out.value(queue);
  out.end_array().member("revision", batch.revision);
}

Result<std::string> get_batch(sqlite::Database& db, std::string_view id) {
  WEIR_ASSIGN(const auto batch, get(db, id));
  json::Writer out(512);
  out.begin_object();
  write_batch(out, db, batch);
  return out.end_object().take();
}

Result<BatchState> get_batch_state(sqlite::Database& db, std::string_view id) {
  WEIR_ASSIGN(const auto batch, get(db, id));
  return batch.state;
}

Result<std::vector<std::string>> get_batch_queues(sqlite::Database& db, std::string_view id) {
  WEIR_ASSIGN(const auto batch, get(db, id));
  return queues_of(db, batch.row);
}

Result<std::string> list_batches(sqlite::Database& db, const BatchListRequest& request) {
  WEIR_ASSIGN(const auto before, place_of(request.cursor, kSweptAll));
  const auto scan = request.allowed ? kListScanRows : request.limit + 1;
  const auto rows = batch_rows(db, request.state, before, scan);
  json::Writer out(4'096);
  out.begin_object().key("items").begin_array();
  std::int64_t shown = 0;
  std::optional<std::int64_t> last;
  for (const auto row : rows) {
    if (shown == request.limit) return finish_page(out, last);
    last = row;
    if (!is_visible(db, row, request)) continue;
    out.begin_object();
    write_batch(out, db, *load_batch(db, row));
    out.end_object();
    ++shown;
  }
  const bool more = static_cast<std::int64_t>(rows.size()) == scan;
  return finish_page(out, more ? last : std::nullopt);
}

Result<std::string> list_members(sqlite::Database& db, const MemberListRequest& request) {
  WEIR_ASSIGN(const auto batch, get(db, request.id));
  WEIR_ASSIGN(const auto after, place_of(request.cursor, 0));
  std::vector<std::int64_t> members;
  std::optional<std::int64_t> last;
  std::int64_t looked_at = 0;
  {
    auto rows = db.prepare(
        "SELECT m.job,j.status FROM job_members AS m INDEXED BY job_members_batch"
        " CROSS JOIN jobs AS j ON j.row=m.job WHERE m.batch=?1 AND m.job>?2 ORDER BY m.job");
    rows.bind_all(batch.row, after);
    bool more = true;
    while (static_cast<std::int64_t>(members.size()) < request.limit && looked_at < kListScanRows &&
           (more = rows.step())) {
      ++looked_at;
      last = rows.int64(0);
      if (request.status && rows.int64(1) != static_cast<std::int64_t>(*request.status)) continue;
      members.push_back(*last);
    }
    if (more) more = rows.step();
    if (!more) last.reset();
  }
  json::Writer out(4'096);
  out.begin_object().key("items").begin_array();
  for (const auto row : members) {
    const auto job = load_job(db, row);
    const auto queue = load_queue(db, job->queue);
    out.begin_object();
    write_summary(out, *job, *queue);
    out.end_object();
  }
  return finish_page(out, last);
}

std::string batch_id_of(sqlite::Database& db, std::int64_t row) {
  auto rows = db.prepare(
      "SELECT b.id FROM job_members AS m JOIN job_batches AS b ON b.row=m.batch WHERE m.job=?1");
  rows.bind(1, row);
  return rows.step() ? std::string(rows.text(0)) : std::string();
}

}  // namespace weir::jobs
