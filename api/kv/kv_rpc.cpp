// The kv.* commands. Reads of a bucket that does not exist find nothing; writes make it.
#include "api/kv/kv_rpc.hpp"

#include "pkg/kv/key_name.hpp"

namespace weir::api {
namespace kv_commands {
namespace {

using auth::Scope;
using json::Writer;
using kv::Missing;
using kv::Store;
using rpc::Field;
using rpc::Payload;

constexpr std::int64_t kLongestTtlSeconds =
    std::chrono::duration_cast<std::chrono::seconds>(kv::kLongestTtl).count();

constexpr Field kBucket{"bucket", "the bucket; `default` when not given"};
constexpr Field kKey{"key", "any UTF-8 text up to 512 bytes", true};

}  // namespace

std::string bucket_of(Payload& payload) {
  return payload.text("bucket", 64).value_or(std::string(kv::kDefaultBucket));
}

std::optional<Millis> ttl_of(Payload& payload) {
  const auto seconds = payload.integer("ttl", 1, kLongestTtlSeconds);
  return seconds ? std::optional<Millis>(Millis{*seconds * 1000}) : std::nullopt;
}

std::string flag_answer(std::string_view name, bool flag) {
  Writer out;
  return out.begin_object().member(name, flag).end_object().take();
}

std::string count_answer(std::string_view name, std::size_t count) {
  Writer out;
  return out.begin_object().member(name, static_cast<std::uint64_t>(count)).end_object().take();
}

Result<void> read(kv::Service& kv, const std::string& bucket, const kv::Service::Work& work) {
  auto done = kv.with(bucket, Missing::refuse, work);
  if (!done && done.error().reason == "bucket_not_found") return {};
  return done;
}

namespace {

std::string key_of(Payload& payload) {
  return payload.required_text("key", kv::kMaxKeyBytes);
}

// Whole seconds that are left, at least one while it lives.
std::int64_t seconds_left(Timestamp expires_at, Timestamp now) {
  return std::chrono::ceil<std::chrono::seconds>(expires_at - now).count();
}

Result<std::optional<kv::Entry>> find(kv::Service& kv, const std::string& bucket,
                                      const std::string& key) {
  std::optional<kv::Entry> entry;
  WEIR_TRY(kv::check_key(key));
  WEIR_TRY(read(kv, bucket, [&](const Store& store) -> Result<void> {
    WEIR_ASSIGN(entry, store.get(key));
    return {};
  }));
  return entry;
}

Result<std::string> run_set(kv::Service& kv, json::View view, const Clock&) {
  Payload payload(view);
  const auto bucket = bucket_of(payload);
  const auto key = key_of(payload);
  kv::SetOptions options{.ttl = ttl_of(payload)};
  const bool nx = payload.flag("nx", false);
  const bool xx = payload.flag("xx", false);
  if (nx && xx) payload.complain("xx", "not together with nx");
  WEIR_TRY(payload.done());
  if (nx) options.condition = kv::Condition::if_missing;
  if (xx) options.condition = kv::Condition::if_present;
  kv::SetResult result;
  WEIR_TRY(kv.with(bucket, Missing::create, [&](const Store& store) -> Result<void> {
    WEIR_ASSIGN(result, store.set(key, view.find("value").raw(), options));
    return {};
  }));
  Writer out;
  out.begin_object().member("key", key).member("success", result.written);
  out.raw_member("previous", result.previous ? std::string_view(result.previous->value) : "null");
  if (result.written) out.member("revision", result.revision);
  return out.end_object().take();
}

Result<std::string> run_get(kv::Service& kv, json::View view, const Clock& clock) {
  Payload payload(view);
  const auto bucket = bucket_of(payload);
  const auto key = key_of(payload);
  WEIR_TRY(payload.done());
  WEIR_ASSIGN(const auto entry, find(kv, bucket, key));
  if (!entry) return flag_answer("found", false);
  Writer out(entry->value.size() + 64);
  out.begin_object().member("found", true).raw_member("value", entry->value);
  if (entry->expires_at) out.member("ttl", seconds_left(*entry->expires_at, clock.wall()));
  if (entry->base64) out.member("encoding", "base64");
  return out.member("revision", entry->revision).end_object().take();
}

Result<std::string> run_del(kv::Service& kv, json::View view, const Clock&) {
  Payload payload(view);
  const auto bucket = bucket_of(payload);
  const bool one = payload.has("key");
  std::vector<std::string> keys;
  if (one) {
    keys.push_back(key_of(payload));
    if (payload.has("keys")) payload.complain("keys", "not together with key");
  } else {
    keys = payload.texts("keys", kv::kMaxKeysPerCall);
  }
  WEIR_TRY(payload.done());
  for (const auto& key : keys) WEIR_TRY(kv::check_key(key));
  std::size_t deleted = 0;
  WEIR_TRY(read(kv, bucket, [&](const Store& store) -> Result<void> {
    for (const auto& key : keys) {
      WEIR_ASSIGN(const bool was_there, store.remove(key));
      deleted += was_there ? 1U : 0U;
    }
    return {};
  }));
  return one ? flag_answer("deleted", deleted == 1) : count_answer("deleted", deleted);
}

Result<std::string> run_exists(kv::Service& kv, json::View view, const Clock&) {
  Payload payload(view);
  const auto bucket = bucket_of(payload);
  const auto key = key_of(payload);
  WEIR_TRY(payload.done());
  WEIR_ASSIGN(const auto entry, find(kv, bucket, key));
  return flag_answer("exists", entry.has_value());
}

Result<std::string> run_ttl(kv::Service& kv, json::View view, const Clock& clock) {
  Payload payload(view);
  const auto bucket = bucket_of(payload);
  const auto key = key_of(payload);
  WEIR_TRY(payload.done());
  WEIR_ASSIGN(const auto entry, find(kv, bucket, key));
  Writer out;
  out.begin_object().key("ttl");
  if (entry && entry->expires_at) {
    out.value(seconds_left(*entry->expires_at, clock.wall()));
  } else {
    out.null();
  }
  return out.end_object().take();
}

Result<std::string> expire(kv::Service& kv, Payload& payload, std::optional<Millis> ttl) {
  const auto bucket = bucket_of(payload);
  const auto key = key_of(payload);
  WEIR_TRY(payload.done());
  WEIR_TRY(kv::check_key(key));
  bool result = false;
  WEIR_TRY(read(kv, bucket, [&](const Store& store) -> Result<void> {
    WEIR_ASSIGN(result, store.expire(key, ttl));
    return {};
  }));
  return flag_answer("result", result);
}

Result<std::string> run_expire(kv::Service& kv, json::View view, const Clock&) {
  Payload payload(view);
  const auto ttl = ttl_of(payload);
  if (!payload.has("ttl")) payload.complain("ttl", "is required, in seconds");
  return expire(kv, payload, ttl);
}

Result<std::string> run_persist(kv::Service& kv, json::View view, const Clock&) {
  Payload payload(view);
  return expire(kv, payload, std::nullopt);
}

// The amount as JSON, its sign turned for kv.decr.
Result<std::string> amount_of(Payload& payload, bool negative) {
  const auto amount = payload.raw("amount");
  if (!payload.has("amount")) return std::string(negative ? "-1" : "1");
  if (!amount.as_double()) payload.complain("amount", "must be a number");
  WEIR_TRY(payload.done());
  std::string text(amount.raw());
  if (!negative) return text;
  return text.front() == '-' ? text.substr(1) : "-" + text;
}

Result<std::string> count_up(kv::Service& kv, json::View view, bool negative) {
  Payload payload(view);
  const auto bucket = bucket_of(payload);
  const auto key = key_of(payload);
  WEIR_ASSIGN(const auto amount, amount_of(payload, negative));
  WEIR_TRY(payload.done());
  std::string total;
  WEIR_TRY(kv.with(bucket, Missing::create, [&](const Store& store) -> Result<void> {
    WEIR_ASSIGN(total, store.add(key, amount));
    return {};
  }));
  Writer out;
  return out.begin_object().raw_member("value", total).end_object().take();
}

Result<std::string> run_incr(kv::Service& kv, json::View view, const Clock&) {
  return count_up(kv, view, false);
}
Result<std::string> run_decr(kv::Service& kv, json::View view, const Clock&) {
  return count_up(kv, view, true);
}

struct Row {
  std::string_view name;
  Scope scope;
  std::string_view summary;
  std::vector<Field> payload;
  std::string_view answer;
  Run run;
};

std::vector<Row> rows() {
  constexpr Field ttl{"ttl", "seconds to live"};
  constexpr Field keys{"keys", "a list of keys", true};
  constexpr Field amount{"amount", "a number; 1 when not given"};
  constexpr Field pairs{"pairs", "[{key, value}], [[key, value]] or {key: value}"};
  return {
      {"kv.set",
       Scope::kv_write,
       "Write a value",
       {kKey,
        {"value", "any JSON", true},
        ttl,
        {"nx", "only if missing"},
        {"xx", "only if present"},
        kBucket},
       "key, success, previous, revision",
       run_set},
      {"kv.get",
       Scope::kv_read,
       "Read a value",
       {kKey, kBucket},
       "found, value, ttl, revision",
       run_get},
      {"kv.del",
       Scope::kv_write,
       "Delete keys",
       {{"keys", "a list of keys"}, {"key", "or one"}, kBucket},
       "deleted",
       run_del},
      {"kv.exists", Scope::kv_read, "Is there such a key", {kKey, kBucket}, "exists", run_exists},
      {"kv.ttl", Scope::kv_read, "Seconds a key has left", {kKey, kBucket}, "ttl", run_ttl},
      {"kv.expire", Scope::kv_write, "Let a key end", {kKey, ttl, kBucket}, "result", run_expire},
      {"kv.persist", Scope::kv_write, "Let a key stay", {kKey, kBucket}, "result", run_persist},
      {"kv.incr", Scope::kv_write, "Count up", {kKey, amount, kBucket}, "value", run_incr},
      {"kv.decr", Scope::kv_write, "Count down", {kKey, amount, kBucket}, "value", run_decr},
      {"kv.scan",
       Scope::kv_read,
       "List keys in pages",
       {{"prefix", "keys that begin so"},
        {"cursor", "where the last page ended"},
        {"count", "1 to 10000, 100 when not given"},
        {"limit", "the same"},
        kBucket},
       "keys, cursor, has_more, count",
       run_scan},
      {"kv.keys",
       Scope::kv_read,
       "List keys that match",
       {{"pattern", "`*`, `?` and `\\`; all when not given"}, kBucket},
       "keys, count",
       run_keys},
      {"kv.dbsize", Scope::kv_read, "Count keys", {kBucket}, "count", run_dbsize},
      {"kv.stats",
       Scope::kv_read,
       "Figures of a bucket",
       {kBucket},
       "bucket, count, total_keys, bytes, revision, operations_total, operations_per_sec",
       run_stats},
      {"kv.mset",
       Scope::kv_write,
       "Write several, all or none",
       {pairs, kBucket},
       "success",
       run_mset},
      {"kv.msetnx",
       Scope::kv_write,
       "Write several if none of them exists",
       {pairs, {"key", "one key, in place of pairs"}, {"value", "its value"}, ttl, kBucket},
       "success",
       run_msetnx},
      {"kv.mget", Scope::kv_read, "Read several", {keys, kBucket}, "values", run_mget},
      {"kv.mdel",
       Scope::kv_write,
       "Delete several, all or none",
       {keys, kBucket},
       "count, deleted",
       run_mdel}};
}

}  // namespace
}  // namespace kv_commands

void add_kv_rpc(rpc::CommandTable& table, Services& services) {
  for (auto& row : kv_commands::rows()) {
    table.push_back(
        {.name = row.name,
         .scope = row.scope,
         .summary = row.summary,
         .payload = std::move(row.payload),
         .answer = row.answer,
         .once_per_request_id = row.name == "kv.set" || row.name == "kv.del",
         .handler = [&services, run = row.run](const rpc::Call& call, const rpc::Reply& reply) {
           reply(run(services.kv, call.payload(), real_clock(services)));
         }});
  }
  services.figures.push_back([&services](ServiceFigures& figures) {
    for (const auto& bucket : services.probe.last_known().kv_buckets) {
      if (!bucket.name.starts_with(kv::kReservedPrefix)) figures.kv_keys += bucket.keys;
    }
    figures.kv_per_second = services.kv.operations_per_second();
  });
}

}  // namespace weir::api
