// Store: what can be done with the keys of one bucket. Every change that depends on what stands
// there is a compare-and-set on the key's newest revision, so that no write of anybody, here or on
// another NATS client, is lost. Blocking calls to NATS; thread-safe; cheap to copy.
//
// Besides the errors named: invalid / bad_key; not_found / stream_not_found (the bucket is gone);
// unavailable / nats_unavailable, no_responders, nats_timeout (nothing happened), key_contended;
// deadline_exceeded / nats_timeout (a write: its outcome is unknown).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/kv/entry.hpp"
#include "pkg/kv/recent.hpp"
#include "pkg/nats/bucket.hpp"

namespace weir::kv {

inline constexpr std::size_t kMaxKeysPerCall = 1000;

enum class Condition : std::uint8_t { always, if_missing, if_present };

struct SetOptions {
  std::optional<Millis> ttl = {};
  Condition condition = Condition::always;
  std::optional<std::uint64_t> revision = {};  // write only over this one
};

struct SetResult {
  bool written = false;  // false: the condition did not hold
  std::uint64_t revision = 0;
  std::optional<Entry> previous = {};
};

struct Item {
  std::string key;
  std::string value;  // JSON
  std::optional<Millis> ttl = {};
};

class Store {
 public:
  Store(nats::Bucket bucket, nats::BucketInfo info, const Clock& clock);

  const nats::BucketInfo& info() const { return info_; }
  const nats::Bucket& bucket() const { return bucket_; }

  Result<std::optional<Entry>> get(std::string_view key) const;
  // The entry as it was at a revision, or marker; empty when that is no longer kept.
  Result<std::optional<Entry>> get_revision(std::string_view key, std::uint64_t revision) const;
  // Kept revisions of a key, markers included, oldest first.
  Result<std::vector<Entry>> history(std::string_view key) const;

  // Writes without looking at what stood there. Errors: too_large / value_too_large,
  // message_too_large; out_of_space / stream_full.
  Result<std::uint64_t> put(std::string_view key, std::string_view json,
                            std::optional<Millis> ttl) const;
  // With a condition, and with what stood there before. Error: conflict / wrong_last_sequence when
  // `revision` is not the newest.
  Result<SetResult> set(std::string_view key, std::string_view json,
                        const SetOptions& options) const;
  // Whether there was a live entry. Error: as set().
  Result<bool> remove(std::string_view key, std::optional<std::uint64_t> revision = {}) const;
  // Adds to a number, from 0 when there is none; gives the new one as JSON. Keeps the time to live.
  // Errors: invalid / not_a_number, number_overflow.
  Result<std::string> add(std::string_view key, std::string_view amount) const;
  // Sets the time to live, or takes it away; false when there is no live entry (or, to take away,
  // none that ends).
  Result<bool> expire(std::string_view key, std::optional<Millis> ttl) const;

  // All items or none (store_many.cpp). Error: too_large / too_many_keys_in_call.
  Result<void> set_all(std::vector<Item> items) const;
  // False, and nothing happened, when one of the keys exists.
  Result<bool> set_all_if_missing(std::vector<Item> items) const;
  // How many there were.
  Result<std::size_t> remove_all(std::vector<std::string> keys) const;

  // Removes an entry that has ended, unless it is another one by now.
  Result<void> sweep(std::string_view key, std::uint64_t revision) const;

 private:
  struct Seen {
    std::optional<Entry> live;
    std::uint64_t revision = 0;  // of the newest record, markers and ended ones included
  };
  struct Change {
    nats::BucketWrite write;
    Seen seen;
  };
  Result<Seen> look(std::string_view key) const;
  nats::BucketWrite value_write(std::string_view key, std::string_view json,
                                std::optional<Millis> ttl) const;
  nats::BucketWrite marker(std::string_view key) const;
  std::optional<Millis> remaining_ttl(const Entry& entry) const;
  nats::Bucket::Read read_mode() const;

  // set() without a condition over what was written here last, in one request; empty when that is
  // not what stands there.
  std::optional<Result<SetResult>> set_over_last(std::string_view key, std::string_view json) const;

  template <class Decide>
  Result<Seen> change(std::string_view key, const Decide& decide) const;

  Result<bool> apply_all(const std::vector<Item>& items, bool only_if_missing) const;
  Result<bool> apply_atomically(std::vector<Change> changes) const;
  Result<bool> apply_one_by_one(const std::vector<Change>& changes, bool only_if_missing) const;
  void undo(const std::vector<Change>& done, const std::vector<std::uint64_t>& revisions) const;

  nats::Bucket bucket_;
  nats::BucketInfo info_;
  const Clock* clock_;
  std::shared_ptr<Recent> recent_ = std::make_shared<Recent>();
};

}  // namespace weir::kv
