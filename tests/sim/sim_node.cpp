#include "tests/sim/sim_node.hpp"

#include <filesystem>

#include "jobs/requests.hpp"
#include "pkg/base/assert.hpp"
#include "pkg/replica/verify.hpp"

namespace weir::sim {
namespace {
using namespace std::chrono_literals;
}  // namespace

SimNode::SimNode(World& world, SimLog& log, SharedLease& lease, EffectStream& effects,
                 std::string dir, std::size_t index)
    : world_(world),
      log_(log.view(index)),
      lease_(lease),
      effect_stream_(effects),
      dir_(std::move(dir)),
      index_(index),
      id_("n" + std::to_string(index)),
      clock_(world),
      random_(world),
      leases_(world, lease, cut_),
      sink_(world, effects, cut_) {
  std::filesystem::create_directories(dir_);
}

SimNode::~SimNode() = default;

void SimNode::later(Micros delay, std::function<void()> event) {
  world_.after(delay, [this, number = life_->number, event = std::move(event)] {
    if (life_ != nullptr && life_->number == number) event();
  });
}

// --- life and death ------------------------------------------------------------------------------

void SimNode::start() {
  if (up()) return;
  life_ = std::make_unique<Life>();
  life_->number = ++lives_;
  say("start");
  if (!open_database()) {
    crash();
    return;
  }
  join();
  beat();
}

bool SimNode::open_database() {
  Life& life = *life_;
  auto db = sqlite::Database::open({.path = dir_ + "/replica.db"});
  WEIR_ASSERT(db.has_value());
  life.db = std::move(*db);
  life.jobs = std::make_unique<jobs::Machine>();
  life.toy = std::make_unique<test::RegistersMachine>();
  std::vector<replica::StateMachine*> machines;
  for (replica::StateMachine* machine : {static_cast<replica::StateMachine*>(life.jobs.get()),
                                         static_cast<replica::StateMachine*>(life.toy.get())}) {
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
  life.ticks = std::make_unique<replica::TickCore>(std::vector<std::string>{"jobs", "toy"});
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
  try {
    return life.core->open().has_value();
  } catch (const Crash&) {
    return false;
  }
}

void SimNode::join() {
  if (stop_if_diverged()) return;
  auto info = replica::verify_log(life_->core->position(), log_);
  if (!info) {
    // The simulated log never loses entries: a verdict would be wrong.
    WEIR_ASSERT(info.error().code == Code::unavailable);
    later(100ms, [this] { join(); });
    return;
  }
  if (life_->core->position().identity.empty()) {
    WEIR_ASSERT(life_->core->adopt({info->identity, info->test_clock}).has_value());
  }
  life_->catch_up_to = info->last;
  auto tail = log_.tail(life_->core->position().applied + 1, [this](replica::LogEntry entry) {
    life_->inbox.push_back(replica::DecodedEntry::from(std::move(entry)));
    apply_soon(Micros{world_.between(10, 1'000)});
  });
  life_->tail = std::move(*tail);
  note_position();
}

bool SimNode::stop_if_diverged() {
  if (!life_->core->digests().diverged()) return false;
  say("differs from the others, and is built anew");
  ++diverged_;
  life_.reset();
  waiters_.clear();
  has_image_ = false;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::filesystem::remove(dir_ + "/replica.db" + suffix);
  }
  world_.after(Micros{world_.between(1'000, 3'000'000)}, [this] { start(); });
  return true;
}

bool SimNode::alter_silently() {
  if (!up()) return false;
  bool altered = false;
  WEIR_ASSERT(life_->db->transaction([&]() -> Result<void> {
    auto change = life_->db->prepare(
        "UPDATE jobs SET payload='\"altered\"' WHERE row=(SELECT max(row)-?1 FROM jobs)");
    change.bind_all(static_cast<std::int64_t>(world_.below(20)));
    change.run();
    altered = change.changes() > 0;
    return {};
  }));
  if (altered) say("is altered silently");
  return altered;
}

void SimNode::crash() {
  if (!up()) return;
  say("crash");
  life_.reset();
  waiters_.clear();
  if (world_.fault(300)) lose_power();
  world_.after(Micros{world_.between(1'000, 8'000'000)}, [this] { start(); });
}

// An image is what the disk holds for sure: a state between two transactions.
void SimNode::save_image() {
  for (const char* suffix : {"", "-wal"}) {
    const std::string file = dir_ + "/replica.db" + suffix;
    const std::string image = dir_ + "/image" + suffix;
    std::error_code error;
    std::filesystem::remove(image, error);
    std::filesystem::copy_file(file, image, error);
  }
  has_image_ = true;
}

void SimNode::lose_power() {
  if (!has_image_) return;
  say("power lost");
  for (const char* suffix : {"", "-wal", "-shm"}) {
    const std::string file = dir_ + "/replica.db" + suffix;
    std::error_code error;
    std::filesystem::remove(file, error);
    std::filesystem::copy_file(dir_ + "/image" + suffix, file, error);
  }
}

void SimNode::begin_troubles() {
  world_.after(Micros{world_.between(200'000, 6'000'000)}, [this] {
    if (world_.fault(1'000)) trouble();
    begin_troubles();
  });
}

void SimNode::trouble() {
  const auto until = Micros{world_.between(100'000, 12'000'000)};
  switch (world_.below(4)) {
    case 0:
      crash();
      return;
    case 1:
      say("cut");
      cut_ = true;
      log_.set_cut(true);
      world_.after(until, [this] {
        say("reconnected");
        cut_ = false;
        log_.set_cut(false);
      });
      return;
    case 2:
      say("clock step");
      clock_.set_skew(Millis{world_.between(-600'000, 600'000)});
      return;
    default:
      say("rogue leader");
      rogue_ = true;
      world_.after(until, [this] { rogue_ = false; });
  }
}

// --- proposing -----------------------------------------------------------------------------------

void SimNode::propose(replica::Operation operation, replica::ReplyHandler done) {
  if (!serving() || cut_) {
    done(replica::nats_unavailable());
    return;
  }
  WEIR_ASSERT(json::check(operation.body, {.max_depth = replica::kOperationMaxDepth}).has_value());
  auto taken = life_->proposer->submit(operation, done, clock_.mono());
  if (!taken) {
    done(std::move(taken).error());
    return;
  }
  pump();
}

void SimNode::pump() {
  while (auto attempt = life_->proposer->next(clock_.mono())) {
    log_.append(attempt->message_id, *attempt->data, attempt->deadline,
                [this, number = life_->number,
                 sequence = attempt->sequence](Result<replica::Appended> result) {
                  if (life_ == nullptr || life_->number != number) return;
                  replica::Completions completions;
                  life_->proposer->on_append(sequence, result, clock_.mono(), completions);
                  complete(completions);
                  later(Micros{1}, [this] { pump(); });
                });
  }
}

void SimNode::complete(replica::Completions& completions) {
  for (auto& completion : completions) completion.done(std::move(completion.reply));
}

// --- applying ------------------------------------------------------------------------------------

void SimNode::apply_soon(Micros delay) {
  if (life_->applying) return;
  life_->applying = true;
  later(delay, [this] {
    life_->applying = false;
    apply();
  });
}

void SimNode::apply() {
  if (life_->inbox.empty()) return;
  replica::AppliedBatch batch;
  Result<void> applied;
  try {
    applied = life_->core->apply(life_->inbox, batch);
  } catch (const Crash&) {
    crash();
    return;
  }
  if (world_.fault(3)) {
    say("dies after a commit");
    crash();
    return;
  }
  if (applied) life_->inbox.clear();
  note_position();
  if (stop_if_diverged()) return;
  hand_out(batch);
  if (!applied) {
    WEIR_ASSERT(!life_->core->stopped());
    apply_soon(Micros{world_.between(10'000, 500'000)});
    return;
  }
  if (world_.fault(30)) save_image();
}

void SimNode::note_position() {
  const auto& position = life_->core->position();
  for (std::size_t i = 0; i < life_->machines.size(); ++i) {
    life_->ticks->set_due(i, life_->machines[i]->next_due());
    life_->proposals->set_due(i, life_->machines[i]->next_proposal());
  }
  life_->ticks->set_log_time(position.time, clock_.mono());
  life_->proposals->set_log_time(position.time, clock_.mono());
  life_->digests->set(life_->core->digests().news(), clock_.mono());
  if (life_->serving || life_->tail == nullptr || position.applied < life_->catch_up_to) return;
  life_->serving = true;
  say("serves at " + std::to_string(position.applied));
  propose(jobs::node_started(id_), [](const Result<replica::Reply>&) {});
}

void SimNode::hand_out(replica::AppliedBatch& batch) {
  const auto number = life_->number;
  replica::Completions completions;
  for (auto& own : batch.own) life_->proposer->on_applied(std::move(own), completions);
  complete(completions);
  for (auto& delivery : batch.deliveries) {
    const auto waiter = waiters_.find(delivery.waiter);
    if (waiter != waiters_.end()) {
      const auto deliver = waiter->second;
      deliver(std::move(delivery.json), delivery.revision);
    } else if (orphan_ && delivery.revision > life_->catch_up_to) {
      orphan_(std::move(delivery.json));
    }
    if (life_ == nullptr || life_->number != number) return;
  }
  pump();
}

// --- timer and leader ----------------------------------------------------------------------------

void SimNode::beat() {
  replica::Completions completions;
  life_->proposer->on_timer(clock_.mono(), completions);
  complete(completions);
  pump();
  if (life_->serving) {
    life_->leader->step(clock_.mono());
    propose_digest(replica::DigestCore::Duty::digest, life_->digests->digest(clock_.mono()));
    if (rogue_ || life_->leader->leads(clock_.mono())) lead();
  }
  later(Micros{world_.between(5'000, 40'000)}, [this] { beat(); });
}

void SimNode::propose_digest(replica::DigestCore::Duty duty,
                             std::optional<replica::Operation> operation) {
  if (!operation) return;
  propose(std::move(*operation), [this, duty](Result<replica::Reply> reply) {
    Result<void> result;
    if (!reply) result = std::move(reply).error();
    life_->digests->on_reply(duty, result, clock_.mono());
  });
}

void SimNode::lead() {
  propose_digest(replica::DigestCore::Duty::checkpoint, life_->digests->checkpoint(clock_.mono()));
  while (auto tick = life_->ticks->next({clock_.wall(), clock_.mono()})) {
    propose(std::move(tick->operation),
            [this, machine = tick->machine](Result<replica::Reply> reply) {
              Result<void> result;
              if (!reply) result = std::move(reply).error();
              life_->ticks->on_reply(machine, result, clock_.mono());
            });
  }
  while (auto round = life_->proposals->next({clock_.wall(), clock_.mono()})) {
    for (auto& operation : round->operations) {
      propose(std::move(operation), [this, machine = round->machine](Result<replica::Reply> reply) {
        Result<void> result;
        if (!reply) result = std::move(reply).error();
        life_->proposals->on_reply(machine, result, clock_.mono());
      });
    }
  }
  auto watermark = life_->effects->step(life_->core->effects_waiting(), clock_.mono());
  if (!watermark) return;
  propose(std::move(*watermark), [this](Result<replica::Reply> reply) {
    Result<void> result;
    if (!reply) result = std::move(reply).error();
    life_->effects->on_watermark(result, clock_.mono());
  });
}

}  // namespace weir::sim
