// hash.*: fields and their values.
#include <charconv>
#include <limits>

#include "pkg/structures/command.hpp"

namespace weir::structures {
namespace {

constexpr std::string_view kSelect = "SELECT value FROM structures_hash WHERE key=?1 AND field=?2";
constexpr std::string_view kSelectAll =
    "SELECT field,value FROM structures_hash WHERE key=?1 ORDER BY field";
constexpr std::string_view kInsert =
    "INSERT INTO structures_hash(key,field,value)"
    " VALUES(?1,?2,?3)";
constexpr std::string_view kUpdate =
    "UPDATE structures_hash SET value=?3 WHERE key=?1 AND field=?2";
constexpr std::string_view kDelete = "DELETE FROM structures_hash WHERE key=?1 AND field=?2";

std::int64_t size_of(std::string_view text) {
  return static_cast<std::int64_t>(text.size());
}

std::int64_t element_bytes(std::string_view field, std::string_view value) {
  return kElementOverheadBytes + size_of(field) + size_of(value);
}

std::optional<std::string> find_value(const Key& key, std::string_view field,
                                      sqlite::Database& db) {
  auto row = db.prepare(kSelect);
  row.bind_all(key.id, field);
  if (!row.step()) return std::nullopt;
  return std::string(row.text(0));
}

// The value's size in bytes, -1 when there is no such field.
std::int64_t find_size(const Key& key, std::string_view field, sqlite::Database& db) {
  auto row = db.prepare(kSelect);
  row.bind_all(key.id, field);
  return row.step() ? size_of(row.text(0)) : -1;
}

// True: the field is new.
bool put(Key& key, std::string_view field, std::string_view value, WriteContext& context) {
  const std::int64_t before = find_size(key, field, context.db);
  context.db.prepare(before < 0 ? kInsert : kUpdate).bind_all(key.id, field, value).run();
  if (before < 0) {
    context.keys.resize(key, 1, element_bytes(field, value), context.db);
  } else {
    context.keys.resize(key, 0, size_of(value) - before, context.db);
  }
  return before < 0;
}

// --- payloads ---

void parse_set(Payload& in, json::Writer& out) {
  parse_key(in, out);
  out.key("fields").begin_array();
  for (const auto& entry : in.entries()) out.value(entry.field).raw(entry.value.raw());
  out.end_array();
}

void parse_field(Payload& in, json::Writer& out) {
  parse_key(in, out);
  out.member("field", in.text("field", kMaxMemberBytes));
}

void parse_fields(Payload& in, json::Writer& out) {
  parse_key(in, out);
  out.key("fields").begin_array();
  for (const auto field : in.values("fields", "field", kMaxMemberBytes)) {
    if (!field.is_string()) in.fail("fields", "must be strings");
    out.value(field.as_string().value_or(""));
  }
  out.end_array();
}

void parse_increment(Payload& in, json::Writer& out) {
  parse_field(in, out);
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const bool short_name = in.take("increment").is_missing();
  out.member("increment", in.integer({short_name ? "amount" : "increment", 1, kLeast, kMost}));
}

// --- writes ---

struct Change {
  std::string field;
  json::View value;
};

std::vector<Change> changes_of(json::View body) {
  std::vector<Change> out;
  bool name = true;
  for (const json::View item : body.find("fields").elements()) {
    if (name) {
      out.push_back({item.as_string().value_or(""), {}});
    } else {
      out.back().value = item;
    }
    name = !name;
  }
  return out;
}

// How many of the fields the hash does not have yet; a field named twice counts twice.
std::int64_t new_fields(const Key* key, const std::vector<Change>& changes, WriteContext& context) {
  std::int64_t out = 0;
  for (const auto& change : changes) {
    if (key == nullptr || find_size(*key, change.field, context.db) < 0) ++out;
  }
  return out;
}

Result<std::string> write_set(json::View body, WriteContext& context) {
  const std::string name = text_of(body, "key");
  const auto changes = changes_of(body);
  WEIR_ASSIGN(Key * key, context.keys.find_of(Kind::hash, name, context.now_ms, context.db));
  std::int64_t bytes = 0;
  for (const auto& change : changes) bytes += element_bytes(change.field, change.value.raw());
  const auto most = static_cast<std::int64_t>(changes.size());
  const std::int64_t room =
      context.keys.totals().limits.max_elements - (key == nullptr ? 0 : key->count);
  WEIR_TRY(context.keys.admit(key, name, most <= room ? most : new_fields(key, changes, context),
                              bytes));
  if (key == nullptr) key = &context.keys.create(Kind::hash, name);
  std::int64_t added = 0;
  for (const auto& change : changes) added += put(*key, change.field, change.value.raw(), context);
  return json::Writer()
      .begin_object()
      .member("success", true)
      .member("added", added)
      .end_object()
      .take();
}

Result<std::string> write_delete(json::View body, WriteContext& context) {
  WEIR_ASSIGN(Key * key,
              context.keys.find_of(Kind::hash, text_of(body, "key"), context.now_ms, context.db));
  std::int64_t deleted = 0;
  for (const json::View item : body.find("fields").elements()) {
    if (key == nullptr) break;
    const std::string field = item.as_string().value_or("");
    const std::int64_t size = find_size(*key, field, context.db);
    if (size < 0) continue;
    context.db.prepare(kDelete).bind_all(key->id, field).run();
    ++deleted;
    const bool last = key->count == 1;
    context.keys.resize(*key, -1, -(kElementOverheadBytes + size_of(field) + size), context.db);
    if (last) key = nullptr;
  }
  return json::Writer().begin_object().member("deleted", deleted).end_object().take();
}

// The integer that a value is: a JSON integer, or a string of one.
std::optional<std::int64_t> integer_of(json::View value) {
  if (!value.is_string()) return value.as_int();
  const std::string text = value.as_string().value_or("");
  std::int64_t out = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return out;
}

Result<std::string> write_increment(json::View body, WriteContext& context) {
  const std::string name = text_of(body, "key");
  const std::string field = text_of(body, "field");
  const std::int64_t by = int_of(body, "increment");
  WEIR_ASSIGN(Key * key, context.keys.find_of(Kind::hash, name, context.now_ms, context.db));
  const auto stored = key == nullptr ? std::nullopt : find_value(*key, field, context.db);
  const json::View before(stored ? std::string_view(*stored) : std::string_view("0"));
  const auto number = integer_of(before);
  if (!number) {
    return Error{Code::invalid, "not_an_integer", "The value of the field is not an integer",
                 "field: " + field.substr(0, 100)};
  }
  std::int64_t sum = 0;
  if (__builtin_add_overflow(*number, by, &sum)) {
    return Error{Code::invalid, "increment_overflow", "The sum would not fit 64 bits",
                 std::to_string(*number) + " + " + std::to_string(by)};
  }
  const std::string digits = std::to_string(sum);
  const std::string value = before.is_string() ? "\"" + digits + "\"" : digits;
  WEIR_TRY(context.keys.admit(key, name, stored ? 0 : 1, element_bytes(field, value)));
  if (key == nullptr) key = &context.keys.create(Kind::hash, name);
  put(*key, field, value, context);
  return json::Writer().begin_object().member("value", sum).end_object().take();
}

// --- reads ---

Result<std::optional<Key>> key_of(json::View body, ReadContext& context) {
  return load_key_of(Kind::hash, text_of(body, "key"), context.now_ms, context.db);
}

Result<std::string> read_get(json::View body, ReadContext& context) {
  WEIR_ASSIGN(const auto key, key_of(body, context));
  const auto value = key ? find_value(*key, text_of(body, "field"), context.db) : std::nullopt;
  json::Writer out;
  out.begin_object().member("found", value.has_value());
  out.raw_member("value", value ? std::string_view(*value) : "null");
  return out.end_object().take();
}

Result<std::string> read_get_many(json::View body, ReadContext& context) {
  WEIR_ASSIGN(const auto key, key_of(body, context));
  json::Writer out;
  out.begin_object().key("values").begin_array();
  for (const json::View field : body.find("fields").elements()) {
    const auto value =
        key ? find_value(*key, field.as_string().value_or(""), context.db) : std::nullopt;
    out.raw(value ? std::string_view(*value) : "null");
    WEIR_TRY(fits(out));
  }
  return out.end_array().end_object().take();
}

Result<std::string> read_all(json::View body, ReadContext& context) {
  WEIR_ASSIGN(const auto key, key_of(body, context));
  json::Writer out(1024);
  out.begin_object().key("fields").begin_object();
  if (key) {
    auto rows = context.db.prepare(kSelectAll);
    rows.bind_all(key->id);
    while (rows.step()) {
      out.raw_member(rows.text(0), rows.text(1));
      WEIR_TRY(fits(out));
    }
  }
  return out.end_object().end_object().take();
}

Result<std::string> read_column(json::View body, ReadContext& context, bool names) {
  WEIR_ASSIGN(const auto key, key_of(body, context));
  json::Writer out(1024);
  out.begin_object().key(names ? "fields" : "values").begin_array();
  if (key) {
    auto rows = context.db.prepare(kSelectAll);
    rows.bind_all(key->id);
    while (rows.step()) {
      if (names) {
        out.value(rows.text(0));
      } else {
        out.raw(rows.text(1));
      }
      WEIR_TRY(fits(out));
    }
  }
  return out.end_array().end_object().take();
}

Result<std::string> read_fields(json::View body, ReadContext& context) {
  return read_column(body, context, true);
}
Result<std::string> read_values(json::View body, ReadContext& context) {
  return read_column(body, context, false);
}

Result<std::string> read_exists(json::View body, ReadContext& context) {
  WEIR_ASSIGN(const auto key, key_of(body, context));
  const bool exists = key && find_size(*key, text_of(body, "field"), context.db) >= 0;
  return json::Writer().begin_object().member("exists", exists).end_object().take();
}

Result<std::string> read_length(json::View body, ReadContext& context) {
  return read_count(Kind::hash, "length", body, context);
}

constexpr std::array kCommands{
    write_command("hash.hset", "hash.set", parse_set, write_set, "Sets fields of a hash",
                  "success, added"),
    write_command("hash.hmset", "hash.mset", parse_set, write_set, "Sets fields of a hash",
                  "success, added"),
    write_command("hash.hdel", "hash.del", parse_fields, write_delete, "Removes fields", "deleted"),
    write_command("hash.hincrby", "hash.incrby", parse_increment, write_increment,
                  "Adds to the integer of a field", "value"),
    read_command("hash.hget", "hash.get", parse_field, read_get, "The value of a field",
                 "found, value"),
    read_command("hash.hmget", "hash.mget", parse_fields, read_get_many,
                 "The values of fields, null for a miss", "values"),
    read_command("hash.hgetall", "hash.getall", parse_key, read_all, "All fields and values",
                 "fields"),
    read_command("hash.hkeys", "hash.keys", parse_key, read_fields, "The names of the fields",
                 "fields"),
    read_command("hash.hvals", "hash.values", parse_key, read_values,
                 "The values, in the order of the fields", "values"),
    read_command("hash.hexists", "hash.exists", parse_field, read_exists,
                 "Whether the hash has the field", "exists"),
    read_command("hash.hlen", "hash.len", parse_key, read_length, "How many fields", "length"),
};

}  // namespace

std::span<const Command> hash_commands() {
  return kCommands;
}

}  // namespace weir::structures
