#include "pkg/replica/outbox_file.hpp"

#include <array>

#include "pkg/replica/entry.hpp"

namespace weir::replica {
namespace {

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

}  // namespace

Result<std::unique_ptr<OutboxFile>> OutboxFile::open(Options options) {
  WEIR_ASSIGN(auto db, sqlite::Database::open(
                           {.path = options.path, .durability = sqlite::Durability::full}));
  WEIR_TRY(db->migrate("outbox", kMigrations));
  return std::unique_ptr<OutboxFile>(new OutboxFile(std::move(options), std::move(db)));
}

OutboxFile::OutboxFile(Options options, std::unique_ptr<sqlite::Database> db)
    : options_(std::move(options)), db_(std::move(db)) {}

std::uint64_t OutboxFile::cost(const Operation& operation) {
  return EntryBuilder::cost(operation) + operation.when_kept.size();
}

Result<OutboxFile::Content> OutboxFile::content() {
  Content out;
  WEIR_TRY(db_->read([&]() -> Result<void> {
    {
      auto rows = db_->prepare("SELECT name,body,actor FROM outbox_operations");
      while (rows.step()) {
        ++out.operations;
        out.bytes += cost(operation_of(rows, 0));
      }
    }
    auto entries = db_->prepare(
        "SELECT coalesce(sum(operations),0),coalesce(sum(bytes),0) FROM outbox_entries");
    entries.step();
    out.operations += as_unsigned(entries.int64(0));
    out.bytes += as_unsigned(entries.int64(1));
    return {};
  }));
  return out;
}

Result<void> OutboxFile::write(std::span<const Operation* const> operations) {
  return db_->transaction([&]() -> Result<void> {
    auto insert = db_->prepare("INSERT INTO outbox_operations(name,body,actor) VALUES(?1,?2,?3)");
    for (const Operation* operation : operations) {
      std::string body = operation->body;
      body.insert(1, operation->when_kept);
      insert.bind_all(operation->name, body, operation->actor).run();
    }
    return {};
  });
}

Result<std::optional<OutboxFile::Entry>> OutboxFile::next_entry() {
  std::optional<Entry> out;
  WEIR_TRY(db_->transaction([&]() -> Result<void> {
    out = packed_entry();
    if (!out) out = pack();
    if (out) out->message_id = options_.proposer + "." + std::to_string(out->sequence);
    return {};
  }));
  return out;
}

std::optional<OutboxFile::Entry> OutboxFile::packed_entry() {
  auto rows = db_->prepare(
      "SELECT sequence,operations,bytes,data FROM outbox_entries ORDER BY sequence LIMIT 1");
  if (!rows.step()) return std::nullopt;
  return Entry{as_unsigned(rows.int64(0)), "", std::string(rows.text(3)),
               as_unsigned(rows.int64(1)), as_unsigned(rows.int64(2))};
}

std::optional<OutboxFile::Entry> OutboxFile::pack() {
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
      const std::size_t bytes = EntryBuilder::cost(operation);
      if (builder.operations() > 0 && builder.bytes() + bytes > options_.max_entry_bytes) break;
      builder.add(operation);
      entry.bytes += bytes;
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

Result<void> OutboxFile::forget(const Entry& entry) {
  return db_->transaction([&]() -> Result<void> {
    db_->prepare("DELETE FROM outbox_entries WHERE sequence=?1")
        .bind(1, as_signed(entry.sequence))
        .run();
    return {};
  });
}

}  // namespace weir::replica
