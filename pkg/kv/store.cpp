#include "pkg/kv/store.hpp"

#include <charconv>
#include <cmath>
#include <thread>

#include "pkg/base/ids.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/kv/key_name.hpp"

namespace weir::kv {
namespace {

constexpr std::chrono::seconds kLongestContention{5};
constexpr unsigned kMostDoublings = 6;
// Markers of deleted keys go after this, where the server can do that.
constexpr std::string_view kMarkerTtl = "24h";

bool lost_race(const Error& error) {
  return error.reason == "wrong_last_sequence";
}

// Waits a random while that grows with the number of races lost.
void back_off(unsigned races) {
  thread_local SeededRandom random(SystemRandom().next());
  const auto most = 100ULL << std::min(races, kMostDoublings);
  std::this_thread::sleep_for(std::chrono::microseconds(random.next() % most));
}

Error not_a_number(std::string details) {
  return {Code::invalid,
          "not_a_number",
          "Only a number can be counted up or down.",
          details,
          {{"key", "its value is not a number"}}};
}

Result<std::string> sum(json::View before, json::View amount) {
  const auto a = before.as_int();
  const auto b = amount.as_int();
  if (a && b) {
    std::int64_t total = 0;
    if (__builtin_add_overflow(*a, *b, &total)) {
      return Error{Code::invalid,
                   "number_overflow",
                   "The number leaves the range of 64 bits.",
                   "it stays as it was",
                   {{"amount", "too large for this value"}}};
    }
    return std::to_string(total);
  }
  const auto x = before.as_double();
  const auto y = amount.as_double();
  if (!x) return not_a_number("value: " + std::string(before.raw().substr(0, 60)));
  if (!y) return not_a_number("amount: " + std::string(amount.raw().substr(0, 60)));
  if (!std::isfinite(*x + *y)) return not_a_number("the sum is not finite");
  json::Writer out;
  return out.value(*x + *y).take();
}

}  // namespace

Store::Store(nats::Bucket bucket, nats::BucketInfo info, const Clock& clock)
    : bucket_(std::move(bucket)), info_(std::move(info)), clock_(&clock) {}

nats::Bucket::Read Store::read_mode() const {
  return info_.direct && info_.config.replicas == 1 ? nats::Bucket::Read::nearest
                                                    : nats::Bucket::Read::leader;
}

Result<Store::Seen> Store::look(std::string_view key) const {
  WEIR_TRY(check_key(key));
  WEIR_ASSIGN(auto record, bucket_.last(encode_key(key), read_mode()));
  Seen seen;
  if (!record) return seen;
  seen.revision = record->revision;
  auto entry = to_entry(std::move(*record), info_.config);
  if (entry.live(clock_->wall())) seen.live = std::move(entry);
  return seen;
}

nats::BucketWrite Store::value_write(std::string_view key, std::string_view json,
                                     std::optional<Millis> ttl) const {
  return {encode_key(key), std::string(json), ttl_headers(ttl, info_)};
}

nats::BucketWrite Store::marker(std::string_view key) const {
  nats::Headers headers{{std::string(nats::kOperationHeader), "DEL"}};
  if (server_expires(info_)) {
    headers.emplace_back(std::string(nats::kTtlHeader), std::string(kMarkerTtl));
  }
  return {encode_key(key), "", std::move(headers)};
}

std::optional<Millis> Store::remaining_ttl(const Entry& entry) const {
  // What the bucket ends by itself needs no header.
  if (!entry.expires_at) return std::nullopt;
  const auto left = *entry.expires_at - clock_->wall();
  const bool by_bucket =
      info_.config.ttl.count() > 0 && *entry.expires_at == entry.updated_at + info_.config.ttl;
  return by_bucket ? std::nullopt : std::optional(std::max(left, Millis{1}));
}

// Reads the newest record, lets `decide` make a write of it (or none, or an error), and writes
// that unless somebody else wrote first; then all again. Gives what was seen, with the revision
// written (0: none).
template <class Decide>
Result<Store::Seen> Store::change(std::string_view key, const Decide& decide) const {
  const auto deadline = clock_->mono() + kLongestContention;
  for (unsigned races = 0;; ++races) {
    WEIR_ASSIGN(auto seen, look(key));
    Result<std::optional<nats::BucketWrite>> decided = decide(seen);
    if (!decided) return std::move(decided).error();
    const auto expected = std::exchange(seen.revision, 0);
    if (!*decided) return seen;
    (*decided)->headers.emplace_back(nats::kExpectedHeader, std::to_string(expected));
    auto written = bucket_.write(**decided);
    if (written) {
      seen.revision = *written;
      return seen;
    }
    if (!lost_race(written.error())) return std::move(written).error();
    if (clock_->mono() >= deadline) {
      return Error{Code::unavailable, "key_contended", "Too many others write this key.",
                   "key: " + std::string(key)};
    }
    back_off(races);
  }
}

Result<std::optional<Entry>> Store::get(std::string_view key) const {
  WEIR_ASSIGN(auto seen, look(key));
  return std::move(seen.live);
}

Result<std::optional<Entry>> Store::get_revision(std::string_view key,
                                                 std::uint64_t revision) const {
  WEIR_TRY(check_key(key));
  WEIR_ASSIGN(auto record, bucket_.next(encode_key(key), revision));
  if (!record || record->revision != revision) return std::optional<Entry>();
  return std::optional(to_entry(std::move(*record), info_.config));
}

Result<std::vector<Entry>> Store::history(std::string_view key) const {
  WEIR_TRY(check_key(key));
  std::vector<Entry> entries;
  const auto name = encode_key(key);
  for (std::uint64_t revision = 1;;) {
    WEIR_ASSIGN(auto record, bucket_.next(name, revision));
    if (!record) return entries;
    revision = record->revision + 1;
    entries.push_back(to_entry(std::move(*record), info_.config));
  }
}

Result<std::uint64_t> Store::put(std::string_view key, std::string_view json,
                                 std::optional<Millis> ttl) const {
  WEIR_TRY(check_key(key));
  return bucket_.write(value_write(key, json, ttl));
}

std::optional<Result<SetResult>> Store::set_over_last(std::string_view key,
                                                      std::string_view json) const {
  auto last = recent_->find(key);
  if (!last) return std::nullopt;
  auto write = value_write(key, json, std::nullopt);
  write.headers.emplace_back(nats::kExpectedHeader, std::to_string(last->revision));
  const auto written = bucket_.write(write);
  if (!written) {
    recent_->forget(key);
    if (lost_race(written.error())) return std::nullopt;
    return Result<SetResult>(written.error());
  }
  recent_->remember(key, json, *written);
  return Result<SetResult>(SetResult{
      true, *written,
      Entry{.key = last->key, .value = std::move(last->value), .revision = last->revision}});
}

Result<SetResult> Store::set(std::string_view key, std::string_view json,
                             const SetOptions& options) const {
  // What ends by itself may have ended.
  const bool stays = !options.ttl && info_.config.ttl.count() == 0;
  if (stays && options.condition == Condition::always && !options.revision) {
    if (auto done = set_over_last(key, json)) return std::move(*done);
  }
  auto seen = change(key, [&](const Seen& before) -> Result<std::optional<nats::BucketWrite>> {
    const bool missing = !before.live;
    if (options.revision && (missing ? 0 : before.revision) != *options.revision) {
      return Error{Code::conflict, "wrong_last_sequence", "Somebody else wrote first",
                   missing ? "the key does not exist"
                           : "the newest revision is " + std::to_string(before.revision)};
    }
    const bool holds = options.condition == Condition::always ||
                       (options.condition == Condition::if_missing) == missing;
    if (!holds) return std::optional<nats::BucketWrite>();
    return std::optional(value_write(key, json, options.ttl));
  });
  if (!seen) return std::move(seen).error();
  const bool written = seen->revision != 0;
  if (written && stays) recent_->remember(key, json, seen->revision);
  if (written && !stays) recent_->forget(key);
  return SetResult{written, seen->revision, std::move(seen->live)};
}

Result<bool> Store::remove(std::string_view key, std::optional<std::uint64_t> revision) const {
  WEIR_ASSIGN(const auto seen,
              change(key, [&](const Seen& before) -> Result<std::optional<nats::BucketWrite>> {
                if (revision && (before.live ? before.revision : 0) != *revision) {
                  return Error{Code::conflict, "wrong_last_sequence", "Somebody else wrote first",
                               "the newest revision is " + std::to_string(before.revision)};
                }
                if (!before.live) return std::optional<nats::BucketWrite>();
                return std::optional(marker(key));
              }));
  return seen.revision != 0;
}

Result<std::string> Store::add(std::string_view key, std::string_view amount) const {
  std::string total;
  WEIR_TRY(change(key, [&](const Seen& before) -> Result<std::optional<nats::BucketWrite>> {
    const std::string_view value = before.live ? std::string_view(before.live->value) : "0";
    WEIR_ASSIGN(total, sum(json::View(value), json::View(amount)));
    return std::optional(
        value_write(key, total, before.live ? remaining_ttl(*before.live) : std::nullopt));
  }));
  return total;
}

Result<bool> Store::expire(std::string_view key, std::optional<Millis> ttl) const {
  WEIR_ASSIGN(
      const auto seen,
      change(key, [&](const Seen& before) -> Result<std::optional<nats::BucketWrite>> {
        const bool ends = before.live && remaining_ttl(*before.live);
        if (!before.live || (!ttl && !ends)) return std::optional<nats::BucketWrite>();
        const auto& live = *before.live;
        return std::optional(value_write(key, live.bytes.empty() ? live.value : live.bytes, ttl));
      }));
  return seen.revision != 0;
}

Result<void> Store::sweep(std::string_view key, std::uint64_t revision) const {
  auto write = marker(key);
  write.headers.front().second = "PURGE";
  write.headers.emplace_back(nats::kRollupHeader, "sub");
  write.headers.emplace_back(nats::kExpectedHeader, std::to_string(revision));
  const auto written = bucket_.write(write);
  if (!written && !lost_race(written.error())) return written.error();
  return {};
}

}  // namespace weir::kv
