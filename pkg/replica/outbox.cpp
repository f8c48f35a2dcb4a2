#include "pkg/replica/outbox.hpp"

#include <future>

#include "pkg/log/log.hpp"
#include "pkg/replica/entry.hpp"
#include "pkg/replica/proposer_core.hpp"

namespace weir::replica {
namespace {

constexpr Millis kLook{100};  // at the log, while something waits
constexpr Millis kAppendTimeout{5'000};
constexpr Millis kLongestPause{2'000};
constexpr Millis kAppliedLook{5};

Error full(std::uint64_t limit) {
  return Error{.code = Code::out_of_space,
               .reason = "outbox_full",
               .message = "NATS is away, and no more can be kept for it",
               .details = "the limit is " + std::to_string(limit) + " bytes",
               .retry_after = Millis{5'000}};
}

Error too_many() {
  return Error{.code = Code::too_many_requests,
               .reason = "proposer_full",
               .message = "Too many operations are waiting for the disk",
               .details = "",
               .retry_after = Millis{1'000}};
}

}  // namespace

Result<std::unique_ptr<Outbox>> Outbox::open(OutboxOptions options, Log& log, const Clock& clock,
                                             Hooks hooks) {
  WEIR_ASSIGN(auto file, OutboxFile::open({.path = options.path,
                                           .proposer = options.proposer,
                                           .max_entry_bytes = options.max_entry_bytes}));
  WEIR_ASSIGN(const auto content, file->content());
  std::unique_ptr<Outbox> outbox(
      new Outbox(std::move(options), std::move(file), log, clock, std::move(hooks)));
  outbox->operations_ = outbox->written_ = content.operations;
  outbox->bytes_ = content.bytes;
  return outbox;
}

Outbox::Outbox(OutboxOptions options, std::unique_ptr<OutboxFile> file, Log& log,
               const Clock& clock, Hooks hooks)
    : options_(std::move(options)),
      file_(std::move(file)),
      log_(log),
      clock_(clock),
      hooks_(std::move(hooks)),
      held_(options_.held) {}

void Outbox::start() {
  if (writer_.joinable()) return;
  if (!empty()) log::info("outbox_not_empty", {{"operations", operations_.load()}});
  writer_ = std::thread([this] { write_loop(); });
  drainer_ = std::thread([this] { drain_loop(); });
}

void Outbox::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wakes_.notify_all();
  if (writer_.joinable()) writer_.join();
  if (drainer_.joinable()) drainer_.join();
  Completions held;
  {
    const std::lock_guard lock(mutex_);
    held = held_.take_all();
  }
  complete(std::move(held));
}

OutboxHealth Outbox::health() const {
  return {.operations = operations_.load(),
          .bytes = bytes_.load(),
          .max_bytes = options_.max_bytes,
          .drained = drained_.load()};
}

void Outbox::keep(Operation operation, ReplyHandler done) {
  take({std::move(operation), std::move(done), std::nullopt});
}

void Outbox::keep_in_turn(Operation operation, ReplyHandler done) {
  std::optional<MonoTime> until;
  if (!stuck_ && hooks_.may_drain()) until = clock_.mono() + options_.longest_hold;
  take({std::move(operation), std::move(done), until});
}

void Outbox::take(Unwritten one) {
  // As LocalInstance::propose(): nothing unchecked gets into the log.
  if (auto checked = check_operation(one.operation); !checked) return one.done(checked.error());
  const std::uint64_t cost = OutboxFile::cost(one.operation);
  std::optional<Error> refused;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      refused = replica_ending();
    } else if (bytes_ + cost > options_.max_bytes) {
      refused = full(options_.max_bytes);
    } else if (unwritten_.size() >= options_.max_unwritten) {
      refused = too_many();
    } else {
      unwritten_.push_back(std::move(one));
      ++operations_;
      bytes_ += cost;
    }
  }
  if (refused) return one.done(*refused);
  wakes_.notify_all();
}

// --- to the disk ---------------------------------------------------------------------------------

void Outbox::write_loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wait_for_work(lock);
    if (stopping_ && unwritten_.empty()) return;
    std::vector<Unwritten> batch;
    batch.swap(unwritten_);
    auto over = held_.take_over(clock_.mono());
    lock.unlock();
    complete(std::move(over));
    const auto written = batch.empty() ? Result<void>{} : write(batch);
    for (auto& one : batch) {
      if (!one.done) continue;  // held
      if (written) {
        one.done(Reply{.json = std::move(one.operation.body), .revision = 0, .kept = true});
      } else {
        --operations_;
        bytes_ -= OutboxFile::cost(one.operation);
        one.done(written.error());
      }
    }
    wakes_.notify_all();  // the drainer
    lock.lock();
  }
}

// Or until an answer was held for long enough.
void Outbox::wait_for_work(std::unique_lock<std::mutex>& lock) {
  const auto woken = [this] { return stopping_ || !unwritten_.empty(); };
  const auto end = held_.next_end();
  if (!end) return wakes_.wait(lock, woken);
  if (const auto rest = *end - clock_.mono(); rest.count() > 0) {
    (void)wakes_.wait_for(lock, rest, woken);
  }
}

// Those that are held have no handler any more.
Result<void> Outbox::write(std::vector<Unwritten>& batch) {
  std::vector<const Operation*> operations;
  operations.reserve(batch.size());
  for (const auto& one : batch) operations.push_back(&one.operation);
  const std::lock_guard lock(file_mutex_);
  WEIR_TRY(file_->write(operations));
  hold(batch);
  return {};
}

// Before the drainer can see them: under file_mutex_.
void Outbox::hold(std::vector<Unwritten>& batch) {
  const std::lock_guard lock(mutex_);
  for (auto& one : batch) {
    const std::uint64_t place = ++written_;
    auto& body = one.operation.body;
    if (!one.hold_until || !held_.has_room(body)) continue;
    held_.add(place, *one.hold_until, std::move(body), std::exchange(one.done, nullptr));
  }
}

// --- to the log ----------------------------------------------------------------------------------

void Outbox::drain_loop() {
  Millis pause = kLook;
  std::uint64_t in_a_row = 0;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (empty()) wakes_.wait(lock, [this] { return stopping_ || !empty(); });
      if (stopping_) return;
    }
    const auto entry = hooks_.may_drain() ? next_entry() : std::nullopt;
    const bool appended = entry && hand_over(*entry);
    if (entry) stuck_ = !appended;
    if (appended) {
      pause = kLook;
      in_a_row += entry->operations;
      if (empty()) {
        log::info("outbox_drained", {{"operations", in_a_row}});
        in_a_row = 0;
      }
      continue;
    }
    std::unique_lock lock(mutex_);
    if (wakes_.wait_for(lock, pause, [this] { return stopping_; })) return;
    if (entry) pause = std::min(pause * 2, kLongestPause);
  }
}

std::optional<OutboxFile::Entry> Outbox::next_entry() {
  const std::lock_guard lock(file_mutex_);
  auto next = file_->next_entry();
  if (next) return std::move(*next);
  log::error("outbox_not_packed", {{"error", describe(next.error())}});
  return std::nullopt;
}

// Into the log, and out of the file. False: later again; however often, it is applied once.
bool Outbox::hand_over(const OutboxFile::Entry& entry) {
  const auto session = log_.session();
  expect_answers(entry);
  const auto revision = append(entry);
  if (!revision || !wait_applied(entry, *revision)) return false;
  // After a new connection the log may have lost the entry, and another may stand there.
  if (log_.session() != session) return false;
  {
    const std::lock_guard lock(file_mutex_);
    if (const auto removed = file_->forget(entry); !removed) {
      log::error("outbox_not_removed", {{"error", describe(removed.error())}});
      return false;
    }
  }
  Completions held;
  {
    const std::lock_guard lock(mutex_);
    operations_ -= entry.operations;
    bytes_ -= entry.bytes;
    drained_ += entry.operations;
    if (empty()) held = held_.take_all();
  }
  complete(std::move(held));
  return true;
}

void Outbox::expect_answers(const OutboxFile::Entry& entry) {
  const std::lock_guard lock(mutex_);
  if (answered_ == entry.sequence || !held_.awaits(drained_ + 1, entry.operations)) return;
  awaited_ = answered_ = entry.sequence;
}

void Outbox::applied(std::vector<OwnEntry> entries) {
  if (entries.empty()) return;
  const std::lock_guard lock(mutex_);
  for (auto& entry : entries) {
    if (!awaits(entry.sequence)) continue;
    held_.applied(drained_ + 1, entry.revision, entry.replies);
    awaited_ = 0;
  }
}

void Outbox::complete(Completions completions) {
  for (auto& completion : completions) completion.done(std::move(completion.reply));
}

// Waits for the answer: the next entry must not overtake this one.
Result<Revision> Outbox::append(const OutboxFile::Entry& entry) {
  auto answer = std::make_shared<std::promise<Result<Revision>>>();
  log_.append(entry.message_id, entry.data, clock_.mono() + kAppendTimeout,
              [answer](const Result<Appended>& appended) {
                answer->set_value(appended ? Result<Revision>(appended->revision)
                                           : Result<Revision>(appended.error()));
              });
  auto result = answer->get_future().get();
  if (!result && result.error().code != Code::unavailable) {
    log::warn("outbox_not_appended",
              {{"sequence", entry.sequence}, {"error", describe(result.error())}});
  }
  return result;
}

// With the answers, where somebody waits for them: without, when a snapshot brought the entry.
bool Outbox::wait_applied(const OutboxFile::Entry& entry, Revision revision) {
  const MonoTime until = clock_.mono() + kAppendTimeout;
  std::unique_lock lock(mutex_);
  for (;;) {
    const bool applied = hooks_.applied() >= revision;
    if (applied && !awaits(entry.sequence)) return true;
    if (stopping_ || clock_.mono() >= until || !hooks_.may_drain()) return applied;
    wakes_.wait_for(lock, kAppliedLook, [this] { return stopping_; });
  }
}

}  // namespace weir::replica
