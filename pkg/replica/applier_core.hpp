// ApplierCore: applies entries of the log to the state machines, a batch in one SQLite transaction.
// It has no thread and no clock: the applier thread of an Instance drives it, or the simulation.
//
// Rules it keeps: entries come in order without a gap; nothing is ever skipped; position, digest
// and the effects of an entry commit with its changes; replies and deliveries are handed out only
// after the commit. An entry that was applied before under its proposer's sequence changes nothing.
//
// Lifecycle: construct -> open() -> apply() ... One thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pkg/replica/entry.hpp"
#include "pkg/replica/instance.hpp"
#include "pkg/replica/sys_machine.hpp"

namespace weir::replica {

// The answers to an entry that this node proposed, one for each of its operations.
struct OwnEntry {
  std::uint64_t sequence = 0;
  Revision revision = 0;
  std::vector<Result<std::string>> replies;
};

struct Delivery {
  std::string waiter;
  std::string json;
  Revision revision = 0;
};

// What a committed batch hands out.
struct AppliedBatch {
  std::vector<OwnEntry> own;
  std::vector<OwnEntry> kept;        // out of the outbox of this node, where somebody waits
  std::vector<Delivery> deliveries;  // to waiters of this node
  std::vector<std::string> touched;
  bool touches_dropped = false;  // nobody watched when it began: whoever watches by now may have
                                 // missed any key
  std::vector<Publication> published;
  bool publications_dropped = false;  // nobody listened when it began
  Revision first = 0;                 // of its entries
  Revision last = 0;
  std::size_t entries = 0;
  std::size_t operations = 0;

  void clear();
};

class ApplierCore {
 public:
  struct Options {
    std::string node_id;                 // deliveries to other nodes are dropped
    std::string proposer_id;             // entries of this proposer are answered
    std::string version = WEIR_VERSION;  // digests of another are not compared
    std::string outbox_id = {};          // its entries are answered too, if somebody waits for one
    std::function<bool(std::uint64_t sequence)> outbox_awaited = {};
  };

  // The machines and the database must outlive it. `watched` says whether anyone watches anything,
  // `listened` whether anyone listens to events (empty: never).
  ApplierCore(Options options, sqlite::Database& db, std::vector<StateMachine*> machines,
              std::function<bool()> watched, std::function<bool()> listened = {});
  ~ApplierCore();

  // Migrates the schemas and loads the machines. Errors: of SQLite.
  Result<void> open();

  // Applies and commits. Entries at or below the applied revision are passed over. After an error
  // nothing of the batch is in the state, except as said:
  //   errors of SQLite: rolled back, the machines are loaded again; call again with the same
  //     entries, later.
  //   internal / log_gap, malformed_entry, unknown_entry_version, unknown_operation: the entries
  //     before the bad one are committed and in `out`, and stopped() holds the error, with the
  //     revision: every later call returns it.
  Result<void> apply(std::span<const DecodedEntry> entries, AppliedBatch& out);

  const std::optional<Error>& stopped() const { return stopped_; }
  const Position& position() const { return sys_.position(); }
  const DigestBook& digests() const { return sys_.digests(); }
  std::size_t effects_waiting() const { return sys_.effects_waiting(); }
  // Machines with the replica's own `sys` at the end; next_due() of each is asked after a commit.
  std::span<StateMachine* const> machines() const { return machines_; }

  // Remembers which log the state comes from, once. Errors: of SQLite.
  Result<void> adopt(const SysMachine::Origin& origin);

 private:
  class Collector;

  Result<void> commit(std::span<const DecodedEntry> entries, AppliedBatch& out);
  Result<void> apply_entry(const DecodedEntry& entry, AppliedBatch& out);
  ApplyContext context_of(const DecodedEntry& entry);
  std::vector<OwnEntry>* answers_to(const DecodedEntry& entry, AppliedBatch& out) const;
  Result<void> apply_operations(const DecodedEntry& entry, OwnEntry* own);
  Result<std::string> apply_operation(StateMachine& machine, ApplyContext& context);
  Result<void> record(std::string_view actor, const Result<std::string>& outcome,
                      ApplyContext& context);
  StateMachine* machine_of(std::string_view operation) const;
  Result<void> reload();

  const Options options_;
  sqlite::Database& db_;
  SysMachine sys_;
  std::vector<StateMachine*> machines_;
  std::unique_ptr<Collector> collector_;
  std::function<void(Effect)> add_effect_;
  Operation scratch_;  // keeps its memory from operation to operation
  std::optional<Error> stopped_;
  std::size_t bad_entry_ = 0;  // index in the batch, when apply_entry refused it
  bool worked_ = false;        // an operation of the entry was about more than digests
  bool loaded_ = false;
};

}  // namespace weir::replica
