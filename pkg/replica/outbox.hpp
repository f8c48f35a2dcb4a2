// Outbox: where operations wait while the log cannot be reached. A SQLite file of its own with
// synchronous=FULL: what was answered survives a crash and lost power. When the log is back, one
// thread packs what waits, in order, into entries, keeps each entry before it appends it, and
// appends one after the other. Their proposer is the outbox itself, with sequence numbers that
// never come twice: replicas apply each entry once, however often it is appended.
//
// Lifecycle: open() -> start() -> stop(). Thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/replica/instance.hpp"
#include "pkg/replica/log.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::replica {

struct OutboxOptions {
  std::string path;                     // of the file; "" in InstanceOptions: no outbox
  std::string proposer;                 // id in the entries; the same for ever for a file
  std::uint64_t max_bytes = 1U << 30U;  // of everything that waits
  std::size_t max_entry_bytes = 512U << 10U;
  std::size_t max_unwritten = 10'000;  // operations that wait for the disk
};

class Outbox {
 public:
  // `may_drain` says whether the log takes entries now. Errors: of SQLite.
  static Result<std::unique_ptr<Outbox>> open(OutboxOptions options, Log& log, const Clock& clock,
                                              std::function<bool()> may_drain);
  ~Outbox() { stop(); }

  void start();
  void stop();  // what waits for the disk is written first; what waits for the log stays

  // Answers Reply::kept with the body of the operation when it is on disk. Errors: out_of_space /
  // outbox_full, disk_full; too_many_requests / proposer_full; unavailable / replica_stopped
  // (stopping).
  void keep(Operation operation, ReplyHandler done);

  bool empty() const { return operations_.load() == 0; }
  OutboxHealth health() const;

 private:
  struct Unwritten {
    Operation operation;
    ReplyHandler done;
  };
  struct Entry {
    std::uint64_t sequence = 0;
    std::string data;
    std::uint64_t operations = 0;
    std::uint64_t bytes = 0;  // as they were counted when they were kept
  };

  Outbox(OutboxOptions options, std::unique_ptr<sqlite::Database> db, Log& log, const Clock& clock,
         std::function<bool()> may_drain);
  Result<void> load();

  void write_loop();
  Result<void> write(const std::vector<Unwritten>& batch);
  void drain_loop();
  Result<std::optional<Entry>> next_entry();
  std::optional<Entry> packed_entry();
  std::optional<Entry> pack();
  Result<void> append(const Entry& entry);
  bool forget(const Entry& entry);

  const OutboxOptions options_;
  const std::unique_ptr<sqlite::Database> db_;  // under db_mutex_
  Log& log_;
  const Clock& clock_;
  const std::function<bool()> may_drain_;
  std::mutex db_mutex_;

  std::atomic<std::uint64_t> operations_{0};  // kept or about to be, and not in the log yet
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> drained_{0};

  mutable std::mutex mutex_;
  std::condition_variable wakes_;
  std::vector<Unwritten> unwritten_;  // under mutex_
  bool stopping_ = false;             // under mutex_
  std::thread writer_;
  std::thread drainer_;
};

}  // namespace weir::replica
