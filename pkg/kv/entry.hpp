// What stands in a bucket, as this service reads and writes it. A value is JSON text. What another
// client wrote and is no JSON reads as a text, or as base64 where it is not UTF-8 either.
//
// A time to live is written twice: as Nats-TTL, where the bucket honours that, so that the server
// removes the entry; and as Weir-TTL-Ms, from the time the server stored it, which every reader
// here obeys. Pure functions.
#pragma once

#include <optional>
#include <string>

#include "pkg/base/clock.hpp"
#include "pkg/nats/feed.hpp"

namespace weir::kv {

inline constexpr std::string_view kTtlMsHeader = "Weir-TTL-Ms";
inline constexpr Millis kLongestTtl = std::chrono::hours(24 * 365 * 10);

struct Entry {
  std::string key;
  std::string value;       // JSON
  bool base64 = false;     // the value is a JSON string of base64
  std::string bytes = {};  // as stored, when that is not `value`: another client's text
  std::uint64_t revision = 0;
  Timestamp updated_at{};
  std::optional<Timestamp> expires_at = {};
  nats::Mark mark = nats::Mark::value;

  bool live(Timestamp now) const {
    return mark == nats::Mark::value && (!expires_at || *expires_at > now);
  }
};

Entry to_entry(nats::BucketRecord record, const nats::BucketConfig& bucket);

// When the record ends by what its headers and its bucket say.
std::optional<Timestamp> expiry_of(const nats::Headers& headers, std::int64_t time_ns,
                                   const nats::BucketConfig& bucket);

// Whether the server itself may end entries of this bucket: not where an older revision would come
// to light again.
bool server_expires(const nats::BucketInfo& bucket);

// The headers of an entry with this time to live (none: empty).
nats::Headers ttl_headers(std::optional<Millis> ttl, const nats::BucketInfo& bucket);

// `Nats-TTL`: "90", "1m30s", "never".
std::optional<Millis> parse_ttl(std::string_view text);

std::string_view operation_word(nats::Mark mark);  // "put", "delete", "purge"

// The record as one JSON object {key, value?, encoding?, revision, updated_at, expires_at?,
// operation}.
std::string to_json(const Entry& entry);

// How the feed of a bucket shows its records.
nats::FeedSource feed_source(const nats::Bucket& bucket, const nats::BucketInfo& info);

}  // namespace weir::kv
