#include "jobs/worker_book.hpp"

#include <algorithm>
#include <tuple>

#include "jobs/limits.hpp"
#include "jobs/worker_row.hpp"
#include "pkg/base/assert.hpp"

namespace weir::jobs {

void WorkerBook::load(sqlite::Database& db) {
  workers_.clear();
  dirty_.clear();
  changed_.clear();
  removed_.clear();
  oldest_seen_ = 0;
  auto rows =
      db.prepare("SELECT name,last_seen,labels,queues,drained_at FROM job_workers ORDER BY name");
  while (rows.step()) {
    auto worker = std::make_unique<Worker>();
    worker->name = rows.text(0);
    worker->last_seen = rows.int64(1);
    worker->labels = rows.text(2);
    worker->queues = parse_queue_list(rows.text(3));
    worker->drained_at = rows.int64(4);
    changed_.push_back(worker.get());
    workers_.emplace(worker->name, std::move(worker));
  }
}

void WorkerBook::save(sqlite::Database& db) {
  if (dirty_.empty()) return;
  auto write = db.prepare(
      "INSERT OR REPLACE INTO job_workers(name,last_seen,running,labels,queues,drained_at)"
      " VALUES(?1,?2,?3,?4,?5,?6)");
  for (Worker* worker : dirty_) {
    const auto queues = format_queue_list(worker->queues);
    write
        .bind_all(worker->name, worker->last_seen, worker->running, worker->labels, queues,
                  worker->drained_at)
        .run();
    worker->dirty = false;
    changed_.push_back(worker);
  }
  dirty_.clear();
}

Worker& WorkerBook::seen(sqlite::Database& db, std::string_view name, std::int64_t now) {
  auto found = workers_.find(name);
  if (found == workers_.end()) {
    if (workers_.size() >= kMaxWorkersKept) {
      Worker* stalest = nullptr;
      for (const auto& [key, worker] : workers_) {
        if (worker->running > 0) continue;
        if (stalest == nullptr || std::tie(worker->last_seen, worker->name) <
                                      std::tie(stalest->last_seen, stalest->name)) {
          stalest = worker.get();
        }
      }
      if (stalest != nullptr) forget(db, *stalest);
    }
    found = workers_.emplace(std::string(name), std::make_unique<Worker>()).first;
    found->second->name = name;
  }
  found->second->last_seen = now;
  mark(*found->second);
  return *found->second;
}

void WorkerBook::asks(Worker& worker, const LeaseCall& call) {
  if (worker.labels == call.labels && worker.queues == call.queues) return;
  worker.labels = call.labels;
  worker.queues = call.queues;
  mark(worker);
}

Worker* WorkerBook::find(std::string_view name) {
  const auto found = workers_.find(name);
  return found == workers_.end() ? nullptr : found->second.get();
}

Worker& WorkerBook::get(std::string_view name) {
  const auto found = workers_.find(name);
  WEIR_ASSERT(found != workers_.end());
  return *found->second;
}

std::vector<std::string> WorkerBook::live(std::string_view queue, std::int64_t now) const {
  std::vector<std::string> out;
  for (const auto& [name, worker] : workers_) {
    if (worker->drained_at != 0) continue;
    if (worker->running == 0 && now - worker->last_seen > kWorkerLive.count()) continue;
    const auto& queues = worker->queues;
    if (std::find(queues.begin(), queues.end(), queue) != queues.end()) out.push_back(name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

void WorkerBook::forget_idle(sqlite::Database& db, std::int64_t now) {
  const auto cut = now - kWorkerKept.count();
  if (oldest_seen_ >= cut) return;
  oldest_seen_ = now;
  std::vector<Worker*> idle;
  for (const auto& [name, worker] : workers_) {
    const auto longer = worker->drained_at == 0 ? 0 : (kDrainKept - kWorkerKept).count();
    const auto seen = worker->last_seen + longer;
    if (worker->running == 0 && seen < cut) {
      idle.push_back(worker.get());
    } else {
      oldest_seen_ = std::min(oldest_seen_, seen);
    }
  }
  for (Worker* worker : idle) forget(db, *worker);
}

void WorkerBook::forget(sqlite::Database& db, Worker& worker) {
  db.prepare("DELETE FROM job_workers WHERE name=?1").bind_all(worker.name).run();
  std::erase(dirty_, &worker);
  std::erase(changed_, &worker);
  removed_.push_back(worker.name);
  workers_.erase(workers_.find(worker.name));
}

void WorkerBook::mark(Worker& worker) {
  if (worker.dirty) return;
  worker.dirty = true;
  dirty_.push_back(&worker);
}

void WorkerBook::publish(StatsBoard::Update& update) {
  update.removed_workers = std::move(removed_);
  removed_.clear();
  for (const Worker* worker : changed_) {
    update.workers.push_back({worker->name, from_unix_ms(worker->last_seen), worker->running});
  }
  changed_.clear();
}

}  // namespace weir::jobs
