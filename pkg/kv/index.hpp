// Index: the keys of one bucket in memory, in order, with what ends when; for lists, counts and
// sweeping. It follows the bucket by one ordered consumer that brings headers only. sync() waits
// until everything acknowledged before the call is in it, so that a list never misses a write that
// somebody was told of.
//
// Lifecycle: construct (begins to load) -> use -> destroy. Thread-safe. Memory: about 150 bytes and
// the name per key; over kMaxIndexedKeys it answers out_of_space / too_many_keys_in_bucket.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/kv/store.hpp"
#include "pkg/nats/ordered_consumer.hpp"

namespace weir::kv {

inline constexpr std::size_t kMaxIndexedKeys = 5'000'000;

struct Page {
  std::vector<std::string> keys;
  bool more = false;
};

class Index {
 public:
  Index(Store store, const Clock& clock);
  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  // Errors: unavailable / index_behind, and as Store. stream_not_found when the bucket is gone or
  // another one: then make a new index.
  Result<void> sync(Millis wait);

  // Keys after `after` that begin with `prefix`, in the order of their bytes; those that match
  // `pattern`, unless that is empty.
  Page page(std::string_view prefix, std::string_view after, std::size_t limit,
            std::string_view pattern = {}) const;
  std::size_t live() const;  // keys, without the deleted and ended ones

  struct Ended {
    std::string key;
    std::uint64_t revision = 0;
  };
  // Takes up to `limit` keys that have ended out of the index.
  std::vector<Ended> take_ended(std::size_t limit);
  bool has_endings() const;

 private:
  struct Slot {
    std::uint64_t revision = 0;
    std::optional<Timestamp> expires_at;
  };
  using Slots = std::map<std::string, Slot, std::less<>>;

  void heard(const nats::OrderedMessage& message);
  void drop(Slots::iterator slot);  // with the lock held
  bool lists(const Slot& slot, Timestamp now) const {
    return !slot.expires_at || *slot.expires_at > now;
  }

  const Store store_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Slots slots_;                                          // guarded by mutex_: those with a value
  std::set<std::pair<Timestamp, std::string>> endings_;  // guarded by mutex_
  std::uint64_t seen_ = 0;                               // guarded by mutex_: revision
  bool too_many_ = false;                                // guarded by mutex_
  std::unique_ptr<nats::OrderedConsumer> consumer_;      // last: calls heard()
};

// Where a page of keys ended, as an opaque text; empty optional when it is no such text. An empty
// text stands for the beginning.
std::string cursor_of(std::string_view key);
std::optional<std::string> cursor_key(std::string_view cursor);

}  // namespace weir::kv
