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
  outbox->operations_ = content.operations;
  outbox->bytes_ = content.bytes;
  return outbox;
}

Outbox::Outbox(OutboxOptions options, std::unique_ptr<OutboxFile> file, Log& log,
               const Clock& clock, Hooks hooks)
    : options_(std::move(options)),
      file_(std::move(file)),
      log_(log),
      clock_(clock),
      hooks_(std::move(hooks)) {}

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
}

OutboxHealth Outbox::health() const {
  return {.operations = operations_.load(),
          .bytes = bytes_.load(),
          .max_bytes = options_.max_bytes,
          .drained = drained_.load()};
}

void Outbox::keep(Operation operation, ReplyHandler done) {
  // As LocalInstance::propose(): nothing unchecked gets into the log.
  if (auto checked = check_operation(operation); !checked) return done(checked.error());
  const std::uint64_t cost = OutboxFile::cost(operation);
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
      unwritten_.push_back({std::move(operation), std::move(done)});
      ++operations_;
      bytes_ += cost;
    }
  }
  if (refused) return done(*refused);
  wakes_.notify_all();
}

// --- to the disk ---------------------------------------------------------------------------------

void Outbox::write_loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wakes_.wait(lock, [this] { return stopping_ || !unwritten_.empty(); });
    if (unwritten_.empty()) return;
    std::vector<Unwritten> batch;
    batch.swap(unwritten_);
    lock.unlock();
    const auto written = write(batch);
    for (auto& one : batch) {
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

Result<void> Outbox::write(const std::vector<Unwritten>& batch) {
  std::vector<const Operation*> operations;
  operations.reserve(batch.size());
  for (const auto& one : batch) operations.push_back(&one.operation);
  const std::lock_guard lock(file_mutex_);
  return file_->write(operations);
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
    if (appended) {
      pause = kLook;
      drained_ += entry->operations;
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
  const auto revision = append(entry);
  if (!revision || !wait_applied(*revision)) return false;
  // After a new connection the log may have lost the entry, and another may stand there.
  if (log_.session() != session) return false;
  const std::lock_guard lock(file_mutex_);
  if (const auto removed = file_->forget(entry); !removed) {
    log::error("outbox_not_removed", {{"error", describe(removed.error())}});
    return false;
  }
  operations_ -= entry.operations;
  bytes_ -= entry.bytes;
  return true;
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

bool Outbox::wait_applied(Revision revision) {
  const MonoTime until = clock_.mono() + kAppendTimeout;
  std::unique_lock lock(mutex_);
  while (hooks_.applied() < revision) {
    if (stopping_ || clock_.mono() >= until || !hooks_.may_drain()) return false;
    wakes_.wait_for(lock, kAppliedLook, [this] { return stopping_; });
  }
  return true;
}

}  // namespace weir::replica
