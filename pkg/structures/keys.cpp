// structure.*: what goes for a structure of any kind; memory.usage.
#include <charconv>

#include "pkg/structures/command.hpp"

namespace weir::structures {
namespace {

std::string one_flag(std::string_view name, bool value) {
  return json::Writer().begin_object().member(name, value).end_object().take();
}

// "1.5KB": what people read; exact below 1024.
std::string human(std::int64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits{"B", "KB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  const int digits = unit == 0 ? 0 : 1;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value,
                                 std::chars_format::fixed, digits);
  return std::string(text.data(), end.ptr) + std::string(kUnits[unit]);
}

// Rounded up: what lives shows at least a second.
std::int64_t seconds_left(std::int64_t at_ms, std::int64_t now_ms) {
  return (at_ms - now_ms + 999) / 1000;
}

void write_ttl(json::Writer& out, const std::optional<Key>& key, std::int64_t now_ms) {
  out.key("ttl");
  if (key && key->expires_at_ms) {
    out.value(seconds_left(*key->expires_at_ms, now_ms));
  } else {
    out.null();
  }
}

// --- payloads ---

void parse_keys(Payload& in, json::Writer& out) {
  out.key("keys").begin_array();
  for (const auto& key : in.keys()) out.value(key);
  out.end_array();
}

void parse_expire(Payload& in, json::Writer& out) {
  parse_key(in, out);
  out.member("ttl", in.integer({"ttl", std::nullopt, -kMaxTtlSeconds, kMaxTtlSeconds}));
}

void parse_scan(Payload& in, json::Writer& out) {
  const json::View prefix = in.take("prefix");
  const json::View cursor = in.take("cursor");
  if (!prefix.is_missing() && !prefix.is_string()) in.fail("prefix", "must be a string");
  if (!cursor.is_missing() && !cursor.is_null() && !cursor.is_string()) {
    in.fail("cursor", "must be a cursor of this command, or null");
  }
  out.member("prefix", prefix.as_string().value_or(""));
  out.member("cursor", cursor.as_string().value_or(""));
  out.member("count", in.integer({"count", 100, 1, kMaxScanCount}));
}

void parse_nothing(Payload&, json::Writer&) {}

// --- writes ---

Result<std::string> write_delete(json::View body, WriteContext& context) {
  std::int64_t deleted = 0;
  for (const json::View name : body.find("keys").elements()) {
    Key* key = context.keys.find(name.as_string().value_or(""), context.now_ms, context.db);
    if (key == nullptr) continue;
    context.keys.remove(*key, context.db);
    ++deleted;
  }
  return json::Writer().begin_object().member("deleted", deleted).end_object().take();
}

Result<std::string> write_expire(json::View body, WriteContext& context) {
  Key* key = context.keys.find(text_of(body, "key"), context.now_ms, context.db);
  if (key == nullptr) return one_flag("result", false);
  const std::int64_t ttl = int_of(body, "ttl");
  if (ttl <= 0) {
    context.keys.remove(*key, context.db);
  } else {
    context.keys.expire(*key, context.now_ms + ttl * 1000);
  }
  return one_flag("result", true);
}

Result<std::string> write_persist(json::View body, WriteContext& context) {
  Key* key = context.keys.find(text_of(body, "key"), context.now_ms, context.db);
  const bool had_ttl = key != nullptr && key->expires_at_ms;
  if (had_ttl) context.keys.expire(*key, std::nullopt);
  return one_flag("result", had_ttl);
}

// --- reads ---

std::optional<Key> key_of(json::View body, ReadContext& context) {
  return load_key(text_of(body, "key"), context.now_ms, context.db);
}

Result<std::string> read_exists(json::View body, ReadContext& context) {
  std::int64_t count = 0;
  for (const json::View name : body.find("keys").elements()) {
    if (load_key(name.as_string().value_or(""), context.now_ms, context.db)) ++count;
  }
  return json::Writer()
      .begin_object()
      .member("exists", count > 0)
      .member("count", count)
      .end_object()
      .take();
}

Result<std::string> read_type(json::View body, ReadContext& context) {
  const auto key = key_of(body, context);
  return json::Writer()
      .begin_object()
      .member("type", key ? to_string(key->kind) : std::string_view("none"))
      .end_object()
      .take();
}

Result<std::string> read_ttl(json::View body, ReadContext& context) {
  json::Writer out;
  out.begin_object();
  write_ttl(out, key_of(body, context), context.now_ms);
  return out.end_object().take();
}

Result<std::string> read_info(json::View body, ReadContext& context) {
  const auto key = key_of(body, context);
  json::Writer out;
  out.begin_object().member("found", key.has_value());
  out.member("type", key ? to_string(key->kind) : std::string_view("none"));
  out.member("count", key ? key->count : 0).member("bytes", key ? key->bytes : 0);
  write_ttl(out, key, context.now_ms);
  return out.end_object().take();
}

Result<std::string> read_usage(json::View body, ReadContext& context) {
  const auto key = key_of(body, context);
  const std::int64_t bytes = key ? key->bytes : 0;
  return json::Writer()
      .begin_object()
      .member("bytes", bytes)
      .member("human", human(bytes))
      .end_object()
      .take();
}

// The cursor is the last key of the page: keys made or removed meanwhile do not disturb the others.
Result<std::string> read_scan(json::View body, ReadContext& context) {
  const std::string prefix = text_of(body, "prefix");
  const std::string cursor = text_of(body, "cursor");
  const std::int64_t count = int_of(body, "count");
  json::Writer out(1024);
  out.begin_object().key("keys").begin_array();
  std::int64_t found = 0;
  std::string last;
  bool more = false;
  {
    const bool from_cursor = !cursor.empty();
    auto rows = context.db.prepare(
        from_cursor ? "SELECT name,expires_at FROM structures_keys WHERE name>?1 ORDER BY name"
                    : "SELECT name,expires_at FROM structures_keys WHERE name>=?1 ORDER BY name");
    rows.bind(1, from_cursor ? cursor : prefix);
    while (rows.step()) {
      const std::string_view name = rows.text(0);
      if (!name.starts_with(prefix)) {
        if (name > prefix) break;
        continue;  // a cursor from before the prefix
      }
      if (rows.optional_int64(1).value_or(context.now_ms + 1) <= context.now_ms) continue;
      more = found == count;
      if (more) break;
      out.value(name);
      last = name;
      ++found;
    }
  }
  out.end_array().key("cursor");
  if (more) {
    out.value(last);
  } else {
    out.null();
  }
  return out.member("has_more", more).member("count", found).end_object().take();
}

Result<std::string> read_stats(json::View, ReadContext& context) {
  json::Writer out(256);
  out.begin_object().key("types").begin_object();
  {
    auto rows =
        context.db.prepare("SELECT kind,keys,elements FROM structures_totals ORDER BY kind");
    while (rows.step()) {
      out.key(to_string(static_cast<Kind>(rows.int64(0)))).begin_object();
      out.member("keys", rows.int64(1)).member("elements", rows.int64(2)).end_object();
    }
  }
  auto meta = context.db.prepare("SELECT bytes,max_bytes,max_elements FROM structures_meta");
  meta.step();
  return out.end_object()
      .member("bytes", meta.int64(0))
      .member("human", human(meta.int64(0)))
      .member("max_bytes", meta.int64(1))
      .member("max_elements", meta.int64(2))
      .end_object()
      .take();
}

constexpr std::array kCommands{
    write_command("structure.del", "", parse_keys, write_delete, "Removes structures", "deleted"),
    write_command("structure.expire", "", parse_expire, write_expire,
                  "Lets a structure disappear after ttl seconds", "result"),
    write_command("structure.persist", "", parse_key, write_persist, "Takes the ttl away",
                  "result"),
    read_command("structure.exists", "", parse_keys, read_exists, "Whether structures exist",
                 "exists, count"),
    read_command("structure.type", "", parse_key, read_type, "hash, list, set, zset or none",
                 "type"),
    read_command("structure.ttl", "", parse_key, read_ttl,
                 "Seconds until it disappears, null for never", "ttl"),
    read_command("structure.info", "", parse_key, read_info, "Type, size and ttl",
                 "found, type, count, bytes, ttl"),
    read_command("structure.scan", "", parse_scan, read_scan, "The keys with a prefix, paged",
                 "keys, cursor, has_more, count"),
    read_command("structure.stats", "", parse_nothing, read_stats,
                 "How many structures and how much memory",
                 "types, bytes, human, max_bytes, max_elements"),
    read_command("memory.usage", "", parse_key, read_usage,
                 "Estimated bytes of a structure, 0 when it does not exist", "bytes, human"),
};

}  // namespace

std::span<const Command> key_commands() {
  return kCommands;
}

}  // namespace weir::structures
