// WorkerBook: which workers were seen lately and how many jobs each runs. Mirrors job_workers (last
// seen) and the processing jobs (running). Bounded: idle workers are forgotten.
//
// Thread rule: the applier thread only. A Worker* stays valid while the worker runs something.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "jobs/stats.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::jobs {

struct Worker {
  std::string name;
  std::int64_t last_seen = 0;
  std::int64_t running = 0;
  bool dirty = false;
};

class WorkerBook {
 public:
  void load(sqlite::Database& db);
  void save(sqlite::Database& db);
  Worker& get(std::string_view name);  // must be known
  // Finds or adds the worker and notes that it was seen.
  Worker& seen(sqlite::Database& db, std::string_view name, std::int64_t now);
  void started(Worker& worker) {
    ++worker.running;
    mark(worker);
  }
  void ended(Worker& worker) {
    --worker.running;
    mark(worker);
  }
  // Forgets idle workers that were last seen before now - kWorkerKept.
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
