#include "pkg/replica/outbox.hpp"

#include <array>
#include <future>

#include "pkg/log/log.hpp"
#include "pkg/replica/entry.hpp"

namespace weir::replica {
namespace {

constexpr Millis kLook{100};  // at the log, while something waits
constexpr Millis kAppendTimeout{5'000};
constexpr Millis kLongestPause{2'000};

constexpr std::array kMigrations{sqlite::Migration{1, R"sql(
  CREATE TABLE outbox(sequence INTEGER PRIMARY KEY, operations INTEGER NOT NULL, data BLOB NOT NULL);
  CREATE TABLE outbox_meta(id INTEGER PRIMARY KEY CHECK(id=1), next INTEGER NOT NULL);
  INSERT INTO outbox_meta VALUES(1,1);
)sql"}};

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

Error stopped() {
  return Error{.code = Code::unavailable,
               .reason = "replica_stopped",
               .message = "This coordinator is shutting down; nothing was changed",
               .details = "",
               .retry_after = Millis{1'000}};
}

}  // namespace

Result<std::unique_ptr<Outbox>> Outbox::open(OutboxOptions options, Log& log, const Clock& clock,
                                             std::function<bool()> may_drain) {
  WEIR_ASSIGN(auto db, sqlite::Database::open(
                           {.path = options.path, .durability = sqlite::Durability::full}));
  WEIR_TRY(db->migrate("outbox", kMigrations));
  std::unique_ptr<Outbox> outbox(
      new Outbox(std::move(options), std::move(db), log, clock, std::move(may_drain)));
  WEIR_TRY(outbox->load());
  return outbox;
}

Outbox::Outbox(OutboxOptions options, std::unique_ptr<sqlite::Database> db, Log& log,
               const Clock& clock, std::function<bool()> may_drain)
    : options_(std::move(options)),
      db_(std::move(db)),
      log_(log),
      clock_(clock),
      may_drain_(std::move(may_drain)) {}

Result<void> Outbox::load() {
  return db_->read([this]() -> Result<void> {
    auto meta = db_->prepare("SELECT next FROM outbox_meta");
    meta.step();
    next_sequence_ = static_cast<std::uint64_t>(meta.int64(0));
    auto sums = db_->prepare(
        "SELECT coalesce(sum(operations),0),coalesce(sum(length(data)),0) FROM outbox");
    sums.step();
    operations_ = static_cast<std::uint64_t>(sums.int64(0));
    bytes_ = static_cast<std::uint64_t>(sums.int64(1));
    return {};
  });
}

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
  const std::size_t cost = EntryBuilder::cost(operation);
  std::optional<Error> refused;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      refused = stopped();
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
        one.done(Reply{.json = {}, .revision = 0, .kept = true});
      } else {
        --operations_;
        bytes_ -= EntryBuilder::cost(one.operation);
        one.done(written.error());
      }
    }
    wakes_.notify_all();  // the drainer
    lock.lock();
  }
}

Result<void> Outbox::write(const std::vector<Unwritten>& batch) {
  const std::lock_guard lock(db_mutex_);
  std::uint64_t sequence = next_sequence_;
  const auto written = db_->transaction([&]() -> Result<void> {
    for (std::size_t at = 0; at < batch.size(); ++sequence) {
      EntryBuilder builder(options_.proposer, sequence);
      do {
        builder.add(batch[at++].operation);
      } while (at < batch.size() && builder.bytes() + EntryBuilder::cost(batch[at].operation) <=
                                        options_.max_entry_bytes);
      const auto operations = static_cast<std::int64_t>(builder.operations());
      db_->prepare("INSERT INTO outbox VALUES(?1,?2,?3)")
          .bind_all(static_cast<std::int64_t>(sequence), operations, builder.take())
          .run();
    }
    db_->prepare("UPDATE outbox_meta SET next=?1")
        .bind(1, static_cast<std::int64_t>(sequence))
        .run();
    return {};
  });
  if (written) next_sequence_ = sequence;
  return written;
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
    const auto entry = may_drain_() ? first_entry() : std::nullopt;
    const bool appended = entry && append(*entry).has_value() && forget(*entry);
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

std::optional<Outbox::Entry> Outbox::first_entry() {
  const std::lock_guard lock(db_mutex_);
  std::optional<Entry> out;
  const auto read = db_->read([&]() -> Result<void> {
    auto rows =
        db_->prepare("SELECT sequence,operations,data FROM outbox ORDER BY sequence LIMIT 1");
    if (rows.step()) {
      out = Entry{static_cast<std::uint64_t>(rows.int64(0)), std::string(rows.text(2)),
                  static_cast<std::uint64_t>(rows.int64(1))};
    }
    return {};
  });
  if (!read) log::error("outbox_not_read", {{"error", describe(read.error())}});
  return out;
}

// Waits for the answer: the next entry must not overtake this one.
Result<void> Outbox::append(const Entry& entry) {
  auto answer = std::make_shared<std::promise<Result<void>>>();
  log_.append(options_.proposer + "." + std::to_string(entry.sequence), entry.data,
              clock_.mono() + kAppendTimeout, [answer](const Result<Appended>& appended) {
                answer->set_value(appended ? Result<void>() : appended.error());
              });
  auto result = answer->get_future().get();
  if (!result && result.error().code != Code::unavailable) {
    log::warn("outbox_not_appended",
              {{"sequence", entry.sequence}, {"error", describe(result.error())}});
  }
  return result;
}

bool Outbox::forget(const Entry& entry) {
  const std::lock_guard lock(db_mutex_);
  const auto removed = db_->transaction([&]() -> Result<void> {
    db_->prepare("DELETE FROM outbox WHERE sequence=?1")
        .bind(1, static_cast<std::int64_t>(entry.sequence))
        .run();
    return {};
  });
  if (!removed) {
    log::error("outbox_not_removed", {{"error", describe(removed.error())}});
    return false;  // appended again later, applied once
  }
  operations_ -= entry.operations;
  bytes_ -= std::min<std::uint64_t>(bytes_, entry.data.size());
  if (operations_ == 0) bytes_ = 0;
  return true;
}

}  // namespace weir::replica
