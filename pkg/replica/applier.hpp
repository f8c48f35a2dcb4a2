// Applier: the thread that joins the log, applies what it delivers and hands out what was
// committed.
//
// Lifecycle: construct -> open() -> start() -> stop(). Hooks run on the applier thread, except
// halted, which runs on the thread that called halt(). The rest is thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "pkg/replica/applier_core.hpp"
#include "pkg/replica/entry_queue.hpp"
#include "pkg/replica/log.hpp"
#include "pkg/replica/serving_state.hpp"

namespace weir::replica {

class Applier {
 public:
  struct Hooks {
    // Looks at the log before it is followed (LogInspector::look()).
    std::function<Result<LogInfo>(const Position&)> verify;
    std::function<void(const std::string& identity)> joined;      // the log is verified
    std::function<void(std::span<const DecodedEntry>)> received;  // about to be applied
    std::function<void(AppliedBatch&)> committed;                 // what now can be answered
    std::function<void(const Error&)> halted;                     // stopped for good; called once
    // Replaces the state by a newer one that was stored, if there is one that fits the log; absent:
    // there never is.
    std::function<Result<bool>(const Position&, const LogInfo&)> restore;
    std::function<bool(const Position&, const LogInfo&)> had_better_restore;
    std::function<Result<void>()> wipe;   // empties the database
    std::function<void()> resync_begins;  // it serves no more
  };
  struct Counters {
    std::atomic<std::uint64_t> entries{0};
    std::atomic<std::uint64_t> operations{0};
    std::atomic<std::uint64_t> transactions{0};
    std::atomic<std::uint64_t> apply_us{0};
  };

  Applier(ApplierCore::Options options, EntryQueue::Bounds bounds, sqlite::Database& db,
          std::vector<StateMachine*> machines, std::function<bool()> watched,
          std::function<bool()> listened, Log& log, const Clock& clock, ServingState& serving,
          Hooks hooks);
  ~Applier() { stop(); }

  Result<void> open();  // errors of SQLite
  void start();
  void stop();
  // Waits until it serves, has stopped for good (then the reason) or `limit` has passed.
  Result<void> wait_serving(Millis limit);
  // The replica stops serving for good. From any thread.
  void halt(const Error& error);

  // Instance::resync().
  void resync(std::function<void(Result<void>)> begun);

  // The applier thread, or anybody before start().
  const ApplierCore& core() const { return core_; }

  Revision applied() const { return applied_.load(); }
  Timestamp applied_time() const { return from_unix_ms(applied_time_ms_.load()); }
  Revision log_last() const { return std::max(log_last_.load(), applied_.load()); }
  void saw_log_last(Revision revision);
  // What had to be applied before serving.
  Revision catch_up_to() const { return catch_up_to_.load(); }
  std::size_t effects_waiting() const { return effects_waiting_.load(); }
  const Counters& counters() const { return counters_; }
  DigestHealth digest() const;

 private:
  using Begun = std::function<void(Result<void>)>;

  void run();
  Begun wait_resync();
  void follow();
  void begin_resync(const Begun& begun);
  Result<void> rebuild();
  void open_again();
  void tell_committed();
  void tell_jump();
  void join_until_joined();
  bool join_log();
  Result<LogInfo> find_place();
  Result<bool> restore();
  std::size_t find_gap(const std::vector<DecodedEntry>& entries);
  void join_again();
  void apply(std::span<const DecodedEntry> entries);
  void commit_done();
  void publish_position();
  void publish_digest();
  bool stopping() const;
  bool interrupted() const;
  void rest(Millis pause);

  ApplierCore core_;
  EntryQueue queue_;
  Log& log_;
  const Clock& clock_;
  ServingState& serving_;
  const Hooks hooks_;
  AppliedBatch batch_;  // keeps its memory
  std::unique_ptr<LogTail> tail_;
  std::string join_failure_;  // reason that was logged last
  Revision rejoined_at_ = 0;  // the revision that was missing, once
  Revision told_ = 0;         // what was applied up to here has been handed out

  std::atomic<Revision> applied_{0};
  std::atomic<std::int64_t> applied_time_ms_{0};
  std::atomic<Revision> log_last_{0};
  std::atomic<Revision> catch_up_to_{0};
  std::atomic<std::size_t> effects_waiting_{0};
  Counters counters_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Error> halted_;  // guarded by mutex_
  DigestHealth digest_;          // guarded by mutex_
  Begun resync_;                 // guarded by mutex_: asked for, and not begun
  bool stopping_ = false;        // guarded by mutex_
  std::thread thread_;
};

}  // namespace weir::replica
