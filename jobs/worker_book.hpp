// WorkerBook: which workers were seen lately, what they said of themselves, and how many jobs each
// runs. Mirrors job_workers and the processing jobs (running, which job_workers has for readers
// only). Bounded: idle workers are forgotten.
//
// Thread rule: the applier thread only. A Worker* stays valid while the worker runs something.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "jobs/stats.hpp"
#include "jobs/waiter_book.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

struct Worker {
  std::string name;
  std::int64_t last_seen = 0;
  std::int64_t running = 0;
  std::string labels;               // of its last lease request, see jobs/target.hpp
  std::vector<std::string> queues;  // the same
  std::int64_t drained_at = 0;      // since then it is given no more jobs; 0: it is
  bool dirty = false;
};

class WorkerBook {
 public:
  void load(sqlite::Database& db);
  void save(sqlite::Database& db);
  Worker& get(std::string_view name);  // must be known
  Worker* find(std::string_view name);
  // Finds or adds the worker and notes that it was seen.
  Worker& seen(sqlite::Database& db, std::string_view name, std::int64_t now);
  // Since when it is given no more jobs; 0: it is.
  void set_drained(Worker& worker, std::int64_t at) {
    worker.drained_at = at;
    oldest_seen_ = 0;  // one that gets jobs again is forgotten earlier
    mark(worker);
  }
  // It asks for jobs.
  void asks(Worker& worker, const LeaseCall& call);
  void started(Worker& worker) {
    ++worker.running;
    mark(worker);
  }
  void ended(Worker& worker) {
    --worker.running;
    mark(worker);
  }
  // The workers that ask the queue and are live (seen in the last kWorkerLive, or running a job)
  // and not draining, by name. O(workers).
  std::vector<std::string> live(std::string_view queue, std::int64_t now) const;
  // Forgets idle workers that were last seen before now - kWorkerKept, or - kDrainKept.
  void forget_idle(sqlite::Database& db, std::int64_t now);
  void publish(StatsBoard::Update& update);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  void mark(Worker& worker);
  void forget(sqlite::Database& db, Worker& worker);

  std::unordered_map<std::string, std::unique_ptr<Worker>, Hash, std::equal_to<>> workers_;
  std::vector<Worker*> dirty_;
  std::vector<Worker*> changed_;  // since the last publish()
  std::vector<std::string> removed_;
  std::int64_t oldest_seen_ = 0;  // nobody was last seen before
};

}  // namespace weir::jobs
