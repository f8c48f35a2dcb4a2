// The kv.* commands that list keys, and those of many keys.
#include <algorithm>

#include "api/kv/kv_rpc.hpp"
#include "pkg/kv/glob.hpp"
#include "pkg/kv/key_name.hpp"

namespace weir::api::kv_commands {
namespace {

using json::Writer;
using kv::Missing;
using kv::Store;
using rpc::Payload;

constexpr std::size_t kMostListed = 100'000;
constexpr std::int64_t kLongestScan = 10'000;

void write_keys(Writer& out, const std::vector<std::string>& keys) {
  out.key("keys").begin_array();
  for (const auto& key : keys) out.value(key);
  out.end_array();
}

Result<kv::Page> page_of(kv::Service& kv, const std::string& bucket, const std::string& prefix,
                         const std::string& after, std::size_t limit,
                         const std::string& pattern = "") {
  auto page = kv.page(bucket, prefix, after, limit, pattern);
  if (!page && page.error().reason == "bucket_not_found") return kv::Page{};
  return page;
}

Result<kv::BucketStats> stats_of(kv::Service& kv, const std::string& bucket) {
  auto stats = kv.stats(bucket);
  if (!stats && stats.error().reason == "bucket_not_found") {
    kv::BucketStats none;
    none.info.name = bucket;
    return none;
  }
  return stats;
}

// One of {"key","value","ttl"?} and ["key",value].
void read_pair(Payload& payload, json::View pair, std::vector<kv::Item>& items) {
  const auto where = "pairs[" + std::to_string(items.size()) + "]";
  kv::Item item;
  std::optional<std::string> key;
  json::View value;
  if (pair.is_array()) {
    std::size_t at = 0;
    for (const auto each : pair.elements()) {
      if (at == 0) key = each.as_string();
      if (at == 1) value = each;
      ++at;
    }
    if (at != 2) payload.complain(where, "must be [key, value]");
  } else {
    Payload fields(pair);
    key = pair.find("key").as_string();
    value = pair.find("value");
    item.ttl = ttl_of(fields);
    if (!fields.done()) payload.complain(where + ".ttl", "seconds");
  }
  if (!key) payload.complain(where + ".key", "is required, a text");
  if (value.is_missing()) payload.complain(where + ".value", "is required");
  item.key = key.value_or("");
  item.value = value.raw();
  items.push_back(std::move(item));
}

std::vector<kv::Item> pairs_of(Payload& payload) {
  std::vector<kv::Item> items;
  const auto pairs = payload.raw("pairs");
  if (pairs.is_object()) {
    for (const auto& member : pairs.members()) {
      items.push_back({member.key(), std::string(member.value.raw())});
    }
  } else if (pairs.is_array()) {
    for (const auto pair : pairs.elements()) {
      if (items.size() > kv::kMaxKeysPerCall) break;
      read_pair(payload, pair, items);
    }
  } else {
    payload.complain("pairs", "a list of {key, value} or [key, value], or an object");
  }
  if (items.size() > kv::kMaxKeysPerCall) {
    payload.complain("pairs", "at most " + std::to_string(kv::kMaxKeysPerCall));
  }
  return items;
}

}  // namespace

Result<std::string> run_scan(kv::Service& kv, json::View view, const Clock&) {
  Payload payload(view);
  const auto bucket = bucket_of(payload);
  const auto prefix = payload.text("prefix", kv::kMaxKeyBytes).value_or("");
  const auto cursor = payload.text("cursor", 4 * kv::kMaxKeyBytes).value_or("");
  const auto limit = payload.integer("limit", 1, kLongestScan);
  const auto count = payload.integer("count", 1, kLongestScan).value_or(limit.value_or(100));
  const auto after = kv::cursor_key(cursor);
  if (!after) payload.complain("cursor", "not a cursor of kv.scan");
  WEIR_TRY(payload.done());
  WEIR_ASSIGN(const auto page,
              page_of(kv, bucket, prefix, *after, static_cast<std::size_t>(count)));
  Writer out;
  out.begin_object();
  write_keys(out, page.keys);
  out.key("cursor");
  if (page.more) {
    out.value(kv::cursor_of(page.keys.back()));
  } else {
    out.null();
  }
  out.member("has_more", page.more);
  out.member("count", static_cast<std::uint64_t>(page.keys.size()));
  return out.end_object().take();
}

Result<std::string> run_keys(kv::Service& kv, json::View view, const Clock&) {
  Payload payload(view);
  const auto bucket = bucket_of(payload);
  const auto pattern = payload.text("pattern", kv::kMaxKeyBytes).value_or("*");
  WEIR_TRY(payload.done());
  WEIR_ASSIGN(const auto page,
              page_of(kv, bucket, kv::literal_prefix(pattern), "", kMostListed, pattern));
  if (page.more) {
    return Error{Code::too_large, "too_many_keys_in_call", "One call lists fewer keys.",
                 "more than " + std::to_string(kMostListed) + "; use kv.scan"};
  }
  Writer out;
  out.begin_object();
  write_keys(out, page.keys);
  out.member("count", static_cast<std::uint64_t>(page.keys.size()));
  return out.end_object().take();
}

Result<std::string> run_dbsize(kv::Service& kv, json::View view, const Clock&) {
  Payload payload(view);
  const auto bucket = bucket_of(payload);
  WEIR_TRY(payload.done());
  WEIR_ASSIGN(const auto stats, stats_of(kv, bucket));
  return count_answer("count", stats.keys);
}

Result<std::string> run_stats(kv::Service& kv, json::View view, const Clock&) {
  Payload payload(view);
  const auto bucket = bucket_of(payload);
  WEIR_TRY(payload.done());
  WEIR_ASSIGN(const auto stats, stats_of(kv, bucket));
  Writer out;
  out.begin_object().member("bucket", stats.info.name);
  out.member("count", static_cast<std::uint64_t>(stats.keys));
  out.member("total_keys", static_cast<std::uint64_t>(stats.keys));
  out.member("bytes", stats.info.bytes).member("revision", stats.info.last_revision);
  out.member("operations_total", kv.operations());
  out.member("operations_per_sec", kv.operations_per_second());
  return out.end_object().take();
}

Result<std::string> run_mset(kv::Service& kv, json::View view, const Clock&) {
  Payload payload(view);
  const auto bucket = bucket_of(payload);
  const auto items = pairs_of(payload);
  WEIR_TRY(payload.done());
  WEIR_TRY(
      kv.with(bucket, Missing::create, [&](const Store& store) { return store.set_all(items); }));
  return flag_answer("success", true);
}

Result<std::string> run_msetnx(kv::Service& kv, json::View view, const Clock&) {
  Payload payload(view);
  const auto bucket = bucket_of(payload);
  std::vector<kv::Item> items;
  if (payload.raw("pairs").is_missing()) {
    read_pair(payload, view, items);
  } else {
    items = pairs_of(payload);
  }
  WEIR_TRY(payload.done());
  bool done = false;
  WEIR_TRY(kv.with(bucket, Missing::create, [&](const Store& store) -> Result<void> {
    WEIR_ASSIGN(done, store.set_all_if_missing(items));
    return {};
  }));
  return flag_answer("success", done);
}

Result<std::string> run_mget(kv::Service& kv, json::View view, const Clock&) {
  Payload payload(view);
  const auto bucket = bucket_of(payload);
  const auto keys = payload.texts("keys", kv::kMaxKeysPerCall);
  WEIR_TRY(payload.done());
  for (const auto& key : keys) WEIR_TRY(kv::check_key(key));
  std::vector<std::string> values(keys.size(), "null");
  WEIR_TRY(read(kv, bucket, [&](const Store& store) -> Result<void> {
    for (std::size_t at = 0; at < keys.size(); ++at) {
      WEIR_ASSIGN(auto entry, store.get(keys[at]));
      if (entry) values[at] = std::move(entry->value);
    }
    return {};
  }));
  Writer out;
  out.begin_object().key("values").begin_array();
  for (const auto& value : values) out.raw(value);
  return out.end_array().end_object().take();
}

Result<std::string> run_mdel(kv::Service& kv, json::View view, const Clock&) {
  Payload payload(view);
  const auto bucket = bucket_of(payload);
  const auto keys = payload.texts("keys", kv::kMaxKeysPerCall);
  WEIR_TRY(payload.done());
  std::size_t count = 0;
  WEIR_TRY(read(kv, bucket, [&](const Store& store) -> Result<void> {
    WEIR_ASSIGN(count, store.remove_all(keys));
    return {};
  }));
  Writer out;
  out.begin_object().member("count", static_cast<std::uint64_t>(count));
  return out.member("deleted", static_cast<std::uint64_t>(count)).end_object().take();
}

}  // namespace weir::api::kv_commands
