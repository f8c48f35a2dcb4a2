// Applier, the part that builds the state anew (Instance::resync()).

#include "pkg/log/log.hpp"
#include "pkg/replica/applier.hpp"
#include "pkg/replica/proposer_core.hpp"
#include "pkg/replica/verify.hpp"

namespace weir::replica {
namespace {

constexpr Millis kFirstPause{100};
constexpr Millis kLongestPause{5'000};

// Drops what an earlier batch has handed out: everything up to `told`.
void drop_told(AppliedBatch& batch, Revision told) {
  const auto is_told = [told](const auto& item) { return item.revision <= told; };
  std::erase_if(batch.own, is_told);
  std::erase_if(batch.deliveries, is_told);
  std::erase_if(batch.published, is_told);
  if (batch.last <= told) batch.touched.clear();
  if (batch.last <= told) batch.entries = 0;
  batch.first = std::min(std::max(batch.first, told + 1), batch.last);
}

Position place_in(const std::string& identity, Revision applied) {
  Position position;
  position.identity = identity;
  position.applied = applied;
  return position;
}

Error nothing_to_resync_from() {
  return {Code::conflict, "nothing_to_resync_from",
          "The log was truncated, and no good snapshot of it was found",
          "nothing was dropped; take a snapshot on a coordinator that serves, and ask again"};
}

}  // namespace

void Applier::resync(std::function<void(Result<void>)> begun) {
  auto refused = [&]() -> std::optional<Error> {
    const std::lock_guard lock(mutex_);
    if (stopping_) return replica_ending();
    if (resync_ || serving_.phase() == ServingState::Phase::starting) return serving_.refusal();
    resync_ = begun;
    return std::nullopt;
  }();
  if (refused) return begun(std::move(*refused));
  changed_.notify_all();
  queue_.wake();
}

// Also where it has stopped for good. Empty: it ends.
Applier::Begun Applier::wait_resync() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || resync_; });
  return stopping_ ? Begun() : std::exchange(resync_, nullptr);
}

void Applier::begin_resync(const Begun& begun) {
  std::optional<Error> halted;
  {
    const std::lock_guard lock(mutex_);
    halted = std::exchange(halted_, std::nullopt);
  }
  auto before = serving_.begin_resync();
  log::warn("resync_begins", {{"applied", applied_.load()}});
  hooks_.resync_begins();
  queue_.set_discard(true);
  tail_.reset();
  queue_.set_discard(false);
  auto rebuilt = rebuild();
  {
    const std::lock_guard lock(mutex_);
    if (!rebuilt) {
      serving_.undo_resync(std::move(before));
      if (halted) halted_ = std::move(halted);
    } else if (!stopping_) {
      queue_.reopen();
    }
  }
  if (!rebuilt) log::warn("resync_refused", {{"error", describe(rebuilt.error())}});
  begun(std::move(rebuilt));
}

// What the state is built from is in place before anything is dropped.
Result<void> Applier::rebuild() {
  const std::string identity = core_.position().identity;
  WEIR_ASSIGN(const auto info, log_.info());
  WEIR_TRY(compare_log(place_in(identity, info.last), info));
  bool restored = false;
  if (hooks_.restore) {
    WEIR_ASSIGN(restored, hooks_.restore(place_in(identity, 0), info));
  }
  if (!restored) {
    if (info.first > 1) return nothing_to_resync_from();
    WEIR_TRY(hooks_.wipe());
  }
  rejoined_at_ = 0;
  open_again();
  return {};
}

// The state before is gone: only a stop ends this.
void Applier::open_again() {
  for (Millis pause = kFirstPause; !stopping(); pause = std::min(pause * 2, kLongestPause)) {
    const auto opened = core_.open();
    if (opened) break;
    serving_.trouble(opened.error());
    log::error("resync_failed", {{"error", describe(opened.error())}});
    rest(pause);
  }
  serving_.recovered();
  publish_position();
}

// Hands out what was just committed, and nothing twice.
void Applier::tell_committed() {
  if (batch_.first <= told_) {
    drop_told(batch_, told_);
  } else if (batch_.first > told_ + 1) {
    batch_.first = told_ + 1;  // the rest came with a snapshot
    batch_.touches_dropped = batch_.publications_dropped = true;
  }
  told_ = std::max(told_, batch_.last);
  hooks_.committed(batch_);
}

// A snapshot brought what nobody was told.
void Applier::tell_jump() {
  const Revision applied = core_.position().applied;
  if (applied <= told_ || !serving_.serving()) return;
  batch_.clear();
  batch_.entries = 1;
  batch_.last = applied;
  batch_.first = applied;
  tell_committed();
}

}  // namespace weir::replica
