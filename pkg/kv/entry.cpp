#include "pkg/kv/entry.hpp"

#include <algorithm>
#include <charconv>

#include "pkg/base/base64.hpp"
#include "pkg/base/time_text.hpp"
#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"
#include "pkg/kv/key_name.hpp"

namespace weir::kv {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

std::string_view operation_word(nats::Mark mark) {
  switch (mark) {
    case nats::Mark::value:
      return "put";
    case nats::Mark::deleted:
      return "delete";
    case nats::Mark::purged:
      return "purge";
  }
  return "put";
}

std::optional<Millis> parse_ttl(std::string_view text) {
  if (const auto seconds = whole_number(text)) {
    const auto longest = std::chrono::duration_cast<std::chrono::seconds>(kLongestTtl).count();
    return Millis{std::min(*seconds, longest) * 1000};
  }
  const auto parsed = parse_duration(text);
  return parsed ? std::optional(*parsed) : std::nullopt;
}

std::optional<Timestamp> expiry_of(const nats::Headers& headers, std::int64_t time_ns,
                                   const nats::BucketConfig& bucket) {
  std::optional<Millis> ttl;
  if (const auto ours = whole_number(nats::find_header(headers, kTtlMsHeader))) {
    ttl = Millis{std::min(*ours, static_cast<std::int64_t>(kLongestTtl.count()))};
  } else if (const auto text = nats::find_header(headers, nats::kTtlHeader); !text.empty()) {
    ttl = parse_ttl(text);
  }
  if (bucket.ttl.count() > 0 && (!ttl || *ttl > bucket.ttl)) ttl = bucket.ttl;
  if (!ttl) return std::nullopt;
  return from_unix_ms(time_ns / kNsPerMs) + *ttl;
}

Entry to_entry(nats::BucketRecord record, const nats::BucketConfig& bucket) {
  Entry entry;
  entry.key = decode_key(record.key);
  entry.revision = record.revision;
  entry.updated_at = from_unix_ms(record.time_ns / kNsPerMs);
  entry.mark = record.mark;
  if (record.mark != nats::Mark::value) return entry;
  entry.expires_at = expiry_of(record.headers, record.time_ns, bucket);
  if (json::check(record.value)) {
    entry.value = std::move(record.value);
  } else if (json::is_utf8(record.value)) {
    entry.value = json::quoted(record.value);
    entry.bytes = std::move(record.value);
  } else {
    entry.value = json::quoted(base64_encode(record.value));
    entry.bytes = std::move(record.value);
    entry.base64 = true;
  }
  return entry;
}

bool server_expires(const nats::BucketInfo& bucket) {
  return bucket.message_ttl && bucket.config.history == 1;
}

nats::Headers ttl_headers(std::optional<Millis> ttl, const nats::BucketInfo& bucket) {
  nats::Headers headers;
  if (!ttl) return headers;
  headers.emplace_back(kTtlMsHeader, std::to_string(ttl->count()));
  if (server_expires(bucket)) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*ttl).count();
    headers.emplace_back(nats::kTtlHeader, std::to_string(std::max<std::int64_t>(seconds, 1)));
  }
  return headers;
}

std::string to_json(const Entry& entry) {
  json::Writer out(entry.value.size() + 192);
  out.begin_object().member("key", entry.key);
  if (entry.mark == nats::Mark::value) out.raw_member("value", entry.value);
  if (entry.base64) out.member("encoding", "base64");
  out.member("revision", entry.revision).member("updated_at", entry.updated_at);
  if (entry.expires_at) out.member("expires_at", *entry.expires_at);
  return out.member("operation", operation_word(entry.mark)).end_object().take();
}

nats::FeedSource feed_source(const nats::Bucket& bucket, const nats::BucketInfo& info) {
  return {.bucket = bucket,
          .made = nats::made_text(info.created),
          .change_of = [config = info.config](nats::BucketRecord record) {
            auto entry = to_entry(std::move(record), config);
            auto json = to_json(entry);
            return nats::Change{.revision = entry.revision,
                                .key = std::move(entry.key),
                                .id = {},
                                .operation = std::string(operation_word(entry.mark)),
                                .json = std::move(json)};
          }};
}

}  // namespace weir::kv
