// Outbox: where operations wait while the log cannot be reached, in a file of its own
// (outbox_file.hpp). When the log is back, one thread appends what waits, in order, one entry after
// the other. Their proposer is the outbox itself, with sequence numbers that never come twice:
// replicas apply each entry once, however often it is appended. An entry is forgotten when it is
// applied here, not before: a NATS that loses power may lose what it just acknowledged, and what is
// applied can be given back to it (log_inspector.hpp).
//
// While it hands over, answers to what comes meanwhile are held (held_answers.hpp).
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
#include "pkg/replica/applier_core.hpp"
#include "pkg/replica/held_answers.hpp"
#include "pkg/replica/log.hpp"
#include "pkg/replica/outbox_file.hpp"

namespace weir::replica {

struct OutboxOptions {
  std::string path;                     // of the file; "" in InstanceOptions: no outbox
  std::string proposer;                 // id in the entries; the same for ever for a file
  std::uint64_t max_bytes = 1U << 30U;  // of everything that waits
  std::size_t max_entry_bytes = 512U << 10U;
  std::size_t max_unwritten = 10'000;  // operations that wait for the disk
  Millis longest_hold{2'000};          // of an answer
  HeldAnswers::Bounds held = {};
};

class Outbox {
 public:
  struct Hooks {
    std::function<bool()> may_drain;    // the log takes entries now
    std::function<Revision()> applied;  // how far this replica is
  };

  // Errors: of SQLite.
  static Result<std::unique_ptr<Outbox>> open(OutboxOptions options, Log& log, const Clock& clock,
                                              Hooks hooks);
  ~Outbox() { stop(); }

  void start();
  void stop();  // what waits for the disk is written first; what waits for the log stays

  // Answers Reply::kept with the body of the operation when it is on disk. Errors: out_of_space /
  // outbox_full, disk_full; too_many_requests / proposer_full; unavailable / replica_stopped
  // (stopping).
  void keep(Operation operation, ReplyHandler done);
  // As keep(), for what stands behind other operations: while the log takes entries the answer is
  // held until all of them are applied, and is then that of the state machine, an error of it too.
  // Not while what was appended last was not taken.
  void keep_in_turn(Operation operation, ReplyHandler done);

  // For the applier: whether somebody waits for the answers to this entry, and those.
  bool awaits(std::uint64_t sequence) const { return awaited_.load() == sequence; }
  void applied(std::vector<OwnEntry> entries);

  bool empty() const { return operations_.load() == 0; }
  OutboxHealth health() const;

 private:
  struct Unwritten {
    Operation operation;
    ReplyHandler done;
    std::optional<MonoTime> hold_until;  // empty: answered when it is on the disk
  };
  Outbox(OutboxOptions options, std::unique_ptr<OutboxFile> file, Log& log, const Clock& clock,
         Hooks hooks);

  void take(Unwritten one);
  void write_loop();
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  Result<void> write(std::vector<Unwritten>& batch);
  void hold(std::vector<Unwritten>& batch);
  void drain_loop();
  std::optional<OutboxFile::Entry> next_entry();
  bool hand_over(const OutboxFile::Entry& entry);
  Result<Revision> append(const OutboxFile::Entry& entry);
  bool wait_applied(const OutboxFile::Entry& entry, Revision revision);
  void expect_answers(const OutboxFile::Entry& entry);
  static void complete(Completions completions);

  const OutboxOptions options_;
  const std::unique_ptr<OutboxFile> file_;  // under file_mutex_
  Log& log_;
  const Clock& clock_;
  const Hooks hooks_;
  std::mutex file_mutex_;

  std::atomic<std::uint64_t> operations_{0};  // kept or about to be, and not in the log yet
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> drained_{0};
  std::atomic<bool> stuck_{false};         // the log did not take the last entry
  std::atomic<std::uint64_t> awaited_{0};  // sequence of an entry; 0: none
  std::uint64_t answered_ = 0;             // sequence of the last that was awaited; drainer
  std::uint64_t written_ = 0;              // operations in the file at start and since; writer

  mutable std::mutex mutex_;
  std::condition_variable wakes_;
  std::vector<Unwritten> unwritten_;  // under mutex_
  HeldAnswers held_;                  // under mutex_
  bool stopping_ = false;             // under mutex_
  std::thread writer_;
  std::thread drainer_;
};

}  // namespace weir::replica
