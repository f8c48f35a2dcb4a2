// Snapshotter: takes snapshots of the applied state, restores them, and lets the log be truncated.
//
// The leader takes one when the log has grown enough since the last, reads it back, and then drops
// from the log what is older than the snapshot before it: two good ways back are always there. A
// replica that has applied less than the log still holds (a new one, a wiped one, one that was away
// for long) begins with the newest snapshot.
//
// Lifecycle: construct -> start() -> stop(). Thread-safe, but restore(), which is the applier's.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/replica/log.hpp"
#include "pkg/replica/snapshot_store.hpp"
#include "pkg/replica/snapshots.hpp"
#include "pkg/replica/sys_machine.hpp"
#include "pkg/sqlite/database.hpp"

namespace weir::replica {

struct SnapshotOptions {
  // Bytes the log may grow by before the next snapshot; also not before it has grown by half the
  // size of the database, so that a large state is not copied all the time. 0: never by itself.
  std::uint64_t log_bytes = 256U << 20U;
  Millis look_every{2'000};
  std::size_t kept = 2;
  // A replica that has applied nothing begins with a snapshot when it would have to apply at least
  // this many entries.
  Revision worth_entries = 1'000;
};

class Snapshotter final : public Snapshots {
 public:
  // `directory` is the data directory, `name` that of the database file in it. `leads` says whether
  // this node is the leader now.
  Snapshotter(SnapshotOptions options, std::string directory, std::string name, std::string node,
              SnapshotStore& store, Log& log, const Clock& clock, std::function<bool()> leads);
  ~Snapshotter() override { stop(); }

  void start();
  void stop();

  Result<SnapshotInfo> take() override;
  Result<std::vector<SnapshotInfo>> list() override { return store_.list(); }
  Result<SnapshotInfo> verify(const std::string& id) override;
  std::uint64_t taken() const override { return taken_.load(); }

  // Replaces the content of `db`, which is at `position`, by the newest good snapshot of this log
  // that is newer. False: there is none, and nothing was changed. Errors: unavailable (ask again),
  // of SQLite, out_of_space / disk_full.
  Result<bool> restore(const Position& position, const LogInfo& info, sqlite::Database& db);
  // Whether a replica at `position` had better begin with a snapshot than apply this log.
  bool is_worth(const Position& position, const LogInfo& info) const {
    return position.applied == 0 && info.last >= options_.worth_entries;
  }

 private:
  // The files of one snapshot on its way, removed at the end.
  struct Files;

  void run();
  void take_if_due();
  bool is_due() const;
  Result<SnapshotInfo> copy(const Files& files) const;
  Result<void> truncate();
  Result<void> load(const SnapshotInfo& info, sqlite::Database& db) const;
  std::string database() const { return directory_ + "/" + name_ + ".db"; }

  const SnapshotOptions options_;
  const std::string directory_;
  const std::string name_;
  const std::string node_;
  SnapshotStore& store_;
  Log& log_;
  const Clock& clock_;
  const std::function<bool()> leads_;
  std::atomic<std::uint64_t> taken_{0};
  std::mutex one_at_a_time_;

  std::mutex mutex_;
  std::condition_variable wakes_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace weir::replica
