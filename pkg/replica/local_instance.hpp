// LocalInstance: the Instance of this process, over a Log, a LeaseStore and an EffectSink.
//
// Threads it owns: the applier (takes what the log delivered, one transaction, then answers), the
// timer (deadlines and repeats), the housekeeper (leader, ticks, effects), the snapshotter.
// Proposing happens on the caller's thread when nothing is in flight.
//
// Data directory: node-id, <name>.db (SQLite), <name>.journal.a and .b (the newest entries),
// <name>.outbox.db and <name>.lock, which keeps a second process out.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pkg/replica/digest_core.hpp"
#include "pkg/replica/effects_core.hpp"
#include "pkg/replica/entry_queue.hpp"
#include "pkg/replica/instance.hpp"
#include "pkg/replica/leader_core.hpp"
#include "pkg/replica/log.hpp"
#include "pkg/replica/proposer_core.hpp"
#include "pkg/replica/snapshotter.hpp"
#include "pkg/replica/test_clock.hpp"

namespace weir::replica {

struct InstanceOptions {
  std::string data_dir;         // made when it does not exist
  std::string name = "jobs-0";  // of the log's files here, and in effect ids
  // Of the proposer. proposer_id and hard_entry_bytes are filled in: a fresh id, and what the log
  // takes.
  ProposerOptions proposer = {};
  LeaderCore::Options leader = {};  // holder is filled in
  EntryQueue::Bounds queue = {};
  std::size_t readers = 4;                // read connections
  std::int64_t cache_bytes = 64 << 20;    // page cache of the writing connection
  std::int64_t checkpoint_pages = 4'000;  // WAL pages (4 KiB) before they go into the file
  Millis start_wait{5'000};               // start() waits this long to catch up
  SnapshotOptions snapshots = {};
  DigestCore::Options digests = {};
  std::string version = WEIR_VERSION;  // digests of another are not compared
  std::uint64_t outbox_bytes = 0;      // that may wait while the log is away; 0: nothing is kept
  Millis longest_hold{2'000};          // of an answer, while what was kept goes into the log
  std::uint64_t journal_bytes = 64U << 20U;  // of the newest entries, kept here; 0: none
};

// What an instance stands on; all must outlive it.
struct InstanceParts {
  Log& log;
  LeaseStore& leases;
  EffectSink& effects;
  std::vector<StateMachine*> machines;
  const Clock& clock;  // the test clock, where there is one
  Random& random;
  SnapshotStore* snapshots = nullptr;  // null: none are taken, and the log is kept for ever
  TestClock* test_clock = nullptr;     // null: the log must be one that was made without
};

// Opens the data directory and the database. Errors: internal / data_dir_failed, conflict /
// data_dir_in_use, of SQLite (schema_too_new, database_corrupt, ...).
//
// start() returns an error when the log is not the one this data directory has applied
// (verify.hpp), which it can tell once the log is reachable. When that, or that an entry cannot be
// applied, shows later, Health::problem says so and propose() and read() are refused. While the log
// is out of reach or the replica still catches up, start() returns without an error after
// start_wait.
//
// More errors of propose(): unavailable / replica_starting (not caught up yet), replica_stopped
// (Health::problem says why; also the end of the instance); bad_request / invalid_operation.
Result<std::unique_ptr<Instance>> make_instance(InstanceOptions options, InstanceParts parts);

// The id in data_dir/node-id; made at the first start. Errors: internal / data_dir_failed.
Result<std::string> load_node_id(const std::string& data_dir, Random& random);

}  // namespace weir::replica
