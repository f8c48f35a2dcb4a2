// Many keys of one bucket, all or nothing. Where the bucket takes atomic batches (nats-server 2.12)
// the server decides. Elsewhere: everything that can be refused is refused before the first write;
// then the keys are written one by one in their order, each over the revision that was seen, and
// what was written is undone when one fails. Readers may see the writes come and go, and a
// coordinator that dies in between leaves a part.
#include <algorithm>
#include <map>

#include "pkg/kv/key_name.hpp"
#include "pkg/kv/store.hpp"
#include "pkg/log/log.hpp"

namespace weir::kv {
namespace {

constexpr int kMostRaces = 50;
constexpr std::size_t kHeaderBytes = 512;  // room for headers in a message

Error too_many_keys(std::size_t count) {
  return {Code::too_large, "too_many_keys_in_call", "One call takes fewer keys.",
          std::to_string(count) + " keys; at most " + std::to_string(kMaxKeysPerCall)};
}

bool lost_race(const Error& error) {
  return error.reason == "wrong_last_sequence";
}

// In the order of their keys, the last of several of one key: two calls that share keys meet at the
// same one first.
std::vector<Item> in_order(std::vector<Item> items) {
  std::map<std::string, Item> by_key;
  for (auto& item : items) by_key.insert_or_assign(item.key, std::move(item));
  std::vector<Item> out;
  for (auto& [key, item] : by_key) out.push_back(std::move(item));
  return out;
}

}  // namespace

Result<void> Store::set_all(std::vector<Item> items) const {
  const auto done = apply_all(in_order(std::move(items)), false);
  if (!done) return done.error();
  return {};
}

Result<bool> Store::set_all_if_missing(std::vector<Item> items) const {
  return apply_all(in_order(std::move(items)), true);
}

Result<bool> Store::apply_all(const std::vector<Item>& items, bool only_if_missing) const {
  if (items.size() > kMaxKeysPerCall) return too_many_keys(items.size());
  const auto limit = bucket_.jetstream().connection().max_payload();
  for (const auto& item : items) {
    WEIR_TRY(check_key(item.key));
    const auto most = info_.config.max_value_bytes;
    const bool over = most >= 0 && item.value.size() > static_cast<std::size_t>(most);
    if (over || item.value.size() + kHeaderBytes > limit) {
      return Error{Code::too_large, "value_too_large", "The value is larger than the bucket takes",
                   "key: " + item.key + "; " + std::to_string(item.value.size()) + " bytes"};
    }
  }
  for (int race = 0; race < kMostRaces; ++race) {
    std::vector<Change> changes;
    for (const auto& item : items) {
      WEIR_ASSIGN(auto seen, look(item.key));
      if (only_if_missing && seen.live) return false;
      changes.push_back({value_write(item.key, item.value, item.ttl), std::move(seen)});
    }
    auto done = info_.atomic ? apply_atomically(std::move(changes))
                             : apply_one_by_one(changes, only_if_missing);
    if (done || !lost_race(done.error())) return done;
  }
  return Error{Code::unavailable, "key_contended", "Too many others write these keys.", ""};
}

Result<std::size_t> Store::remove_all(std::vector<std::string> keys) const {
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  if (keys.size() > kMaxKeysPerCall) return too_many_keys(keys.size());
  for (const auto& key : keys) WEIR_TRY(check_key(key));
  for (int race = 0; race < kMostRaces; ++race) {
    std::vector<Change> changes;
    for (const auto& key : keys) {
      WEIR_ASSIGN(auto seen, look(key));
      if (seen.live) changes.push_back({marker(key), std::move(seen)});
    }
    const auto count = changes.size();
    const auto done =
        info_.atomic ? apply_atomically(std::move(changes)) : apply_one_by_one(changes, false);
    if (done) return count;
    if (!lost_race(done.error())) return done.error();
  }
  return Error{Code::unavailable, "key_contended", "Too many others write these keys.", ""};
}

Result<bool> Store::apply_atomically(std::vector<Change> changes) const {
  std::vector<nats::BucketWrite> writes;
  for (auto& change : changes) {
    change.write.headers.emplace_back(nats::kExpectedHeader, std::to_string(change.seen.revision));
    writes.push_back(std::move(change.write));
  }
  if (writes.empty()) return true;
  const auto written =
      writes.size() == 1 ? bucket_.write(writes.front()) : bucket_.write_all(writes);
  if (!written) return written.error();
  return true;
}

// A race that is lost after a write makes the whole begin again, unless somebody's value decides.
Result<bool> Store::apply_one_by_one(const std::vector<Change>& changes,
                                     bool only_if_missing) const {
  std::vector<std::uint64_t> revisions;
  for (const auto& change : changes) {
    auto write = change.write;
    write.headers.emplace_back(nats::kExpectedHeader, std::to_string(change.seen.revision));
    const auto written = bucket_.write(write);
    if (written) {
      revisions.push_back(*written);
      continue;
    }
    undo(changes, revisions);
    if (only_if_missing && lost_race(written.error())) {
      WEIR_ASSIGN(const auto now, look(decode_key(change.write.key)));
      if (now.live) return false;
    }
    return written.error();
  }
  return true;
}

void Store::undo(const std::vector<Change>& done,
                 const std::vector<std::uint64_t>& revisions) const {
  for (std::size_t at = revisions.size(); at-- > 0;) {
    const auto& change = done[at];
    const auto key = decode_key(change.write.key);
    const auto& before = change.seen.live;
    auto write = marker(key);
    if (before) {
      write = value_write(key, before->bytes.empty() ? before->value : before->bytes,
                          remaining_ttl(*before));
    }
    write.headers.emplace_back(nats::kExpectedHeader, std::to_string(revisions[at]));
    const auto written = bucket_.write(write);
    if (written || lost_race(written.error())) continue;
    log::error("kv_undo_failed",
               {{"bucket", bucket_.name()}, {"key", key}, {"error", describe(written.error())}});
  }
}

}  // namespace weir::kv
