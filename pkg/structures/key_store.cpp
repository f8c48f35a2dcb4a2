#include "pkg/structures/key_store.hpp"

#include <algorithm>

#include "pkg/base/assert.hpp"

namespace weir::structures {
namespace {

constexpr std::array kMigrations{sqlite::Migration{1, R"sql(
  CREATE TABLE structures_keys(
    name TEXT PRIMARY KEY, id INTEGER NOT NULL, kind INTEGER NOT NULL, count INTEGER NOT NULL,
    bytes INTEGER NOT NULL, expires_at INTEGER, head INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX structures_keys_expiring ON structures_keys(expires_at)
    WHERE expires_at IS NOT NULL;
  CREATE TABLE structures_hash(
    key INTEGER NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY(key, field)) WITHOUT ROWID;
  CREATE TABLE structures_list(
    key INTEGER NOT NULL, position INTEGER NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY(key, position)) WITHOUT ROWID;
  CREATE TABLE structures_set(
    key INTEGER NOT NULL, member TEXT NOT NULL, PRIMARY KEY(key, member)) WITHOUT ROWID;
  CREATE TABLE structures_zset(
    key INTEGER NOT NULL, member TEXT NOT NULL, score INTEGER NOT NULL,
    PRIMARY KEY(key, member)) WITHOUT ROWID;
  CREATE INDEX structures_zset_scores ON structures_zset(key, score, member);
  CREATE TABLE structures_removed(key INTEGER PRIMARY KEY, kind INTEGER NOT NULL);
  CREATE TABLE structures_totals(
    kind INTEGER PRIMARY KEY, keys INTEGER NOT NULL, elements INTEGER NOT NULL);
  INSERT INTO structures_totals VALUES(1,0,0),(2,0,0),(3,0,0),(4,0,0);
  CREATE TABLE structures_meta(
    id INTEGER PRIMARY KEY CHECK(id=1), next_key INTEGER NOT NULL, bytes INTEGER NOT NULL,
    max_bytes INTEGER NOT NULL, max_elements INTEGER NOT NULL);
  INSERT INTO structures_meta VALUES(1,1,0,1073741824,1000000);
)sql"}};

constexpr std::size_t kKeysInMemory = 20'000;

struct Sweeps {
  std::string_view all;   // rows of key ?1
  std::string_view some;  // up to ?2 of them
};
const Sweeps& sweeps_of(Kind kind) {
  static constexpr std::array<Sweeps, kKinds.size()> kSweeps{
      {{"DELETE FROM structures_hash WHERE key=?1",
        "DELETE FROM structures_hash WHERE key=?1 AND field IN"
        " (SELECT field FROM structures_hash WHERE key=?1 ORDER BY field LIMIT ?2)"},
       {"DELETE FROM structures_list WHERE key=?1",
        "DELETE FROM structures_list WHERE key=?1 AND position IN"
        " (SELECT position FROM structures_list WHERE key=?1 ORDER BY position LIMIT ?2)"},
       {"DELETE FROM structures_set WHERE key=?1",
        "DELETE FROM structures_set WHERE key=?1 AND member IN"
        " (SELECT member FROM structures_set WHERE key=?1 ORDER BY member LIMIT ?2)"},
       {"DELETE FROM structures_zset WHERE key=?1",
        "DELETE FROM structures_zset WHERE key=?1 AND member IN"
        " (SELECT member FROM structures_zset WHERE key=?1 ORDER BY member LIMIT ?2)"}}};
  return kSweeps[static_cast<std::size_t>(kind) - 1];
}

KindTotals& totals_of(Stats& stats, Kind kind) {
  return stats.kinds[static_cast<std::size_t>(kind) - 1];
}

bool expired(const Key& key, std::int64_t now_ms) {
  return key.expires_at_ms && *key.expires_at_ms <= now_ms;
}

std::optional<Key> select_key(std::string_view name, sqlite::Database& db) {
  auto row =
      db.prepare("SELECT id,kind,count,bytes,expires_at,head FROM structures_keys WHERE name=?1");
  row.bind(1, name);
  if (!row.step()) return std::nullopt;
  return Key{.name = std::string(name),
             .id = row.int64(0),
             .kind = static_cast<Kind>(row.int64(1)),
             .count = row.int64(2),
             .bytes = row.int64(3),
             .expires_at_ms = row.optional_int64(4),
             .head = row.int64(5)};
}

}  // namespace

std::string_view to_string(Kind kind) {
  static constexpr std::array<std::string_view, kKinds.size()> kNames{"hash", "list", "set",
                                                                      "zset"};
  return kNames[static_cast<std::size_t>(kind) - 1];
}

Error wrong_type(const Key& key, Kind wanted) {
  return {Code::conflict, "wrong_structure_type", "The key holds another type of value",
          "key " + key.name + " is a " + std::string(to_string(key.kind)) +
              ", the command needs a " + std::string(to_string(wanted))};
}

std::optional<Key> load_key(std::string_view name, std::int64_t now_ms, sqlite::Database& db) {
  auto key = select_key(name, db);
  if (key && expired(*key, now_ms)) key.reset();
  return key;
}

Result<std::optional<Key>> load_key_of(Kind kind, std::string_view name, std::int64_t now_ms,
                                       sqlite::Database& db) {
  auto key = load_key(name, now_ms, db);
  if (key && key->kind != kind) return wrong_type(*key, kind);
  return key;
}

std::span<const sqlite::Migration> KeyStore::migrations() {
  return kMigrations;
}

void KeyStore::open(sqlite::Database& db) {
  keys_.clear();
  dirty_.clear();
  totals_ = {};
  totals_dirty_ = false;
  {
    auto rows = db.prepare("SELECT kind,keys,elements FROM structures_totals");
    while (rows.step()) {
      totals_of(totals_, static_cast<Kind>(rows.int64(0))) = {rows.int64(1), rows.int64(2)};
    }
  }
  {
    auto meta = db.prepare("SELECT next_key,bytes,max_bytes,max_elements FROM structures_meta");
    meta.step();
    next_id_ = meta.int64(0);
    totals_.bytes = meta.int64(1);
    totals_.limits = {.max_bytes = meta.int64(2), .max_elements = meta.int64(3)};
  }
  find_due(db);
}

void KeyStore::find_due(sqlite::Database& db) {
  {
    auto row =
        db.prepare("SELECT min(expires_at) FROM structures_keys WHERE expires_at IS NOT NULL");
    row.step();
    due_ms_ = row.optional_int64(0);
  }
  auto removed = db.prepare("SELECT 1 FROM structures_removed LIMIT 1");
  garbage_ = removed.step();
}

void KeyStore::flush(sqlite::Database& db) {
  for (const auto& name : dirty_) {
    const auto found = keys_.find(name);
    if (found == keys_.end() || !found->second.dirty) continue;  // removed, or written already
    Key& key = found->second;
    db.prepare(
          "INSERT INTO structures_keys(name,id,kind,count,bytes,head,expires_at)"
          " VALUES(?1,?2,?3,?4,?5,?6,?7) ON CONFLICT(name) DO UPDATE SET id=?2,kind=?3,count=?4,"
          "bytes=?5,head=?6,expires_at=?7")
        .bind_all(key.name, key.id, static_cast<std::int64_t>(key.kind), key.count, key.bytes,
                  key.head, key.expires_at_ms)
        .run();
    key.dirty = false;
  }
  dirty_.clear();
  if (keys_.size() > kKeysInMemory) keys_.clear();
  if (!totals_dirty_) return;
  for (const Kind kind : kKinds) {
    const auto& totals = totals_of(totals_, kind);
    db.prepare("UPDATE structures_totals SET keys=?2,elements=?3 WHERE kind=?1")
        .bind_all(static_cast<std::int64_t>(kind), totals.keys, totals.elements)
        .run();
  }
  db.prepare("INSERT OR REPLACE INTO structures_meta VALUES(1,?1,?2,?3,?4)")
      .bind_all(next_id_, totals_.bytes, totals_.limits.max_bytes, totals_.limits.max_elements)
      .run();
  totals_dirty_ = false;
}

void KeyStore::publish() {
  const std::lock_guard lock(mutex_);
  published_ = totals_;
}

Stats KeyStore::stats() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

Key* KeyStore::find(std::string_view name, std::int64_t now_ms, sqlite::Database& db) {
  std::string text(name);
  auto found = keys_.find(text);
  if (found == keys_.end()) {
    auto key = select_key(name, db);
    if (!key) return nullptr;
    found = keys_.emplace(std::move(text), std::move(*key)).first;
  }
  if (!expired(found->second, now_ms)) return &found->second;
  remove(found->second, db);
  return nullptr;
}

Result<Key*> KeyStore::find_of(Kind kind, std::string_view name, std::int64_t now_ms,
                               sqlite::Database& db) {
  Key* key = find(name, now_ms, db);
  if (key != nullptr && key->kind != kind) return wrong_type(*key, kind);
  return key;
}

Key& KeyStore::create(Kind kind, std::string_view name) {
  Key key;
  key.name = name;
  key.id = next_id_++;
  key.kind = kind;
  key.bytes = kKeyOverheadBytes + static_cast<std::int64_t>(name.size());
  totals_.bytes += key.bytes;
  ++totals_of(totals_, kind).keys;
  totals_dirty_ = true;
  auto [at, fresh] = keys_.emplace(std::string(name), std::move(key));
  WEIR_ASSERT(fresh);
  touch(at->second);
  return at->second;
}

Result<void> KeyStore::admit(const Key* key, std::string_view name, std::int64_t elements,
                             std::int64_t bytes) const {
  const std::int64_t count = key == nullptr ? 0 : key->count;
  if (count + elements > totals_.limits.max_elements) {
    return Error{Code::out_of_space, "too_many_elements", "The structure has too many elements",
                 "limit: " + std::to_string(totals_.limits.max_elements)};
  }
  if (key == nullptr) bytes += kKeyOverheadBytes + static_cast<std::int64_t>(name.size());
  if (totals_.bytes + bytes > totals_.limits.max_bytes) {
    return Error{Code::out_of_space, "memory_limit_exceeded",
                 "The data structures use all the memory they may",
                 std::to_string(totals_.bytes) + " of " + std::to_string(totals_.limits.max_bytes) +
                     " bytes are in use: delete keys, or raise structures_max_bytes"};
  }
  return {};
}

void KeyStore::resize(Key& key, std::int64_t elements, std::int64_t bytes, sqlite::Database& db) {
  key.count += elements;
  key.bytes += bytes;
  totals_of(totals_, key.kind).elements += elements;
  totals_.bytes += bytes;
  totals_dirty_ = true;
  WEIR_ASSERT(key.count >= 0);
  if (key.count == 0) {
    remove(key, db);
  } else {
    touch(key);
  }
}

void KeyStore::remove(Key& key, sqlite::Database& db) {
  if (key.count > kRemovedAtOnce) {
    db.prepare("INSERT INTO structures_removed(key,kind) VALUES(?1,?2)")
        .bind_all(key.id, static_cast<std::int64_t>(key.kind))
        .run();
    garbage_ = true;
  } else if (key.count > 0) {
    db.prepare(sweeps_of(key.kind).all).bind_all(key.id).run();
  }
  db.prepare("DELETE FROM structures_keys WHERE name=?1").bind_all(key.name).run();
  auto& totals = totals_of(totals_, key.kind);
  totals.elements -= key.count;
  --totals.keys;
  totals_.bytes -= key.bytes;
  totals_dirty_ = true;
  keys_.erase(keys_.find(key.name));
}

void KeyStore::expire(Key& key, std::optional<std::int64_t> at_ms) {
  key.expires_at_ms = at_ms;
  if (at_ms) due_ms_ = std::min(due_ms_.value_or(*at_ms), *at_ms);
  touch(key);
}

void KeyStore::touch(Key& key) {
  if (key.dirty) return;
  key.dirty = true;
  dirty_.push_back(key.name);
}

void KeyStore::tick(std::int64_t now_ms, sqlite::Database& db) {
  flush(db);
  std::vector<std::string> names;
  {
    auto rows = db.prepare(
        "SELECT name FROM structures_keys WHERE expires_at<=?1 ORDER BY expires_at,name LIMIT ?2");
    rows.bind_all(now_ms, kTickRows);
    while (rows.step()) names.emplace_back(rows.text(0));
  }
  for (const auto& name : names) find(name, now_ms, db);
  if (garbage_) sweep(kTickRows, db);
  find_due(db);
}

void KeyStore::sweep(std::int64_t rows, sqlite::Database& db) {
  while (rows > 0) {
    std::int64_t id = 0;
    Kind kind{};
    {
      auto row = db.prepare("SELECT key,kind FROM structures_removed ORDER BY key LIMIT 1");
      if (!row.step()) return;
      id = row.int64(0);
      kind = static_cast<Kind>(row.int64(1));
    }
    std::int64_t swept = 0;
    {
      auto some = db.prepare(sweeps_of(kind).some);
      some.bind_all(id, rows).run();
      swept = some.changes();
    }
    if (swept < rows) {
      db.prepare("DELETE FROM structures_removed WHERE key=?1").bind_all(id).run();
    }
    rows -= swept + 1;
  }
}

std::optional<Timestamp> KeyStore::next_due() const {
  if (garbage_) return from_unix_ms(0);
  if (!due_ms_) return std::nullopt;
  return from_unix_ms(*due_ms_);
}

void KeyStore::set_limits(StateLimits limits) {
  totals_.limits = limits;
  totals_dirty_ = true;
}

}  // namespace weir::structures
