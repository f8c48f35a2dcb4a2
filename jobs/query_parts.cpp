#include "jobs/query_parts.hpp"

#include "jobs/fan_out.hpp"

namespace weir::jobs {
namespace {

QueueRow read_queue(const sqlite::Statement& rows) {
  QueueRow queue{.id = rows.int64(0),
                 .name = std::string(rows.text(1)),
                 .paused_at = rows.int64(2),
                 .created_at = rows.int64(3),
                 .config = parse_queue_config(json::View(rows.text(4)))};
  if (queue.paused_at == 0) queue.paused_at.reset();
  return queue;
}

}  // namespace

std::optional<QueueRow> find_queue(sqlite::Database& db, std::string_view name) {
  auto rows = db.prepare("SELECT id,name,paused,created_at,config FROM job_queues WHERE name=?1");
  rows.bind(1, name);
  if (!rows.step()) return std::nullopt;
  return read_queue(rows);
}

std::optional<QueueRow> load_queue(sqlite::Database& db, std::int64_t id) {
  auto rows = db.prepare("SELECT id,name,paused,created_at,config FROM job_queues WHERE id=?1");
  rows.bind(1, id);
  if (!rows.step()) return std::nullopt;
  return read_queue(rows);
}

Counts read_counts(sqlite::Database& db, std::int64_t queue) {
  Counts counts{};
  auto rows = db.prepare("SELECT kind,count FROM job_counts WHERE queue=?1 AND kind<?2");
  rows.bind_all(queue, static_cast<std::int64_t>(kStatusCount));
  while (rows.step()) counts.at(static_cast<std::size_t>(rows.int64(0))) = rows.int64(1);
  return counts;
}

Levels read_ready(sqlite::Database& db, std::int64_t queue) {
  Levels ready{};
  auto rows =
      db.prepare("SELECT kind,count FROM job_counts WHERE queue=?1 AND kind>=?2 AND kind<?3");
  rows.bind_all(queue, kReadyKind, kReadyKind + static_cast<std::int64_t>(kPriorities));
  while (rows.step())
    ready.at(static_cast<std::size_t>(rows.int64(0) - kReadyKind)) = rows.int64(1);
  return ready;
}

QueueTotals read_totals(sqlite::Database& db, std::int64_t queue) {
  QueueTotals totals{};
  auto rows =
      db.prepare("SELECT kind,count FROM job_counts WHERE queue=?1 AND kind>=?2 AND kind<?3");
  rows.bind_all(queue, kTotalKind, kTotalKind + static_cast<std::int64_t>(kQueueTotals));
  while (rows.step())
    totals.at(static_cast<std::size_t>(rows.int64(0) - kTotalKind)) = rows.int64(1);
  return totals;
}

std::int64_t read_count(sqlite::Database& db, std::int64_t queue, std::int64_t kind) {
  auto rows = db.prepare("SELECT count FROM job_counts WHERE queue=?1 AND kind=?2");
  rows.bind_all(queue, kind);
  return rows.step() ? rows.int64(0) : 0;
}

void write_counts(json::Writer& out, const Counts& counts) {
  out.begin_object();
  for (const auto status : kStatuses) out.member(to_string(status), counts[index_of(status)]);
  out.end_object();
}

void member_time(json::Writer& out, std::string_view name, std::optional<std::int64_t> ms) {
  out.key(name);
  if (ms) {
    out.value(from_unix_ms(*ms));
  } else {
    out.null();
  }
}

void member_text(json::Writer& out, std::string_view name, std::string_view text) {
  out.key(name);
  if (text.empty()) {
    out.null();
  } else {
    out.value(text);
  }
}

void member_json(json::Writer& out, std::string_view name, std::string_view json) {
  out.raw_member(name, json.empty() ? std::string_view("null") : json);
}

std::string_view shown_status(const Job& job) {
  const bool partial = job.status == Status::failed && (job.parts & kPartial) != 0;
  return partial ? kPartialFailure : to_string(job.status);
}

void write_summary(json::Writer& out, const Job& job, const QueueRow& queue) {
  out.member("id", job.id).member("queue", queue.name);
  member_text(out, "type", job.type);
  out.member("status", shown_status(job))
      .member("priority", job.priority)
      .member("attempt", job.attempt)
      .member("max_attempts", job.max_attempts.value_or(queue.config.max_attempts));
  member_text(out, "key", job.key);
  const auto tags = json::View(job.options).find("tags");
  out.raw_member("tags", tags.is_missing() ? std::string_view("[]") : tags.raw());
  out.member("created_at", from_unix_ms(job.created_at));
  member_time(out, "run_at", job.run_at);
  member_time(out, "started_at", job.started_at);
  member_time(out, "finished_at", job.finished_at);
  member_text(out, "worker", job.worker);
}

}  // namespace weir::jobs
