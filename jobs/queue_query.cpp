// Queries about queues, and the counters.
#include <algorithm>
#include <array>

#include "jobs/queries.hpp"
#include "jobs/query_parts.hpp"
#include "jobs/queue_book.hpp"
#include "jobs/step.hpp"

namespace weir::jobs {
namespace {

// When the job that has been ready for longest became ready: the first of each key of each priority
// decides, since those are leased in order; and the first of each target and priority. Looks at
// kKeysLooked keys of a priority, and as many first jobs of targets.
constexpr int kKeysLooked = 1'000;

std::optional<std::int64_t> oldest_ready(sqlite::Database& db, std::int64_t queue,
                                         const std::array<std::int64_t, kPriorities>& ready) {
  std::optional<std::int64_t> oldest;
  const auto look = [&](const sqlite::Statement& rows) {
    const auto since = std::max(rows.int64(0), rows.optional_int64(1).value_or(0));
    oldest = oldest ? std::min(*oldest, since) : since;
  };
  auto plain = db.prepare(
      "SELECT created_at,run_at FROM jobs INDEXED BY jobs_ready"
      " WHERE status=2 AND queue=?1 AND target IS NULL AND priority=?2 AND key IS NULL"
      " ORDER BY row LIMIT 1");
  auto keyed = db.prepare(
      "SELECT created_at,run_at,key FROM jobs INDEXED BY jobs_ready"
      " WHERE status=2 AND queue=?1 AND target IS NULL AND priority=?2 AND key>?3"
      " ORDER BY key,row LIMIT 1");
  for (std::size_t priority = 0; priority < kPriorities; ++priority) {
    if (ready[priority] == 0) continue;
    const auto level = static_cast<std::int64_t>(priority);
    plain.bind_all(queue, level);
    if (plain.step()) look(plain);
    plain.run();
    std::string key;
    for (int looked = 0; looked < kKeysLooked; ++looked) {
      keyed.bind_all(queue, level, key);
      const bool found = keyed.step();
      if (found) {
        look(keyed);
        key = keyed.text(2);
      }
      keyed.run();
      if (!found) break;
    }
  }
  auto next_target = db.prepare(
      "SELECT target FROM jobs INDEXED BY jobs_ready WHERE status=2 AND queue=?1 AND target>?2"
      " ORDER BY target LIMIT 1");
  auto targeted = db.prepare(
      "SELECT created_at,run_at FROM jobs INDEXED BY jobs_ready"
      " WHERE status=2 AND queue=?1 AND target=?2 AND priority=?3 ORDER BY key,row LIMIT 1");
  std::string target;
  for (int looked = 0; looked < kKeysLooked; ++looked) {
    next_target.bind_all(queue, target);
    const bool found = next_target.step();
    if (found) target = next_target.text(0);
    next_target.run();
    if (!found) break;
    for (std::size_t priority = 0; priority < kPriorities; ++priority) {
      if (ready[priority] == 0) continue;
      targeted.bind_all(queue, target, static_cast<std::int64_t>(priority));
      if (targeted.step()) look(targeted);
      targeted.run();
    }
  }
  return oldest;
}

}  // namespace

Result<std::string> list_queues(sqlite::Database& db, std::int64_t limit, std::string_view cursor) {
  if (limit < 1 || limit > 1'000) {
    return Error{Code::invalid,
                 "invalid_request",
                 "The request is not valid",
                 "limit must be 1 to 1000",
                 {{"limit", "must be 1 to 1000"}}};
  }
  json::Writer out(1'024);
  out.begin_object().key("items").begin_array();
  auto rows = db.prepare(
      "SELECT id,name,paused,created_at FROM job_queues WHERE name>?1 ORDER BY name LIMIT ?2");
  rows.bind_all(cursor, limit + 1);
  std::string last;
  std::int64_t count = 0;
  bool more = false;
  while (rows.step()) {
    if (count++ == limit) {
      more = true;
      break;
    }
    last = rows.text(1);
    out.begin_object()
        .member("name", last)
        .member("paused", rows.int64(2) != 0)
        .member("created_at", from_unix_ms(rows.int64(3)))
        .key("counts");
    write_counts(out, read_counts(db, rows.int64(0)));
    out.end_object();
  }
  out.end_array();
  member_text(out, "next_cursor", more ? last : "");
  out.end_object();
  return out.take();
}

Result<std::string> get_queue(sqlite::Database& db, std::string_view name, Timestamp now) {
  const auto queue = find_queue(db, name);
  if (!queue) return queue_not_found(name);
  const auto ready = read_ready(db, queue->id);
  const auto oldest = oldest_ready(db, queue->id, ready);
  json::Writer out(768);
  out.begin_object().member("name", queue->name).member("paused", queue->paused_at.has_value());
  member_time(out, "paused_at", queue->paused_at);
  out.member("created_at", from_unix_ms(queue->created_at)).key("config");
  write_queue_config(out, queue->config);
  const auto disabled_at = queue->config.webhook.disabled_at;
  if (disabled_at != 0) out.member("webhook_disabled_at", from_unix_ms(disabled_at));
  out.key("counts");
  write_counts(out, read_counts(db, queue->id));
  out.key("ready_by_priority").begin_array();
  for (const auto count : ready) out.value(count);
  out.end_array();
  member_time(out, "oldest_ready_at", oldest);
  out.member("oldest_ready_age_ms",
             oldest ? std::max<std::int64_t>(0, to_unix_ms(now) - *oldest) : 0);
  out.end_object();
  return out.take();
}

std::string count_jobs(sqlite::Database& db) {
  const auto counts = read_counts(db, kAllQueues);
  std::int64_t total = 0;
  for (const auto count : counts) total += count;
  const auto of = [&](Status status) { return counts[index_of(status)]; };
  json::Writer out(192);
  out.begin_object()
      .member("total", total)
      .member("unprocessed", of(Status::scheduled) + of(Status::blocked) + of(Status::unprocessed));
  for (const auto status : {Status::processing, Status::completed, Status::failed, Status::dlq,
                            Status::scheduled, Status::blocked, Status::cancelled}) {
    out.member(to_string(status), of(status));
  }
  out.end_object();
  return out.take();
}

}  // namespace weir::jobs
