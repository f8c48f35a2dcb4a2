#include "pkg/replica/local_instance.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "pkg/log/log.hpp"
#include "pkg/replica/applier.hpp"
#include "pkg/replica/data_dir.hpp"
#include "pkg/replica/entry_journal.hpp"
#include "pkg/replica/guarded_log.hpp"
#include "pkg/replica/guarded_read.hpp"
#include "pkg/replica/housekeeper.hpp"
#include "pkg/replica/hubs.hpp"
#include "pkg/replica/leader_reads.hpp"
#include "pkg/replica/log_inspector.hpp"
#include "pkg/replica/outbox.hpp"
#include "pkg/replica/proposer.hpp"
#include "pkg/replica/verify.hpp"

namespace weir::replica {
namespace {

constexpr Millis kTimerStep{100};
constexpr Millis kStartWaitWithoutLog{500};

class LocalInstance final : public Instance {
 public:
  LocalInstance(InstanceOptions options, InstanceParts parts, std::string node_id,
                std::unique_ptr<DirectoryLock> lock, std::unique_ptr<sqlite::Database> db,
                std::unique_ptr<EntryJournal> journal);
  ~LocalInstance() override { stop(); }

  Result<void> open();
  Result<void> start() override;
  void stop() override;
  void resign() override { keeper_.resign(); }
  Leadership* leadership() override { return &keeper_; }
  bool resyncing() const override { return serving_.resyncing(); }
  void resync(std::function<void(Result<void>)> begun) override {
    applier_.resync(std::move(begun));
  }

  void propose(Operation operation, ReplyHandler done) override;
  void propose_or_keep(Operation operation, ReplyHandler done) override;
  Result<Revision> read(const std::function<Result<void>(sqlite::Database&)>& body) override;
  void when_applied(Revision revision, MonoTime deadline,
                    std::function<void(Result<void>)> done) override {
    revision_waiters_.add(revision, deadline, std::move(done));
  }
  void open_waiter(const std::string& id, std::function<void(std::string)> deliver) override {
    waiters_.open(id, std::move(deliver));
  }
  void close_waiter(const std::string& id) override { waiters_.close(id); }
  void set_orphan_handler(std::function<void(std::string)> handler) override {
    waiters_.set_orphan_handler(std::move(handler));
  }
  std::shared_ptr<void> watch(const std::string& key, std::function<void()> changed) override {
    return watchers_->watch(key, std::move(changed));
  }
  Snapshots* snapshots() override { return snapshotter_.get(); }
  std::shared_ptr<void> listen(std::function<void(const EventBatch&)> heard) override {
    return listeners_->listen(std::move(heard));
  }
  const std::string& node_id() const override { return node_id_; }
  Health health() const override;
  Totals totals() const override;

 private:
  Applier::Hooks applier_hooks();
  Housekeeper::Hooks keeper_hooks();

  void committed(AppliedBatch& batch);  // applier thread
  void tell_keeper();                   // applier thread
  void run_timer();
  bool look_at_log();  // housekeeper thread

  const InstanceOptions options_;
  const InstanceParts parts_;
  const std::string node_id_;
  const std::unique_ptr<DirectoryLock> directory_lock_;
  const std::unique_ptr<sqlite::Database> db_;   // the writer: applier thread
  const std::unique_ptr<EntryJournal> journal_;  // null: none is kept
  GuardedLog log_;
  LogInspector inspector_;
  std::unique_ptr<sqlite::ReadPool> readers_;
  ServingState serving_;
  std::shared_ptr<WatchHub> watchers_ = std::make_shared<WatchHub>();
  std::shared_ptr<ListenHub> listeners_ = std::make_shared<ListenHub>();
  WaiterHub waiters_;
  RevisionWaiters revision_waiters_;
  std::shared_ptr<Proposer> proposer_;
  Applier applier_;
  Housekeeper keeper_;
  std::unique_ptr<Snapshotter> snapshotter_;
  std::unique_ptr<Outbox> outbox_;
  Housekeeper::State keeper_news_;  // applier thread
  std::atomic<std::int64_t> database_bytes_{0};
  std::atomic<std::int64_t> next_due_ms_{INT64_MAX};
  std::mutex mutex_;
  std::condition_variable timer_wakes_;
  bool started_ = false;   // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread timer_;
};

LocalInstance::LocalInstance(InstanceOptions options, InstanceParts parts, std::string node_id,
                             std::unique_ptr<DirectoryLock> lock,
                             std::unique_ptr<sqlite::Database> db,
                             std::unique_ptr<EntryJournal> journal)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      node_id_(std::move(node_id)),
      directory_lock_(std::move(lock)),
      db_(std::move(db)),
      journal_(std::move(journal)),
      log_(parts_.log),
      inspector_(log_, journal_.get(), parts_.clock),
      proposer_(std::make_shared<Proposer>(options_.proposer, log_, parts_.clock)),
      applier_(
          {node_id_, options_.proposer.proposer_id, options_.version, node_id_ + "-outbox",
           [this](auto sequence) { return outbox_ && outbox_->awaits(sequence); }},
          options_.queue, *db_, parts_.machines,
          [hub = watchers_] { return hub->anyone_watches(); },
          [hub = listeners_] { return hub->anyone_listens(); }, log_, parts_.clock, serving_,
          applier_hooks()),
      keeper_(
          parts_.machines, options_.leader, parts_.leases, parts_.effects,
          [this](auto after, auto limit) { return read_effects(*readers_, after, limit); },
          DigestCore(options_.digests, node_id_), keeper_hooks(), parts_.clock) {
  if (parts_.snapshots == nullptr) return;
  snapshotter_ = std::make_unique<Snapshotter>(
      options_.snapshots, options_.data_dir, options_.name, node_id_, *parts_.snapshots, log_,
      parts_.clock, [this] { return keeper_.leads() && serving_.serving(); });
}

Applier::Hooks LocalInstance::applier_hooks() {
  return {
      .verify = [this](const Position& position) -> Result<LogInfo> {
        auto info = inspector_.look(position);
        if (info) WEIR_TRY(check_clock(info->test_clock, parts_.test_clock != nullptr));
        return info;
      },
      .joined =
          [this](const std::string& identity) {
            if (journal_) journal_->bind(identity);
            keeper_.set_effect_id_prefix(options_.name + "-" + identity + "-");
          },
      .received =
          [this](std::span<const DecodedEntry> entries) {
            if (journal_) journal_->add(entries);
          },
      .committed = [this](AppliedBatch& batch) { committed(batch); },
      .halted = [this](const Error&) { proposer_->fail_all(serving_.refusal()); },
      .restore = [this](const Position& position, const LogInfo& info) -> Result<bool> {
        if (!snapshotter_) return false;
        return snapshotter_->restore(position, info, *db_);
      },
      .had_better_restore =
          [this](const Position& position, const LogInfo& info) {
            return snapshotter_ && snapshotter_->is_worth(position, info);
          },
      .wipe = [this] { return db_->wipe(options_.data_dir + "/" + options_.name + ".empty.db"); },
      .resync_begins = [this] { keeper_.wake(); }};
}

Housekeeper::Hooks LocalInstance::keeper_hooks() {
  return {.propose = [this](Operation operation,
                            ReplyHandler done) { propose(std::move(operation), std::move(done)); },
          .proposals =
              [this](auto machine, auto time) {
                return read_proposals(*readers_, *parts_.machines[machine], time);
              },
          .look_at_log = [this] { return look_at_log(); },
          .ready = [this] { return serving_.serving(); }};
}

Result<void> LocalInstance::open() {
  WEIR_TRY(db_->read([this]() -> Result<void> {
    db_->execute("PRAGMA wal_autocheckpoint=" + std::to_string(options_.checkpoint_pages));
    return {};
  }));
  WEIR_TRY(applier_.open());
  if (const auto& origin = applier_.core().position(); !origin.identity.empty()) {
    WEIR_TRY(check_clock(origin.test_clock, parts_.test_clock != nullptr));
  }
  WEIR_ASSIGN(readers_, sqlite::ReadPool::open(options_.data_dir + "/" + options_.name + ".db",
                                               options_.readers));
  if (options_.outbox_bytes > 0) {
    WEIR_ASSIGN(outbox_,
                Outbox::open({.path = options_.data_dir + "/" + options_.name + ".outbox.db",
                              .proposer = node_id_ + "-outbox",
                              .max_bytes = options_.outbox_bytes,
                              .max_entry_bytes = options_.proposer.max_entry_bytes,
                              .longest_hold = options_.longest_hold},
                             log_, parts_.clock,
                             {[this] { return log_.connected() && serving_.serving(); },
                              [this] { return applier_.applied(); }}));
  }
  database_bytes_ = db_->file_bytes();
  tell_keeper();
  return {};
}

Result<void> LocalInstance::start() {
  {
    const std::lock_guard lock(mutex_);
    if (started_ || stopping_) return {};
    started_ = true;
    timer_ = std::thread([this] { run_timer(); });
  }
  applier_.start();
  keeper_.start();
  if (snapshotter_) snapshotter_->start();
  if (outbox_) outbox_->start();
  // Without the log there is nothing to wait for: reads and the outbox serve at once.
  const Millis wait =
      log_.reachable() ? options_.start_wait : std::min(options_.start_wait, kStartWaitWithoutLog);
  auto serving = applier_.wait_serving(wait);
  if (!serving) stop();
  keeper_.wake();
  return serving;
}

void LocalInstance::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  timer_wakes_.notify_all();
  if (outbox_) outbox_->stop();
  if (snapshotter_) snapshotter_->stop();
  keeper_.stop();
  applier_.stop();
  if (timer_.joinable()) timer_.join();
  proposer_->stop(replica_ending());
  revision_waiters_.fail_all(replica_ending());
}

void LocalInstance::propose(Operation operation, ReplyHandler done) {
  if (!serving_.serving()) return done(serving_.refusal());
  if (!log_.connected()) return done(nats_unavailable());
  // An entry that is not valid would stop every replica: nothing unchecked gets into the log.
  if (auto checked = check_operation(operation); !checked) return done(checked.error());
  proposer_->propose(std::move(operation), std::move(done));
}

void LocalInstance::propose_or_keep(Operation operation, ReplyHandler done) {
  if (!outbox_ || serving_.phase() == ServingState::Phase::stopped) {
    return propose(std::move(operation), std::move(done));
  }
  const bool starting = serving_.phase() == ServingState::Phase::starting;
  if (!outbox_->empty() || !log_.connected() || starting) {
    return outbox_->keep_in_turn(std::move(operation), std::move(done));
  }
  // The log may go away on the way, or have no room.
  auto copy = std::make_shared<Operation>(operation);
  propose(std::move(operation), [this, copy, done = std::move(done)](Result<Reply> reply) {
    const bool away = !reply && (reply.error().reason == "nats_unavailable" ||
                                 reply.error().reason == "outcome_unknown" ||
                                 reply.error().reason == "stream_full");
    if (!away) return done(std::move(reply));
    outbox_->keep(std::move(*copy), done);
  });
}

Result<Revision> LocalInstance::read(const std::function<Result<void>(sqlite::Database&)>& body) {
  return guarded_read(*readers_, serving_, body);
}

Health LocalInstance::health() const {
  return {.log_connected = log_.connected(),
          .applying = serving_.serving(),
          .resyncing = serving_.resyncing(),
          .problem = serving_.problem(),
          .role = keeper_.leads() ? Role::leader : Role::follower,
          .applied = applier_.applied(),
          .log_last = applier_.log_last(),
          .applied_time = applier_.applied_time(),
          .proposals_waiting = proposer_->waiting(),
          .effects_waiting = applier_.effects_waiting(),
          .database_bytes = database_bytes_.load(),
          .outbox = outbox_ ? outbox_->health() : OutboxHealth{},
          .digest = applier_.digest(),
          .next_due = from_unix_ms(next_due_ms_.load())};
}

Totals LocalInstance::totals() const {
  const auto proposed = proposer_->counters();
  const auto& applied = applier_.counters();
  return {.entries_proposed = proposed.entries,
          .operations_proposed = proposed.operations,
          .entries_applied = applied.entries.load(),
          .operations_applied = applied.operations.load(),
          .transactions = applied.transactions.load(),
          .apply_us = applied.apply_us.load(),
          .publish_retries = proposed.retries,
          .effects_done = keeper_.effects_done(),
          .entries_healed = inspector_.healed()};
}

void LocalInstance::committed(AppliedBatch& batch) {
  tell_keeper();
  proposer_->applied(std::move(batch.own));
  if (outbox_) outbox_->applied(std::move(batch.kept));
  revision_waiters_.applied(applier_.applied());
  // Deliveries of the catch-up are as old as the leases they carry: those run out by themselves.
  waiters_.deliver(std::move(batch.deliveries), applier_.catch_up_to());
  watchers_->notify(batch);
  listeners_->notify(batch);
}

void LocalInstance::tell_keeper() {
  keeper_news_.due.clear();
  keeper_news_.proposals.clear();
  for (const StateMachine* machine : parts_.machines) {
    keeper_news_.due.push_back(machine->next_due());
    keeper_news_.proposals.push_back(machine->next_proposal());
  }
  keeper_news_.log_time = applier_.applied_time();
  keeper_news_.effects_waiting = applier_.effects_waiting();
  keeper_news_.digests = applier_.core().digests().news();
  keeper_news_.stands = keeper_news_.stepped = false;
  if (TestClock* clock = parts_.test_clock) {
    const auto& shift = applier_.core().position().shift;
    keeper_news_.stepped = clock->shift() != shift;
    keeper_news_.stands = shift.stands_at.has_value();
    clock->set(shift);
  }
  next_due_ms_ = to_unix_ms(Housekeeper::earliest(keeper_news_));
  keeper_.on_commit(keeper_news_);
}

void LocalInstance::run_timer() {
  std::uint64_t told_session = 0;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    if (log_.waiting() && log_.session() != told_session) {
      told_session = log_.session();
      keeper_.look_now();
    }
    proposer_->on_timer();
    revision_waiters_.expire(parts_.clock.mono());
    const auto next = proposer_->next_timer();
    const MonoTime now = parts_.clock.mono();
    const MonoTime until = std::min(next.value_or(MonoTime::max()), now + kTimerStep);
    lock.lock();
    if (until > now) timer_wakes_.wait_for(lock, until - now, [this] { return stopping_; });
  }
}

// A NATS store that was wiped or rolled back under a running coordinator. True: look again soon.
bool LocalInstance::look_at_log() {
  database_bytes_ = db_->file_bytes();
  if (!serving_.serving() || !log_.reachable()) return false;
  Position position;  // before the log is asked
  const auto read = readers_->read([&](sqlite::Database& db) -> Result<void> {
    position = SysMachine::read_position(db);
    return {};
  });
  if (!read) return true;
  const auto info = inspector_.look_again(position);
  if (info) applier_.saw_log_last(info->last);
  // Truncated past a replica that is behind: the applier finds that out and restores a snapshot.
  const bool behind = !info && info.error().reason == "log_purged" && snapshotter_;
  if (!info && !behind && info.error().code == Code::conflict) applier_.halt(info.error());
  return !info && !behind;
}

}  // namespace

Result<std::unique_ptr<Instance>> make_instance(InstanceOptions options, InstanceParts parts) {
  WEIR_ASSIGN(auto node_id, load_node_id(options.data_dir, parts.random));
  WEIR_ASSIGN(auto lock, DirectoryLock::take(options.data_dir + "/" + options.name + ".lock"));
  WEIR_ASSIGN(auto db,
              sqlite::Database::open({.path = options.data_dir + "/" + options.name + ".db",
                                      .cache_bytes = options.cache_bytes}));
  options.proposer.proposer_id = node_id + "-" + random_hex(parts.random, 12);
  options.proposer.hard_entry_bytes = parts.log.max_entry_bytes();
  options.proposer.max_entry_bytes =
      std::min(options.proposer.max_entry_bytes, options.proposer.hard_entry_bytes);
  options.leader.holder = options.proposer.proposer_id;
  std::unique_ptr<EntryJournal> journal;
  if (options.journal_bytes > 0) {
    WEIR_ASSIGN(journal,
                EntryJournal::open({.path = options.data_dir + "/" + options.name + ".journal",
                                    .max_bytes = options.journal_bytes}));
  }
  auto instance =
      std::make_unique<LocalInstance>(std::move(options), std::move(parts), std::move(node_id),
                                      std::move(lock), std::move(db), std::move(journal));
  WEIR_TRY(instance->open());
  return std::unique_ptr<Instance>(std::move(instance));
}

}  // namespace weir::replica
