#include "pkg/auth/key_machine.hpp"

#include <algorithm>
#include <array>

#include "pkg/auth/key_text.hpp"
#include "pkg/crypto/crypto.hpp"
#include "pkg/json/writer.hpp"

namespace weir::auth {
namespace {

constexpr std::array<sqlite::Migration, 1> kMigrations{{{1,
                                                         "CREATE TABLE keys_keys("
                                                         " id TEXT PRIMARY KEY,"
                                                         " hash TEXT NOT NULL,"
                                                         " name TEXT NOT NULL,"
                                                         " scopes TEXT NOT NULL,"
                                                         " queues TEXT NOT NULL,"
                                                         " streams TEXT NOT NULL,"
                                                         " source TEXT NOT NULL,"
                                                         " created_at INTEGER NOT NULL,"
                                                         " expires_at INTEGER,"
                                                         " revoked_at INTEGER,"
                                                         " rotated_at INTEGER,"
                                                         " max_waiting INTEGER,"
                                                         " rate_limit INTEGER,"
                                                         " rate_per_ms INTEGER"
                                                         ") WITHOUT ROWID"}}};

// A revoked key stays in lists this long, so that an operator sees what became of it.
constexpr std::int64_t kKeepRevokedMs = 90LL * 24 * 3600 * 1000;

std::string array_json(const std::vector<std::string>& texts) {
  json::Writer out;
  out.begin_array();
  for (const auto& text : texts) out.value(text);
  return out.end_array().take();
}

std::vector<std::string> texts_of(json::View array) {
  std::vector<std::string> out;
  for (const json::View element : array.elements()) out.push_back(element.as_string().value_or(""));
  return out;
}

std::string text_of(json::View body, std::string_view field) {
  return body.find(field).as_string().value_or("");
}

void set_scopes(KeyRecord& key, std::vector<std::string> names) {
  key.scopes = {};
  for (const auto& name : names) {
    if (const auto scope = find_scope(name)) key.scopes.add(*scope);
  }
  key.scope_names = std::move(names);
}

void write_optional_time(json::Writer& out, std::string_view name,
                         const std::optional<std::int64_t>& ms) {
  out.key(name);
  if (ms) {
    out.value(from_unix_ms(*ms));
  } else {
    out.null();
  }
}

Error key_not_found(std::string_view id) {
  return {Code::not_found, "key_not_found", "No such API key.", "id: " + std::string(id)};
}

}  // namespace

std::string KeyRecord::to_json() const {
  json::Writer out;
  out.begin_object().member("id", id).member("name", name);
  out.raw_member("scopes", array_json(scope_names)).raw_member("queues", array_json(queues));
  out.raw_member("streams", array_json(streams));
  out.member("source", source).member("created_at", from_unix_ms(created_at_ms));
  out.key("max_waiting");
  if (max_waiting) {
    out.value(*max_waiting);
  } else {
    out.null();
  }
  out.key("rate");
  if (rate) {
    out.begin_object().member("limit", rate->limit);
    out.member("per_ms", rate->window.count()).end_object();
  } else {
    out.null();
  }
  write_optional_time(out, "expires_at", expires_at_ms);
  write_optional_time(out, "revoked_at", revoked_at_ms);
  write_optional_time(out, "rotated_at", rotated_at_ms);
  return out.end_object().take();
}

struct KeyMachine::Snapshot {
  struct Entry {
    std::shared_ptr<const Principal> principal;
    std::string hash;
    bool revoked = false;
    std::optional<std::int64_t> expires_at_ms;
  };
  std::unordered_map<std::string, Entry> by_id;
  std::vector<KeyRecord> records;  // oldest first
};

KeyMachine::KeyMachine() : snapshot_(std::make_shared<const Snapshot>()) {}

std::span<const sqlite::Migration> KeyMachine::migrations() const {
  return kMigrations;
}

void KeyMachine::open(sqlite::Database& db) {
  records_.clear();
  auto query = db.prepare(
      "SELECT id,hash,name,scopes,queues,source,created_at,expires_at,revoked_at,rotated_at,"
      "max_waiting,rate_limit,rate_per_ms,streams FROM keys_keys");
  while (query.step()) {
    KeyRecord key;
    key.id = query.text(0);
    key.hash = query.text(1);
    key.name = query.text(2);
    set_scopes(key, texts_of(json::View(query.text(3))));
    key.queues = texts_of(json::View(query.text(4)));
    key.source = query.text(5);
    key.created_at_ms = query.int64(6);
    key.expires_at_ms = query.optional_int64(7);
    key.revoked_at_ms = query.optional_int64(8);
    key.rotated_at_ms = query.optional_int64(9);
    key.max_waiting = query.optional_int64(10);
    if (const auto limit = query.optional_int64(11)) {
      key.rate = {.limit = *limit, .window = Millis{query.int64(12)}};
    }
    key.streams = texts_of(json::View(query.text(13)));
    records_.emplace(key.id, std::move(key));
  }
  dirty_ = true;
  after_commit();
}

Result<std::string> KeyMachine::apply(const replica::Operation& operation, json::View body,
                                      replica::ApplyContext& context) {
  if (operation.name == "keys.create") return create(body, context);
  if (operation.name == "keys.revoke") return revoke(body, context);
  if (operation.name == "keys.rotate") return rotate(body, context);
  if (operation.name == "keys.bootstrap") return bootstrap(body, context);
  return Error{Code::internal, "unknown_operation", "This version does not know the operation.",
               operation.name};
}

Result<std::string> KeyMachine::create(json::View body, replica::ApplyContext& context) {
  forget_long_revoked(context);
  KeyRecord key;
  key.id = text_of(body, "id");
  key.hash = text_of(body, "hash");
  key.name = text_of(body, "name");
  set_scopes(key, texts_of(body.find("scopes")));
  key.queues = texts_of(body.find("queues"));
  key.streams = texts_of(body.find("streams"));
  key.source = "api";
  key.created_at_ms = to_unix_ms(context.now);
  key.expires_at_ms = body.find("expires_at_ms").as_int();
  key.max_waiting = body.find("max_waiting").as_int();
  if (const auto rate = body.find("rate"); rate.is_object()) {
    key.rate = {.limit = rate.find("limit").as_int().value_or(1),
                .window = Millis{rate.find("per_ms").as_int().value_or(1)}};
  }
  if (const auto found = records_.find(key.id); found != records_.end()) {
    // The same operation, appended twice by a retried publish, answers as the first did.
    if (found->second.hash == key.hash) return found->second.to_json();
    return Error{Code::conflict, "key_exists", "A key with this id exists.", "id: " + key.id};
  }
  if (records_.size() >= kMaxKeys) {
    return Error{Code::conflict, "too_many_keys", "No more API keys can be created.",
                 "limit: " + std::to_string(kMaxKeys) + "; revoke keys that are not used"};
  }
  store(key, context.db);
  return key.to_json();
}

Result<std::string> KeyMachine::revoke(json::View body, replica::ApplyContext& context) {
  const auto found = records_.find(text_of(body, "id"));
  if (found == records_.end()) return key_not_found(text_of(body, "id"));
  KeyRecord key = found->second;
  if (key.revoked_at_ms) return key.to_json();
  const std::int64_t now_ms = to_unix_ms(context.now);
  const bool is_admin = key.live(now_ms) && key.scopes.allows(Scope::admin);
  if (is_admin && !another_admin(now_ms, key.id)) {
    return Error{Code::conflict, "last_admin_key", "The last admin key cannot be revoked.",
                 "Create another key with scope admin first, or rotate this one."};
  }
  key.revoked_at_ms = now_ms;
  store(key, context.db);
  return key.to_json();
}

Result<std::string> KeyMachine::rotate(json::View body, replica::ApplyContext& context) {
  const auto found = records_.find(text_of(body, "id"));
  if (found == records_.end()) return key_not_found(text_of(body, "id"));
  KeyRecord key = found->second;
  if (key.revoked_at_ms) {
    return Error{Code::conflict, "key_revoked", "The key was revoked.", "id: " + key.id};
  }
  key.hash = text_of(body, "hash");
  key.rotated_at_ms = to_unix_ms(context.now);
  store(key, context.db);
  return key.to_json();
}

Result<std::string> KeyMachine::bootstrap(json::View body, replica::ApplyContext& context) {
  KeyRecord key;
  key.id = text_of(body, "id");
  key.hash = text_of(body, "hash");
  key.name = "admin";
  set_scopes(key, {"admin"});
  key.created_at_ms = to_unix_ms(context.now);
  if (body.find("given").as_bool().value_or(false)) return adopt_given(std::move(key), context);

  key.source = "bootstrap";
  const auto same = records_.find(key.id);
  const bool retried = same != records_.end() && same->second.hash == key.hash;
  const bool create_it = !retried && !another_admin(key.created_at_ms, "");
  if (create_it) store(key, context.db);
  return std::string(create_it || retried ? R"({"created":true})" : R"({"created":false})");
}

// The operator's key wins over whatever the log says: it is how one gets back in.
Result<std::string> KeyMachine::adopt_given(KeyRecord key, replica::ApplyContext& context) {
  key.source = "given";
  std::vector<KeyRecord> former;
  for (const auto& [id, record] : records_) {
    if (record.source == "given" && !record.revoked_at_ms && id != key.id) former.push_back(record);
  }
  for (auto& record : former) {
    record.revoked_at_ms = key.created_at_ms;
    store(record, context.db);
  }
  const auto found = records_.find(key.id);
  const bool unchanged = found != records_.end() && found->second.hash == key.hash &&
                         found->second.live(key.created_at_ms) &&
                         found->second.scopes.allows(Scope::admin);
  if (!unchanged) store(key, context.db);
  return std::string(unchanged ? R"({"created":false})" : R"({"created":true})");
}

bool KeyMachine::another_admin(std::int64_t now_ms, std::string_view except_id) const {
  return std::any_of(records_.begin(), records_.end(), [&](const auto& entry) {
    const KeyRecord& key = entry.second;
    return key.id != except_id && key.live(now_ms) && key.scopes.allows(Scope::admin);
  });
}

void KeyMachine::forget_long_revoked(replica::ApplyContext& context) {
  const std::int64_t before_ms = to_unix_ms(context.now) - kKeepRevokedMs;
  context.db.prepare("DELETE FROM keys_keys WHERE revoked_at<?1").bind(1, before_ms).run();
  std::erase_if(records_, [&](const auto& entry) {
    return entry.second.revoked_at_ms && *entry.second.revoked_at_ms < before_ms;
  });
  dirty_ = true;
}

void KeyMachine::store(const KeyRecord& key, sqlite::Database& db) {
  const auto scopes = array_json(key.scope_names);
  const auto queues = array_json(key.queues);
  const auto streams = array_json(key.streams);
  std::optional<std::int64_t> rate_limit;
  std::optional<std::int64_t> rate_per_ms;
  if (key.rate) {
    rate_limit = key.rate->limit;
    rate_per_ms = key.rate->window.count();
  }
  db.prepare(
        "INSERT OR REPLACE INTO keys_keys VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,"
        "?12,?13,?14)")
      .bind_all(key.id, key.hash, key.name, scopes, queues, streams, key.source, key.created_at_ms,
                key.expires_at_ms, key.revoked_at_ms, key.rotated_at_ms, key.max_waiting,
                rate_limit, rate_per_ms)
      .run();
  records_.insert_or_assign(key.id, key);
  dirty_ = true;
}

void KeyMachine::after_commit() {
  if (!dirty_) return;
  auto next = std::make_shared<Snapshot>();
  for (const auto& [id, key] : records_) {
    next->by_id.emplace(
        id, Snapshot::Entry{std::make_shared<const Principal>(
                                Principal{key.id, key.name, key.scopes, key.queues, key.max_waiting,
                                          key.rate, key.streams}),
                            key.hash, key.revoked_at_ms.has_value(), key.expires_at_ms});
    next->records.push_back(key);
  }
  std::stable_sort(next->records.begin(), next->records.end(),
                   [](const auto& a, const auto& b) { return a.created_at_ms < b.created_at_ms; });
  const std::lock_guard lock(mutex_);
  snapshot_ = std::move(next);
  dirty_ = false;
}

std::shared_ptr<const KeyMachine::Snapshot> KeyMachine::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

Result<std::shared_ptr<const Principal>> KeyMachine::authenticate(std::string_view key_text,
                                                                  Timestamp now) const {
  static const std::string kNoHash(64, '0');  // no SHA-256 of anything known
  const Error bad{Code::unauthenticated, "bad_api_key", "The API key is not valid.",
                  "It may be mistyped or revoked. Ask whoever runs this server for a new one."};
  if (key_text.size() > kMaxKeyChars) return bad;
  const auto keys = snapshot();
  const auto found = keys->by_id.find(key_id_of(key_text));
  const bool known = found != keys->by_id.end();
  const std::string& expected = known ? found->second.hash : kNoHash;
  const bool equal = crypto::equal_constant_time(crypto::sha256_hex(key_text), expected);
  if (!known || !equal || found->second.revoked) return bad;
  const auto& entry = found->second;
  if (entry.expires_at_ms && *entry.expires_at_ms <= to_unix_ms(now)) {
    return Error{Code::unauthenticated, "expired_api_key", "The API key has expired.",
                 "Create a new key, or ask whoever runs this server for one."};
  }
  return entry.principal;
}

std::optional<std::string> KeyMachine::live_hash(std::string_view id, Timestamp now) const {
  const auto keys = snapshot();
  const auto found = keys->by_id.find(std::string(id));
  if (found == keys->by_id.end() || found->second.revoked) return std::nullopt;
  const auto expires = found->second.expires_at_ms;
  if (expires && *expires <= to_unix_ms(now)) return std::nullopt;
  return found->second.hash;
}

std::string KeyMachine::list_json() const {
  json::Writer out;
  out.begin_array();
  const auto keys = snapshot();
  for (const auto& key : keys->records) out.raw(key.to_json());
  return out.end_array().take();
}

std::optional<std::string> KeyMachine::find_json(std::string_view id) const {
  const auto keys = snapshot();
  for (const auto& key : keys->records) {
    if (key.id == id) return key.to_json();
  }
  return std::nullopt;
}

std::size_t KeyMachine::live_keys(Timestamp now) const {
  const auto keys = snapshot();
  return static_cast<std::size_t>(
      std::count_if(keys->records.begin(), keys->records.end(),
                    [&](const auto& key) { return key.live(to_unix_ms(now)); }));
}

}  // namespace weir::auth
