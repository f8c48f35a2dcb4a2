#include "pkg/replica/outbox.hpp"

#include <array>
#include <future>

#include "pkg/log/log.hpp"
#include "pkg/replica/entry.hpp"
#include "pkg/replica/proposer_core.hpp"

namespace weir::replica {
namespace {

constexpr Millis kLook{100};  // at the log, while something waits
constexpr Millis kAppendTimeout{5'000};
constexpr Millis kLongestPause{2'000};

// An operation is in outbox_operations, then in the entry of outbox_entries that carries it, then
// in the log.
constexpr std::array kMigrations{sqlite::Migration{1, R"sql(
  CREATE TABLE outbox_operations(
    row INTEGER PRIMARY KEY, name TEXT NOT NULL, body TEXT NOT NULL, actor TEXT NOT NULL);
  CREATE TABLE outbox_entries(
    sequence INTEGER PRIMARY KEY, operations INTEGER NOT NULL, bytes INTEGER NOT NULL,
    data BLOB NOT NULL);
  CREATE TABLE outbox_meta(id INTEGER PRIMARY KEY CHECK(id=1), next INTEGER NOT NULL);
  INSERT INTO outbox_meta VALUES(1,1);
)sql"}};

std::uint64_t as_unsigned(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}
std::int64_t as_signed(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

// Columns name, body and actor, from `first` on.
Operation operation_of(const sqlite::Statement& row, int first) {
  return {.name = std::string(row.text(first)),
          .body = std::string(row.text(first + 1)),
          .actor = std::string(row.text(first + 2))};
}

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
    {
      auto rows = db_->prepare("SELECT name,body,actor FROM outbox_operations");
      while (rows.step()) {
        ++operations_;
        bytes_ += EntryBuilder::cost(operation_of(rows, 0));
      }
    }
    auto entries = db_->prepare(
        "SELECT coalesce(sum(operations),0),coalesce(sum(bytes),0) FROM outbox_entries");
    entries.step();
    operations_ += as_unsigned(entries.int64(0));
    bytes_ += as_unsigned(entries.int64(1));
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
  return db_->transaction([&]() -> Result<void> {
    auto insert = db_->prepare("INSERT INTO outbox_operations(name,body,actor) VALUES(?1,?2,?3)");
    for (const auto& one : batch) {
      insert.bind_all(one.operation.name, one.operation.body, one.operation.actor).run();
    }
    return {};
  });
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
    std::optional<Entry> entry;
    if (may_drain_()) {
      auto next = next_entry();
      if (next) {
        entry = std::move(*next);
      } else {
        log::error("outbox_not_packed", {{"error", describe(next.error())}});
      }
    }
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

// The entry that is to be appended next; made of what waits when there is none yet.
Result<std::optional<Outbox::Entry>> Outbox::next_entry() {
  const std::lock_guard lock(db_mutex_);
  std::optional<Entry> out;
  WEIR_TRY(db_->transaction([&]() -> Result<void> {
    out = packed_entry();
    if (!out) out = pack();
    return {};
  }));
  return out;
}

std::optional<Outbox::Entry> Outbox::packed_entry() {
  auto rows = db_->prepare(
      "SELECT sequence,operations,bytes,data FROM outbox_entries ORDER BY sequence LIMIT 1");
  if (!rows.step()) return std::nullopt;
  return Entry{as_unsigned(rows.int64(0)), std::string(rows.text(3)), as_unsigned(rows.int64(1)),
               as_unsigned(rows.int64(2))};
}

std::optional<Outbox::Entry> Outbox::pack() {
  Entry entry;
  {
    auto meta = db_->prepare("SELECT next FROM outbox_meta");
    meta.step();
    entry.sequence = as_unsigned(meta.int64(0));
  }
  EntryBuilder builder(options_.proposer, entry.sequence);
  std::int64_t last = 0;
  {
    auto rows = db_->prepare("SELECT row,name,body,actor FROM outbox_operations ORDER BY row");
    while (rows.step()) {
      const Operation operation = operation_of(rows, 1);
      const std::size_t cost = EntryBuilder::cost(operation);
      if (builder.operations() > 0 && builder.bytes() + cost > options_.max_entry_bytes) break;
      builder.add(operation);
      entry.bytes += cost;
      last = rows.int64(0);
    }
  }
  if (builder.operations() == 0) return std::nullopt;
  entry.operations = builder.operations();
  entry.data = builder.take();
  db_->prepare("INSERT INTO outbox_entries VALUES(?1,?2,?3,?4)")
      .bind_all(as_signed(entry.sequence), as_signed(entry.operations), as_signed(entry.bytes),
                entry.data)
      .run();
  db_->prepare("DELETE FROM outbox_operations WHERE row<=?1").bind(1, last).run();
  db_->prepare("UPDATE outbox_meta SET next=?1").bind(1, as_signed(entry.sequence + 1)).run();
  return entry;
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
    db_->prepare("DELETE FROM outbox_entries WHERE sequence=?1")
        .bind(1, as_signed(entry.sequence))
        .run();
    return {};
  });
  if (!removed) {
    log::error("outbox_not_removed", {{"error", describe(removed.error())}});
    return false;  // appended again later, applied once
  }
  operations_ -= entry.operations;
  bytes_ -= entry.bytes;
  return true;
}

}  // namespace weir::replica
