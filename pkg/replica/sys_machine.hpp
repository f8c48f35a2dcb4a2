// SysMachine: what the replica itself keeps in the state (prefix `sys`): how far it has applied,
// which entries of which proposer were applied, and the effects that are owed.
//
// Operations:
//   sys.effects_done {"revision":r,"ordinal":o}: effects up to and including r.o are performed.
//     Idempotent; an older watermark changes nothing.
//   sys.test_clock {"to_ms"?:t,"freeze"?:b}: machines see time t, if they do not see a later one
//     yet; then their time stands still, or runs on. Idempotent. Reply {"now_ms":n}. Error:
//     conflict / no_test_clock: only a log that was made for a test clock takes it.
//   sys.checkpoint, sys.digest: digest_book.hpp.
// Tables: sys_meta (one row), sys_proposers, sys_effects, and those of DigestBook.
// Threads: as StateMachine.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "pkg/replica/digest_book.hpp"
#include "pkg/replica/sequence_window.hpp"
#include "pkg/replica/state_machine.hpp"
#include "pkg/replica/test_clock.hpp"

namespace weir::replica {

// How far this replica is.
struct Position {
  Revision applied = 0;
  Timestamp time{};         // log time of `applied`
  std::string digest;       // D(n) = SHA-256(D(n-1) || SHA-256(entry n)), 32 bytes; empty at 0
  std::string entry_hash;   // SHA-256 of entry `applied`; empty at 0
  std::string identity;     // of the log these came from; empty when none was seen yet
  bool test_clock = false;  // that log was made for one
  TimeShift shift = {};     // without a test clock: none
};

struct EffectId {
  Revision revision = 0;
  std::uint64_t ordinal = 0;  // within the entry, from 0
  auto operator<=>(const EffectId&) const = default;
};

struct OwedEffect {
  EffectId id;
  Effect effect;
};

class SysMachine final : public StateMachine {
 public:
  // A proposer that was silent this long, by log time, is forgotten.
  static constexpr Millis kProposerKept = std::chrono::hours(24 * 7);

  // The id of this node, and the version of this program (DigestBook).
  explicit SysMachine(std::string node = {}, const std::string& version = {})
      : digests_(std::move(node), version) {}

  std::string_view prefix() const override { return "sys"; }
  std::span<const sqlite::Migration> migrations() const override;
  void open(sqlite::Database& db) override;
  Result<std::string> apply(const Operation& operation, json::View body,
                            ApplyContext& context) override;
  void before_commit(sqlite::Database& db) override;

  const Position& position() const { return position_; }
  // Inside read(): of a database of this machine.
  static Position read_position(sqlite::Database& db);
  // The entry at `revision` begins. The log's times become monotonic here.
  void advance(Revision revision, Timestamp time, const std::string& entry_hash);
  // False: this entry of the proposer was applied before.
  bool admit(std::string_view proposer, std::uint64_t sequence, sqlite::Database& db);
  void add_effect(const Effect& effect, sqlite::Database& db);

  // Inside a transaction: remembers which log the state comes from.
  struct Origin {
    std::string identity;
    bool test_clock = false;
  };
  void adopt(const Origin& origin, sqlite::Database& db);

  DigestBook& digests() { return digests_; }
  const DigestBook& digests() const { return digests_; }

  std::size_t effects_waiting() const { return effects_waiting_; }
  // Inside read() or transaction(): the oldest effects after `after`, in order.
  static std::vector<OwedEffect> effects_after(EffectId after, std::size_t limit,
                                               sqlite::Database& db);

  static Operation effects_done(EffectId through);
  // What the test clock shall do; empty: as it does.
  struct ClockChange {
    std::optional<Timestamp> to = {};
    std::optional<bool> freeze = {};
  };
  static Operation test_clock(const ClockChange& change);

 private:
  struct Proposer {
    SequenceWindow window;
    Timestamp seen{};
    bool dirty = false;
  };
  using Proposers = std::map<std::string, Proposer, std::less<>>;

  Result<std::string> apply_effects_done(json::View body, sqlite::Database& db);
  Result<std::string> apply_test_clock(json::View body, sqlite::Database& db);
  void forget_silent_proposers(sqlite::Database& db);

  DigestBook digests_;
  Position position_;
  Timestamp log_time_{};  // of the entry that is being applied, not shifted
  Proposers proposers_;
  std::vector<Proposers::iterator> dirty_;
  std::uint64_t next_ordinal_ = 0;
  std::size_t effects_waiting_ = 0;
};

}  // namespace weir::replica
