// KeyStore: which structures exist, of what kind, how large, until when. The elements are in the
// tables of their kind, under the key's id; ids are never used again, so a large structure is
// removed by forgetting its key, and ticks sweep its rows.
//
// The keys used last are in memory and written back by flush(); whatever looks at structures_keys
// by SQL must flush first. Threads: the applier's, except load_key() and stats().
#pragma once

#include <array>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"
#include "pkg/sqlite/database.hpp"
#include "pkg/structures/limits.hpp"

namespace weir::structures {

enum class Kind : std::uint8_t { hash = 1, list = 2, set = 3, sorted_set = 4 };
inline constexpr std::array kKinds{Kind::hash, Kind::list, Kind::set, Kind::sorted_set};
std::string_view to_string(Kind kind);  // "hash", "list", "set", "zset"

struct Key {
  std::string name;
  std::int64_t id = 0;
  Kind kind = Kind::hash;
  std::int64_t count = 0;  // elements
  std::int64_t bytes = 0;  // estimated, see limits.hpp
  std::optional<std::int64_t> expires_at_ms;
  std::int64_t head = 0;  // of a list: the position of its first element
  bool dirty = false;
};

struct KindTotals {
  std::int64_t keys = 0;
  std::int64_t elements = 0;
};
struct Stats {
  std::array<KindTotals, kKinds.size()> kinds;  // in the order of kKinds
  std::int64_t bytes = 0;
  StateLimits limits;
};

// conflict / wrong_structure_type: says what the key holds and what the command needs.
Error wrong_type(const Key& key, Kind wanted);

// Inside read(): the key, unless there is none or it has expired at `now_ms`.
std::optional<Key> load_key(std::string_view name, std::int64_t now_ms, sqlite::Database& db);
// The same, for a command on structures of one kind. Errors: wrong_structure_type.
Result<std::optional<Key>> load_key_of(Kind kind, std::string_view name, std::int64_t now_ms,
                                       sqlite::Database& db);

class KeyStore {
 public:
  static std::span<const sqlite::Migration> migrations();
  void open(sqlite::Database& db);
  void flush(sqlite::Database& db);
  void publish();  // after a commit: stats()

  // Null when there is none; one that has expired is removed. Valid until the key is removed.
  Key* find(std::string_view name, std::int64_t now_ms, sqlite::Database& db);
  // The same, for a command on structures of one kind. Errors: wrong_structure_type.
  Result<Key*> find_of(Kind kind, std::string_view name, std::int64_t now_ms, sqlite::Database& db);
  // The caller adds an element next: an empty structure does not exist.
  Key& create(Kind kind, std::string_view name);
  // Before elements are added, `bytes` at most. Errors: out_of_space / memory_limit_exceeded,
  // too_many_elements. `key` may be null (the structure would be made).
  Result<void> admit(const Key* key, std::string_view name, std::int64_t elements,
                     std::int64_t bytes) const;
  // Elements came (or went, negative). The key disappears when none is left.
  void resize(Key& key, std::int64_t elements, std::int64_t bytes, sqlite::Database& db);
  void remove(Key& key, sqlite::Database& db);
  void expire(Key& key, std::optional<std::int64_t> at_ms);
  void touch(Key& key);  // was changed

  // Removes what has expired and sweeps removed rows, a bounded number of each.
  void tick(std::int64_t now_ms, sqlite::Database& db);
  std::optional<Timestamp> next_due() const;

  void set_limits(StateLimits limits);
  const Stats& totals() const { return totals_; }
  Stats stats() const;  // any thread: as of the last commit

 private:
  void sweep(std::int64_t rows, sqlite::Database& db);
  void find_due(sqlite::Database& db);

  std::unordered_map<std::string, Key> keys_;
  std::vector<std::string> dirty_;
  Stats totals_;
  std::int64_t next_id_ = 1;
  bool totals_dirty_ = false;
  bool garbage_ = false;
  std::optional<std::int64_t> due_ms_;  // never later than the next expiry

  mutable std::mutex mutex_;
  Stats published_;  // guarded by mutex_
};

}  // namespace weir::structures
