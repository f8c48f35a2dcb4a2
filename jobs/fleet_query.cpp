#include "jobs/fleet_query.hpp"

#include <map>

#include "jobs/drain.hpp"
#include "jobs/limits.hpp"
#include "jobs/query_parts.hpp"
#include "jobs/target.hpp"
#include "jobs/worker_row.hpp"

namespace weir::jobs {
namespace {

struct RunningJob {
  std::string id;
  std::string queue;
  std::string type;
  std::int64_t attempt = 0;
  std::int64_t started_at = 0;
};
using Running = std::map<std::string, std::vector<RunningJob>, std::less<>>;  // by worker

// What the workers run, of the queues that may be seen. Looks at kListScanRows jobs.
Running read_running(sqlite::Database& db, const MaySee& may_see) {
  Running out;
  std::map<std::int64_t, std::string> queues;
  auto rows = db.prepare(
      "SELECT worker,id,queue,type,attempt,started_at FROM jobs INDEXED BY jobs_state"
      " WHERE status=3 AND status<>2 LIMIT ?1");
  rows.bind_all(kListScanRows);
  while (rows.step()) {
    auto queue = queues.find(rows.int64(2));
    if (queue == queues.end()) {
      const auto found = load_queue(db, rows.int64(2));
      queue = queues.emplace(rows.int64(2), found ? found->name : std::string()).first;
    }
    if (!may_see(queue->second)) continue;
    auto& jobs = out[std::string(rows.text(0))];
    if (jobs.size() == kWorkerJobsShown) continue;
    jobs.push_back({std::string(rows.text(1)), queue->second, std::string(rows.text(3)),
                    rows.int64(4), rows.int64(5)});
  }
  return out;
}

void write_jobs(json::Writer& out, const std::vector<RunningJob>& jobs) {
  out.key("jobs").begin_array();
  for (const auto& job : jobs) {
    out.begin_object().member("id", job.id).member("queue", job.queue);
    member_text(out, "type", job.type);
    out.member("attempt", job.attempt);
    member_time(out, "started_at", job.started_at);
    out.end_object();
  }
  out.end_array();
}

void write_worker(json::Writer& out, const WorkerRow& worker, const std::vector<RunningJob>& jobs,
                  std::int64_t now) {
  out.begin_object().member("name", worker.name).member("live", worker.is_live(now));
  out.member("draining", worker.drained_at != 0);
  member_time(out, "draining_since",
              worker.drained_at == 0 ? std::nullopt : std::optional(worker.drained_at));
  member_time(out, "last_seen", worker.last_seen);
  out.member("running", worker.running);
  out.raw_member("labels", worker.labels.empty() ? std::string_view("{}") : worker.labels);
  out.key("queues").begin_array();
  for (const auto& queue : worker.queues) out.value(queue);
  out.end_array();
  write_jobs(out, jobs);
  out.end_object();
}

std::optional<WorkerRow> find_worker(sqlite::Database& db, std::string_view name) {
  auto rows = db.prepare(
      "SELECT name,last_seen,running,labels,queues,drained_at FROM job_workers WHERE name=?1");
  rows.bind(1, name);
  if (!rows.step()) return std::nullopt;
  return read_worker(rows);
}

}  // namespace

Result<std::string> list_workers(sqlite::Database& db, std::int64_t limit, std::string_view cursor,
                                 Timestamp now, const MaySee& may_see) {
  if (limit < 1 || limit > 1'000) {
    return Error{Code::invalid,
                 "invalid_request",
                 "The request is not valid",
                 "limit must be 1 to 1000",
                 {{"limit", "must be 1 to 1000"}}};
  }
  const auto running = read_running(db, may_see);
  json::Writer out(1'024);
  out.begin_object().key("items").begin_array();
  auto rows = db.prepare(
      "SELECT name,last_seen,running,labels,queues,drained_at FROM job_workers WHERE name>?1"
      " ORDER BY name LIMIT ?2");
  rows.bind_all(cursor, limit + 1);
  std::string last;
  bool more = false;
  for (std::int64_t count = 0; rows.step(); ++count) {
    more = count == limit;
    if (more) break;
    auto worker = read_worker(rows);
    last = worker.name;
    std::erase_if(worker.queues, [&](const auto& queue) { return !may_see(queue); });
    const auto jobs = running.find(worker.name);
    if (worker.queues.empty() && jobs == running.end()) continue;
    write_worker(out, worker, jobs == running.end() ? std::vector<RunningJob>() : jobs->second,
                 to_unix_ms(now));
  }
  out.end_array();
  member_text(out, "next_cursor", more ? last : std::string());
  out.end_object();
  return out.take();
}

Result<std::string> get_worker(sqlite::Database& db, std::string_view name, Timestamp now,
                               const MaySee& may_see) {
  const auto running = read_running(db, may_see);
  const auto jobs = running.find(name);
  auto worker = find_worker(db, name);
  if (!worker) return worker_not_found(name);
  std::erase_if(worker->queues, [&](const auto& queue) { return !may_see(queue); });
  if (worker->queues.empty() && jobs == running.end()) return worker_not_found(name);
  json::Writer out(512);
  write_worker(out, *worker, jobs == running.end() ? std::vector<RunningJob>() : jobs->second,
               to_unix_ms(now));
  return out.take();
}

std::vector<std::string> queues_of_worker(sqlite::Database& db, std::string_view name) {
  auto worker = find_worker(db, name);
  return worker ? std::move(worker->queues) : std::vector<std::string>();
}

Match match_target(sqlite::Database& db, std::string_view queue, std::string_view target,
                   std::int64_t now) {
  auto rows = db.prepare("SELECT name,last_seen,running,labels,queues,drained_at FROM job_workers");
  Match match = Match::none;
  while (rows.step()) {
    const auto worker = read_worker(rows);
    if (!worker.is_live(now) || !worker.asks(queue) ||
        !matches_target(target, worker.name, worker.labels)) {
      continue;
    }
    if (worker.drained_at == 0) return Match::live;
    match = Match::draining;
  }
  return match;
}

}  // namespace weir::jobs
