// list.*: values in order. Positions have no gaps: index i is at head + i, so both ends cost O(1)
// rows, an index O(log n), and what takes values out of the middle moves those of the shorter side.
#include <algorithm>
#include <limits>

#include "pkg/structures/command.hpp"
#include "pkg/structures/member.hpp"

namespace weir::structures {
namespace {

constexpr std::string_view kInsert =
    "INSERT INTO structures_list(key,position,value)"
    " VALUES(?1,?2,?3)";
constexpr std::string_view kSelect =
    "SELECT value FROM structures_list"
    " WHERE key=?1 AND position=?2";
constexpr std::string_view kSelectRange =
    "SELECT value FROM structures_list WHERE key=?1"
    " AND position>=?2 AND position<?3 ORDER BY position";
constexpr std::string_view kForwards =
    "SELECT position,value FROM structures_list WHERE key=?1"
    " ORDER BY position";
constexpr std::string_view kBackwards =
    "SELECT position,value FROM structures_list WHERE key=?1"
    " ORDER BY position DESC";
constexpr std::string_view kMove =
    "UPDATE structures_list SET position=?3"
    " WHERE key=?1 AND position=?2";
constexpr std::string_view kDelete = "DELETE FROM structures_list WHERE key=?1 AND position=?2";

std::int64_t element_bytes(std::string_view value) {
  return kElementOverheadBytes + static_cast<std::int64_t>(value.size());
}

enum class End : std::uint8_t { head, tail };

// --- payloads ---

void parse_push(Payload& in, json::Writer& out) {
  parse_key(in, out);
  out.key("values").begin_array();
  for (const auto value : in.values("values", "value", kMaxValueBytes)) out.raw(value.raw());
  out.end_array();
}

void parse_remove(Payload& in, json::Writer& out) {
  parse_key(in, out);
  out.member("count", in.integer({"count", 0, std::numeric_limits<std::int64_t>::min(),
                                  std::numeric_limits<std::int64_t>::max()}));
  out.raw_member("value", canonical(in.value("value")));
}

void parse_index(Payload& in, json::Writer& out) {
  parse_key(in, out);
  out.member("index", in.integer({"index", std::nullopt, std::numeric_limits<std::int64_t>::min(),
                                  std::numeric_limits<std::int64_t>::max()}));
}

// --- writes ---

Result<std::string> push(json::View body, WriteContext& context, End end) {
  const std::string name = text_of(body, "key");
  WEIR_ASSIGN(Key * key, context.keys.find_of(Kind::list, name, context.now_ms, context.db));
  std::int64_t count = 0;
  std::int64_t bytes = 0;
  for (const json::View value : body.find("values").elements()) {
    ++count;
    bytes += element_bytes(value.raw());
  }
  WEIR_TRY(context.keys.admit(key, name, count, bytes));
  if (key == nullptr) key = &context.keys.create(Kind::list, name);
  {
    auto insert = context.db.prepare(kInsert);
    for (const json::View value : body.find("values").elements()) {
      const std::int64_t at = end == End::head ? --key->head : key->head + key->count;
      insert.bind_all(key->id, at, value.raw()).run();
      context.keys.resize(*key, 1, element_bytes(value.raw()), context.db);
    }
  }
  return json::Writer().begin_object().member("length", key->count).end_object().take();
}

Result<std::string> write_push_head(json::View body, WriteContext& context) {
  return push(body, context, End::head);
}
Result<std::string> write_push_tail(json::View body, WriteContext& context) {
  return push(body, context, End::tail);
}

Result<std::string> pop(json::View body, WriteContext& context, End end) {
  WEIR_ASSIGN(Key * key,
              context.keys.find_of(Kind::list, text_of(body, "key"), context.now_ms, context.db));
  json::Writer out(256);
  out.begin_object().key("values").begin_array();
  std::int64_t left = key == nullptr ? 0 : std::min(int_of(body, "count"), key->count);
  for (; left > 0 && out.size() <= kMaxAnswerBytes; --left) {
    const std::int64_t at = end == End::head ? key->head : key->head + key->count - 1;
    std::int64_t bytes = 0;
    {
      auto row = context.db.prepare(kSelect);
      row.bind_all(key->id, at);
      row.step();
      out.raw(row.text(0));
      bytes = element_bytes(row.text(0));
    }
    context.db.prepare(kDelete).bind_all(key->id, at).run();
    if (end == End::head) ++key->head;
    context.keys.resize(*key, -1, -bytes, context.db);
  }
  return out.end_array().end_object().take();
}

Result<std::string> write_pop_head(json::View body, WriteContext& context) {
  return pop(body, context, End::head);
}
Result<std::string> write_pop_tail(json::View body, WriteContext& context) {
  return pop(body, context, End::tail);
}

struct Found {
  std::vector<std::int64_t> positions;  // ascending
  std::int64_t bytes = 0;
};

Found find_equal(const Key& key, json::View wanted, std::int64_t count, sqlite::Database& db) {
  Found out;
  const auto most = count == std::numeric_limits<std::int64_t>::min()
                        ? std::numeric_limits<std::int64_t>::max()
                        : (count < 0 ? -count : count);
  auto rows = db.prepare(count < 0 ? kBackwards : kForwards);
  rows.bind_all(key.id);
  while (rows.step()) {
    const std::string_view value = rows.text(1);
    if (value != wanted.raw() && canonical(json::View(value)) != wanted.raw()) continue;
    out.positions.push_back(rows.int64(0));
    out.bytes += element_bytes(value);
    if (static_cast<std::int64_t>(out.positions.size()) == most) break;
  }
  if (count < 0) std::reverse(out.positions.begin(), out.positions.end());
  return out;
}

// Closes the gaps that removing the positions (ascending) leaves: the values before the last gap
// move up, or those after the first one down, whichever are fewer.
void close_gaps(Key& key, const std::vector<std::int64_t>& gaps, sqlite::Database& db) {
  auto move = db.prepare(kMove);
  const std::int64_t end = key.head + key.count;
  const auto removed = static_cast<std::int64_t>(gaps.size());
  if (gaps.back() - key.head < end - gaps.front()) {
    std::int64_t to = gaps.back();
    auto gap = gaps.rbegin();
    for (std::int64_t from = gaps.back(); from >= key.head; --from) {
      if (gap != gaps.rend() && *gap == from) {
        ++gap;
      } else {
        move.bind_all(key.id, from, to--).run();
      }
    }
    key.head += removed;
    return;
  }
  std::int64_t to = gaps.front();
  auto gap = gaps.begin();
  for (std::int64_t from = gaps.front(); from < end; ++from) {
    if (gap != gaps.end() && *gap == from) {
      ++gap;
    } else {
      move.bind_all(key.id, from, to++).run();
    }
  }
}

Result<std::string> write_remove(json::View body, WriteContext& context) {
  WEIR_ASSIGN(Key * key,
              context.keys.find_of(Kind::list, text_of(body, "key"), context.now_ms, context.db));
  Found found;
  if (key != nullptr)
    found = find_equal(*key, body.find("value"), int_of(body, "count"), context.db);
  const auto removed = static_cast<std::int64_t>(found.positions.size());
  if (removed > 0) {
    {
      auto drop = context.db.prepare(kDelete);
      for (const auto at : found.positions) drop.bind_all(key->id, at).run();
    }
    if (removed < key->count) close_gaps(*key, found.positions, context.db);
    context.keys.resize(*key, -removed, -found.bytes, context.db);
  }
  return json::Writer().begin_object().member("removed", removed).end_object().take();
}

// --- reads ---

Result<std::string> read_range(json::View body, ReadContext& context) {
  WEIR_ASSIGN(const auto key,
              load_key_of(Kind::list, text_of(body, "key"), context.now_ms, context.db));
  json::Writer out(1024);
  out.begin_object().key("values").begin_array();
  if (key) {
    const Range range = range_of(int_of(body, "start"), int_of(body, "stop"), key->count);
    auto rows = context.db.prepare(kSelectRange);
    rows.bind_all(key->id, key->head + range.first, key->head + range.first + range.size);
    while (rows.step()) {
      out.raw(rows.text(0));
      WEIR_TRY(fits(out));
    }
  }
  return out.end_array().end_object().take();
}

Result<std::string> read_index(json::View body, ReadContext& context) {
  WEIR_ASSIGN(const auto key,
              load_key_of(Kind::list, text_of(body, "key"), context.now_ms, context.db));
  std::int64_t index = int_of(body, "index");
  const std::int64_t count = key ? key->count : 0;
  if (index < 0) index += count;
  const bool found = index >= 0 && index < count;
  json::Writer out;
  out.begin_object().member("found", found).key("value");
  if (found) {
    auto row = context.db.prepare(kSelect);
    row.bind_all(key->id, key->head + index);
    row.step();
    out.raw(row.text(0));
  } else {
    out.null();
  }
  return out.end_object().take();
}

Result<std::string> read_length(json::View body, ReadContext& context) {
  return read_count(Kind::list, "length", body, context);
}

constexpr std::array kCommands{
    write_command("list.lpush", "", parse_push, write_push_head,
                  "Puts values before the first, one after the other", "length"),
    write_command("list.rpush", "", parse_push, write_push_tail, "Puts values after the last",
                  "length"),
    write_command("list.lpop", "", parse_key_and_count, write_pop_head, "Takes the first values",
                  "values"),
    write_command("list.rpop", "", parse_key_and_count, write_pop_tail, "Takes the last values",
                  "values"),
    write_command("list.lrem", "list.rem", parse_remove, write_remove,
                  "Removes values equal to one: count from the head, -count from the tail, 0 all",
                  "removed"),
    read_command("list.lrange", "list.range", parse_key_and_range, read_range,
                 "The values from start to stop", "values"),
    read_command("list.lindex", "list.index", parse_index, read_index, "The value at an index",
                 "found, value"),
    read_command("list.llen", "list.len", parse_key, read_length, "How many values", "length"),
};

}  // namespace

std::span<const Command> list_commands() {
  return kCommands;
}

}  // namespace weir::structures
