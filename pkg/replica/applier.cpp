#include "pkg/replica/applier.hpp"

#include "pkg/log/log.hpp"
#include "pkg/replica/proposer_core.hpp"

namespace weir::replica {
namespace {
constexpr Millis kFirstPause{100};
constexpr Millis kLongestPause{5'000};
constexpr Millis kLongestJoinPause{1'000};
}  // namespace

Applier::Applier(ApplierCore::Options options, EntryQueue::Bounds bounds, sqlite::Database& db,
                 std::vector<StateMachine*> machines, std::function<bool()> watched,
                 std::function<bool()> listened, Log& log, const Clock& clock,
                 ServingState& serving, Hooks hooks)
    : core_(std::move(options), db, std::move(machines), std::move(watched), std::move(listened)),
      queue_(bounds),
      log_(log),
      clock_(clock),
      serving_(serving),
      hooks_(std::move(hooks)) {}

Result<void> Applier::open() {
  WEIR_TRY(core_.open());
  told_ = core_.position().applied;
  publish_position();
  return {};
}

void Applier::start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void Applier::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  queue_.close();
  if (thread_.joinable()) thread_.join();
  Begun unanswered;
  {
    const std::lock_guard lock(mutex_);
    unanswered.swap(resync_);
  }
  if (unanswered) unanswered(replica_ending());
}

Result<void> Applier::wait_serving(Millis limit) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, limit, [this] {
    return stopping_ || halted_ || serving_.phase() != ServingState::Phase::starting;
  });
  if (halted_) return *halted_;
  return {};
}

void Applier::halt(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    if (!serving_.stop(error)) return;
    halted_ = error;
  }
  log::error("replica_stopped", {{"error", describe(error)}});
  changed_.notify_all();
  queue_.close();
  hooks_.halted(error);
}

void Applier::saw_log_last(Revision revision) {
  Revision known = log_last_.load();
  while (known < revision && !log_last_.compare_exchange_weak(known, revision)) {
  }
}

bool Applier::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_ || halted_;
}

void Applier::rest(Millis pause) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, pause, [this] { return stopping_ || halted_ || resync_; });
}

// Not to go on with what it does: it ends, or begins anew.
bool Applier::interrupted() const {
  const std::lock_guard lock(mutex_);
  return stopping_ || halted_ || resync_;
}

void Applier::run() {
  follow();
  while (const auto begun = wait_resync()) {
    begin_resync(begun);
    follow();
  }
  tail_.reset();
}

// From where it is, until it stops or a resync is asked for.
void Applier::follow() {
  if (tail_ == nullptr) join_until_joined();
  while (!interrupted()) {
    const auto entries = queue_.pop();
    const std::size_t gap = find_gap(entries);
    apply(std::span(entries).first(gap));
    if (gap < entries.size()) join_again();
  }
}

void Applier::join_until_joined() {
  for (Millis pause = kFirstPause; !interrupted() && !join_log();) {
    rest(pause);
    pause = std::min(pause * 2, kLongestJoinPause);
  }
}

// The first entry that does not follow the one before it: the log was truncated while this replica
// was behind, and it must begin with a snapshot. The same gap a second time is no truncation; it is
// left to the core, which stops.
std::size_t Applier::find_gap(const std::vector<DecodedEntry>& entries) {
  Revision last = core_.position().applied;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Revision revision = entries[i].revision();
    if (revision > last + 1 && rejoined_at_ != last + 1) {
      log::warn("entries_missing", {{"after", last}, {"next", revision}});
      rejoined_at_ = last + 1;
      return i;
    }
    last = std::max(last, revision);
  }
  return entries.size();
}

void Applier::join_again() {
  queue_.set_discard(true);
  tail_.reset();
  queue_.set_discard(false);
  join_until_joined();
}

// Where to go on in the log, after a restore if one is needed or better.
Result<LogInfo> Applier::find_place() {
  auto info = hooks_.verify(core_.position());
  const bool needed = !info && info.error().reason == "log_purged";
  if (!info && !needed) return info;
  if (!hooks_.restore) return info;
  if (!needed && !hooks_.had_better_restore(core_.position(), *info)) return info;
  WEIR_ASSIGN(const bool restored, restore());
  return restored ? hooks_.verify(core_.position()) : info;
}

Result<bool> Applier::restore() {
  WEIR_ASSIGN(const auto info, log_.info());
  WEIR_ASSIGN(const bool restored, hooks_.restore(core_.position(), info));
  if (!restored) return false;
  WEIR_TRY(core_.open());
  publish_position();
  return true;
}

// True when the tail runs. False: try again, or halted.
bool Applier::join_log() {
  if (const auto& diverged = core_.digests().diverged()) {
    halt(*diverged);
    return false;
  }
  auto info = find_place();
  if (!info) {
    if (info.error().code == Code::conflict) {
      halt(info.error());
    } else if (info.error().reason != join_failure_) {
      join_failure_ = info.error().reason;
      log::warn("log_not_joined", {{"error", describe(info.error())}});
    }
    return false;
  }
  if (core_.position().identity.empty()) {
    if (auto adopted = core_.adopt({info->identity, info->test_clock}); !adopted) {
      serving_.trouble(adopted.error());
      return false;
    }
    serving_.recovered();
  }
  hooks_.joined(core_.position().identity);
  saw_log_last(info->last);
  catch_up_to_ = info->last;
  auto tail = log_.tail(core_.position().applied + 1, [this](LogEntry entry) {
    saw_log_last(entry.revision);
    (void)queue_.push(DecodedEntry::from(std::move(entry)));  // false: stopping
  });
  if (!tail) return false;
  tail_ = std::move(*tail);
  log::info("replica_joined", {{"applied", applied_.load()}, {"log_last", info->last}});
  publish_position();
  tell_jump();
  return true;
}

void Applier::apply(std::span<const DecodedEntry> entries) {
  if (entries.empty()) return;
  hooks_.received(entries);
  Millis pause = kFirstPause;
  while (!interrupted()) {
    const MonoTime from = clock_.mono();
    auto applied = core_.apply(entries, batch_);
    counters_.apply_us += static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(clock_.mono() - from).count());
    if (batch_.entries > 0) commit_done();
    if (applied) {
      if (serving_.phase() == ServingState::Phase::troubled) {
        serving_.recovered();
        publish_position();
        log::info("apply_recovered", {{"revision", applied_.load()}});
      }
      return;
    }
    if (core_.stopped()) {
      halt(*core_.stopped());
      return;
    }
    serving_.trouble(applied.error());
    log::error("apply_failed", {{"error", describe(applied.error())}});
    rest(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

void Applier::commit_done() {
  counters_.entries += batch_.entries;
  counters_.operations += batch_.operations;
  counters_.transactions += 1;
  publish_position();
  if (const auto& diverged = core_.digests().diverged()) {
    halt(*diverged);  // what follows from it is told to nobody
    return;
  }
  tell_committed();
}

DigestHealth Applier::digest() const {
  const std::lock_guard lock(mutex_);
  return digest_;
}

void Applier::publish_digest() {
  const auto& news = core_.digests().news();
  const std::lock_guard lock(mutex_);
  if (news.differing != digest_.differing && !news.differing.empty()) {
    log::error("replicas_differ", {{"nodes", news.differing}, {"checkpoint", news.checkpoint}});
  }
  digest_.checkpoint = news.checkpoint;
  digest_.differing = news.differing;
  digest_.diverged = core_.digests().diverged().has_value();
}

void Applier::publish_position() {
  const auto& position = core_.position();
  applied_ = position.applied;
  applied_time_ms_ = to_unix_ms(position.time);
  effects_waiting_ = core_.effects_waiting();
  publish_digest();
  if (tail_ == nullptr || serving_.phase() != ServingState::Phase::starting) return;
  if (position.applied < catch_up_to_) return;
  {
    const std::lock_guard lock(mutex_);
    serving_.caught_up();
  }
  changed_.notify_all();
}

}  // namespace weir::replica
