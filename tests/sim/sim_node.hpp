// SimNode: one coordinator: the cores of pkg/replica, the machines and real files (database,
// journal, outbox), driven by the world's events instead of threads. It crashes between any two
// steps, starts again, loses power (its database is set back to an older, consistent image, its
// journal is torn), loses its database, is cut off, or believes to lead. When its state differs
// from that of the others it stops, and an operator has it built anew.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "jobs/machine.hpp"
#include "pkg/replica/applier_core.hpp"
#include "pkg/replica/digest_core.hpp"
#include "pkg/replica/effects_core.hpp"
#include "pkg/replica/entry_journal.hpp"
#include "pkg/replica/leader_core.hpp"
#include "pkg/replica/log_inspector.hpp"
#include "pkg/replica/proposals_core.hpp"
#include "pkg/replica/proposer_core.hpp"
#include "pkg/replica/snapshotter.hpp"
#include "pkg/replica/test_clock.hpp"
#include "pkg/structures/machine.hpp"
#include "tests/sim/faulty_machine.hpp"
#include "tests/sim/node_files.hpp"
#include "tests/sim/outside.hpp"
#include "tests/sim/sim_log.hpp"
#include "tests/sim/sim_outbox.hpp"
#include "tests/sim/sim_snapshots.hpp"
#include "tests/support/registers_machine.hpp"

namespace weir::sim {

class SimNode {
 public:
  using Deliver = std::function<void(std::string json, replica::Revision)>;

  // What all nodes share.
  struct Outside {
    SimLog& log;
    SharedLease& lease;
    EffectStream& effects;
    SnapshotShelf& snapshots;
  };
  SimNode(World& world, const Outside& outside, std::string folder, std::size_t index);
  ~SimNode();

  void start();
  void crash();
  // As Instance: the handler is called once, unless the node crashes before.
  void propose(replica::Operation operation, replica::ReplyHandler done);
  void propose_or_keep(replica::Operation operation, replica::ReplyHandler done);
  void open_waiter(const std::string& id, Deliver deliver) { waiters_[id] = std::move(deliver); }
  void close_waiter(const std::string& id) { waiters_.erase(id); }
  void set_orphan_handler(std::function<void(std::string)> handler) {
    orphan_ = std::move(handler);
  }

  bool up() const { return life_ != nullptr; }
  bool serving() const { return up() && life_->serving; }
  const std::string& id() const { return id_; }
  std::size_t index() const { return index_; }
  SimClock& clock() { return clock_; }
  replica::Revision applied() const { return up() ? life_->core->position().applied : 0; }
  std::size_t effects_waiting() const { return up() ? life_->core->effects_waiting() : 0; }
  const std::optional<Error>& stopped() const { return halted_ ? halted_ : life_->core->stopped(); }
  bool outbox_empty() const { return !up() || life_->outbox->empty(); }
  const replica::ApplierCore& core() const { return *life_->core; }
  sqlite::Database& db() { return *life_->db; }
  const jobs::Machine& jobs() const { return *life_->jobs; }
  const test::RegistersMachine& toy() const { return *life_->toy; }
  std::size_t diverged() const { return diverged_; }  // how often its state was found to differ
  std::size_t restored() const { return restored_; }  // how often from a snapshot
  // A snapshot of an altered state would alter whoever begins with it.
  void take_no_snapshots() { takes_snapshots_ = false; }
  // Alters something that no client is told: a bad disk. False: there was nothing.
  bool alter_silently();

  // The newest revision that it has seen, applied or not, also while it is down.
  replica::Revision reach() const;
  // The log has just lost its end. If this node can give it back, it does, at once.
  bool can_heal() const { return serving() && !cut_ && life_->inbox.empty(); }
  replica::Revision journal_begin() const { return life_->journal->extent().first; }
  bool heals_now();

  // Events of the run.
  void begin_troubles();  // from now on crashes, cuts, clock steps happen by themselves

 private:
  // All that a crash takes away.
  struct Life {
    std::uint64_t number = 0;
    std::unique_ptr<sqlite::Database> db;
    std::unique_ptr<jobs::Machine> jobs;
    std::unique_ptr<test::RegistersMachine> toy;
    std::unique_ptr<structures::Machine> structures;
    std::vector<std::unique_ptr<FaultyMachine>> machines;
    std::unique_ptr<replica::ApplierCore> core;
    std::unique_ptr<replica::ProposerCore> proposer;
    std::unique_ptr<replica::LeaderCore> leader;
    std::unique_ptr<replica::TickCore> ticks;
    std::unique_ptr<replica::ProposalsCore> proposals;
    std::unique_ptr<replica::EffectsCore> effects;
    std::unique_ptr<replica::DigestCore> digests;
    std::unique_ptr<replica::EntryJournal> journal;
    std::unique_ptr<replica::GuardedLog> log;
    std::unique_ptr<replica::LogInspector> inspector;
    std::unique_ptr<replica::Snapshotter> snapshotter;
    std::unique_ptr<SimOutbox> outbox;
    std::unique_ptr<replica::LogTail> tail;
    std::vector<replica::DecodedEntry> inbox;
    replica::Revision catch_up_to = 0;
    bool serving = false;
    bool applying = false;  // an apply event is under way
  };

  // Schedules an event of this life: nothing happens when the node crashed meanwhile.
  void later(Micros delay, std::function<void()> event);
  bool open();
  void open_files();
  void make_cores();
  void join();
  Result<replica::LogInfo> find_place();
  void follow(const replica::LogInfo& info);
  void look_at_log();
  void beat();  // the timer and the housekeeper
  void lead();
  void propose_digest(replica::DigestCore::Duty duty, std::optional<replica::Operation> operation);
  bool stop_if_diverged();
  void pump();
  void apply_soon(Micros delay);
  std::size_t in_order() const;
  void apply();
  void hand_out(replica::AppliedBatch& batch);
  void complete(replica::Completions& completions);
  void note_position();
  void note_clock();
  void die();
  void lose_database();
  void trouble();
  void cut_off(Micros until);
  void say(const std::string& what) { world_.trace(id_ + " " + what); }

  World& world_;
  SimLog::View& log_;
  NodeFiles files_;
  const std::size_t index_;
  const std::string id_;
  SimClock clock_;
  replica::TestClock shown_{clock_};  // the time of the log, when it has one of its own
  SimRandom random_;
  bool cut_ = false;
  bool rogue_ = false;  // believes to lead whatever the lease says
  SimLeases leases_;
  SimEffects sink_;
  SimSnapshots snapshots_;
  std::optional<Error> halted_;  // it refused the log
  replica::Revision reach_ = 0;
  std::unique_ptr<Life> life_;
  std::uint64_t lives_ = 0;
  std::size_t diverged_ = 0;
  std::size_t restored_ = 0;
  bool takes_snapshots_ = true;
  std::map<std::string, Deliver> waiters_;
  std::function<void(std::string)> orphan_;
};

}  // namespace weir::sim
