#include "tests/sim/sim_node.hpp"

#include "jobs/requests.hpp"
#include "pkg/base/assert.hpp"

namespace weir::sim {
namespace {
using namespace std::chrono_literals;
}  // namespace

SimNode::SimNode(World& world, const Outside& outside, std::string folder, std::size_t index)
    : world_(world),
      log_(outside.log.view(index)),
      files_(std::move(folder)),
      index_(index),
      id_("n" + std::to_string(index)),
      clock_(world),
      random_(world),
      leases_(world, outside.lease, cut_),
      sink_(world, outside.effects, cut_),
      snapshots_(world, outside.snapshots, cut_) {}

SimNode::~SimNode() = default;

void SimNode::later(Micros delay, std::function<void()> event) {
  world_.after(delay, [this, number = life_->number, event = std::move(event)] {
    if (life_ != nullptr && life_->number == number) event();
  });
}

// --- life and death ------------------------------------------------------------------------------

void SimNode::start() {
  if (up()) return;
  if (log_.lost_its_end()) {  // those that are up know better
    world_.after(100ms, [this] { start(); });
    return;
  }
  life_ = std::make_unique<Life>();
  life_->number = ++lives_;
  say("start");
  if (!open()) {
    crash();
    return;
  }
  join();
  if (up()) beat();
}

bool SimNode::open() {
  open_files();
  make_cores();
  try {
    return life_->core->open().has_value();
  } catch (const Crash&) {
    return false;
  }
}

void SimNode::open_files() {
  Life& life = *life_;
  auto db = sqlite::Database::open({.path = files_.database()});
  WEIR_ASSERT(db.has_value());
  life.db = std::move(*db);
  // Small, so that the older file is dropped now and then.
  auto journal = replica::EntryJournal::open({.path = files_.journal(), .max_bytes = 200'000});
  WEIR_ASSERT(journal.has_value());
  life.journal = std::move(*journal);
  life.log = std::make_unique<replica::GuardedLog>(log_);
  life.inspector = std::make_unique<replica::LogInspector>(*life.log, life.journal.get(), clock_);
  life.outbox = std::make_unique<SimOutbox>(
      world_, *life.log, clock_,
      [this](Micros delay, std::function<void()> event) { later(delay, std::move(event)); },
      files_.outbox(), id_);
  life.snapshotter = std::make_unique<replica::Snapshotter>(
      replica::SnapshotOptions{.worth_entries = 50 + world_.below(1'000)}, files_.folder(),
      "replica", id_, snapshots_, *life.log, clock_, [] { return false; });
}

void SimNode::make_cores() {
  Life& life = *life_;
  life.jobs = std::make_unique<jobs::Machine>();
  life.toy = std::make_unique<test::RegistersMachine>();
  std::vector<replica::StateMachine*> machines;
  life.structures = std::make_unique<structures::Machine>();
  const std::initializer_list<replica::StateMachine*> real{life.jobs.get(), life.toy.get(),
                                                           life.structures.get()};
  for (replica::StateMachine* machine : real) {
    life.machines.push_back(std::make_unique<FaultyMachine>(world_, *machine));
    machines.push_back(life.machines.back().get());
  }
  const std::string proposer = id_ + "-" + std::to_string(life.number);
  life.core = std::make_unique<replica::ApplierCore>(
      replica::ApplierCore::Options{.node_id = id_, .proposer_id = proposer}, *life.db, machines,
      // Some nodes have listeners to events: their state is the same.
      [] { return false; }, [odd = life.number % 2 == 1] { return odd; });
  replica::ProposerOptions options;
  options.proposer_id = proposer;
  options.hard_entry_bytes = log_.max_entry_bytes();
  options.max_entry_bytes = std::min(options.max_entry_bytes, options.hard_entry_bytes);
  options.max_in_flight = 1 + world_.below(4);
  life.proposer = std::make_unique<replica::ProposerCore>(options);
  life.leader = std::make_unique<replica::LeaderCore>(
      replica::LeaderCore::Options{.holder = proposer}, leases_);
  life.ticks =
      std::make_unique<replica::TickCore>(std::vector<std::string>{"jobs", "toy", "structures"});
  life.proposals = std::make_unique<replica::ProposalsCore>(
      life.machines.size(), [this](std::size_t machine, Timestamp log_time) {
        replica::Proposals out;
        WEIR_ASSERT(life_->db->read([&]() -> Result<void> {
          out = life_->machines[machine]->proposals(*life_->db, log_time);
          return {};
        }));
        WEIR_ASSERT(out.problem.empty());
        return std::move(out.operations);
      });
  life.effects = std::make_unique<replica::EffectsCore>(
      sink_, [this](replica::EffectId after, std::size_t limit) {
        std::vector<replica::OwedEffect> owed;
        WEIR_ASSERT(life_->db->read([&]() -> Result<void> {
          owed = replica::SysMachine::effects_after(after, limit, *life_->db);
          return {};
        }));
        return owed;
      });
  life.digests = std::make_unique<replica::DigestCore>(
      replica::DigestCore::Options{.entries = 10 + world_.below(150),
                                   .every = Millis{world_.between(500, 5'000)},
                                   .rows = 50 + world_.below(500)},
      id_);
}

void SimNode::crash() {
  if (!up()) return;
  say("crash");
  die();
  if (world_.fault(300) && files_.lose_power(world_)) say("power lost");
  world_.after(Micros{world_.between(1'000, 8'000'000)}, [this] { start(); });
}

void SimNode::die() {
  life_.reset();
  waiters_.clear();
}

// --- the log -------------------------------------------------------------------------------------

void SimNode::join() {
  if (stop_if_diverged()) return;
  const auto info = find_place();
  if (info) {
    follow(*info);
  } else if (info.error().code == Code::unavailable) {
    later(100ms, [this] { join(); });
  } else {
    halted_ = info.error();
    say(describe(*halted_));
  }
}

// As Applier does.
Result<replica::LogInfo> SimNode::find_place() {
  const auto& position = life_->core->position();
  auto info = life_->inspector->look(position);
  const bool needed = !info && info.error().reason == "log_purged";
  if (!info && !needed) return info;
  if (!needed && !life_->snapshotter->is_worth(position, *info)) return info;
  WEIR_ASSIGN(const auto now, life_->log->info());
  WEIR_ASSIGN(const bool restored, life_->snapshotter->restore(position, now, *life_->db));
  if (!restored) return info;
  try {
    WEIR_TRY(life_->core->open());
  } catch (const Crash&) {
    WEIR_ASSERT(false);  // nothing is applied here
  }
  ++restored_;
  say("begins with the snapshot of " + std::to_string(position.applied));
  return life_->inspector->look(position);
}

void SimNode::follow(const replica::LogInfo& info) {
  if (life_->core->position().identity.empty()) {
    WEIR_ASSERT(life_->core->adopt({info.identity, info.test_clock}).has_value());
  }
  life_->journal->bind(info.identity);
  life_->catch_up_to = info.last;
  auto tail =
      life_->log->tail(life_->core->position().applied + 1, [this](replica::LogEntry entry) {
        reach_ = std::max(reach_, entry.revision);
        life_->inbox.push_back(replica::DecodedEntry::from(std::move(entry)));
        apply_soon(Micros{world_.between(10, 1'000)});
      });
  life_->tail = std::move(*tail);
  note_position();
}

// After a reconnect nothing is appended before somebody looked.
void SimNode::look_at_log() {
  if (!life_->log->waiting()) return;
  const auto info = life_->inspector->look_again(life_->core->position());
  // Truncated past this one: the gap shows when it applies.
  if (info || info.error().code != Code::conflict || info.error().reason == "log_purged") return;
  halted_ = info.error();
  say(describe(*halted_));
}

bool SimNode::heals_now() {
  constexpr int kTries = 1'000;  // of which some find the log out of reach
  const auto before = life_->inspector->healed();
  for (int i = 0; i < kTries; ++i) {
    if (!life_->inspector->look(life_->core->position())) continue;
    say("gave back " + std::to_string(life_->inspector->healed() - before) + " entries");
    return true;
  }
  return false;
}

replica::Revision SimNode::reach() const {
  return up() ? std::max(reach_, life_->core->position().applied) : reach_;
}

}  // namespace weir::sim
