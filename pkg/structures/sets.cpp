// set.*: members, each once.
#include <algorithm>
#include <set>

#include "pkg/structures/command.hpp"
#include "pkg/structures/member.hpp"

namespace weir::structures {
namespace {

constexpr std::string_view kInsert =
    "INSERT OR IGNORE INTO structures_set(key,member)"
    " VALUES(?1,?2)";
constexpr std::string_view kDelete = "DELETE FROM structures_set WHERE key=?1 AND member=?2";
constexpr std::string_view kHas = "SELECT 1 FROM structures_set WHERE key=?1 AND member=?2";
constexpr std::string_view kSelectAll =
    "SELECT member FROM structures_set WHERE key=?1 ORDER BY member";

std::int64_t element_bytes(std::string_view member) {
  return kElementOverheadBytes + static_cast<std::int64_t>(member.size());
}

bool has(const Key& key, std::string_view member, sqlite::Database& db) {
  auto row = db.prepare(kHas);
  row.bind_all(key.id, member);
  return row.step();
}

std::vector<std::string> members_of(json::View body) {
  std::vector<std::string> out;
  for (const json::View member : body.find("members").elements()) {
    out.push_back(member.as_string().value_or(""));
  }
  return out;
}

std::string one_count(std::string_view name, std::int64_t count) {
  return json::Writer().begin_object().member(name, count).end_object().take();
}

// --- writes ---

Result<std::string> write_add(json::View body, WriteContext& context) {
  const std::string name = text_of(body, "key");
  const auto members = members_of(body);
  WEIR_ASSIGN(Key * key, context.keys.find_of(Kind::set, name, context.now_ms, context.db));
  std::int64_t bytes = 0;
  for (const auto& member : members) bytes += element_bytes(member);
  auto most = static_cast<std::int64_t>(members.size());
  if (key != nullptr && key->count + most > context.keys.totals().limits.max_elements) {
    most = std::count_if(members.begin(), members.end(),
                         [&](const auto& member) { return !has(*key, member, context.db); });
  }
  WEIR_TRY(context.keys.admit(key, name, most, bytes));
  if (key == nullptr) key = &context.keys.create(Kind::set, name);
  std::int64_t added = 0;
  auto insert = context.db.prepare(kInsert);
  for (const auto& member : members) {
    insert.bind_all(key->id, member).run();
    if (insert.changes() == 0) continue;
    ++added;
    context.keys.resize(*key, 1, element_bytes(member), context.db);
  }
  return one_count("added", added);
}

Result<std::string> write_remove(json::View body, WriteContext& context) {
  WEIR_ASSIGN(Key * key,
              context.keys.find_of(Kind::set, text_of(body, "key"), context.now_ms, context.db));
  std::int64_t removed = 0;
  for (const auto& member : members_of(body)) {
    if (key == nullptr) break;
    {
      auto drop = context.db.prepare(kDelete);
      drop.bind_all(key->id, member).run();
      if (drop.changes() == 0) continue;
    }
    ++removed;
    const bool last = key->count == 1;
    context.keys.resize(*key, -1, -element_bytes(member), context.db);
    if (last) key = nullptr;
  }
  return one_count("removed", removed);
}

// --- reads ---

Result<std::string> read_members(json::View body, ReadContext& context) {
  WEIR_ASSIGN(const auto key,
              load_key_of(Kind::set, text_of(body, "key"), context.now_ms, context.db));
  json::Writer out(1024);
  out.begin_object().key("members").begin_array();
  if (key) {
    auto rows = context.db.prepare(kSelectAll);
    rows.bind_all(key->id);
    while (rows.step()) {
      write_member(out, rows.text(0));
      WEIR_TRY(fits(out));
    }
  }
  return out.end_array().end_object().take();
}

Result<std::string> read_is_member(json::View body, ReadContext& context) {
  WEIR_ASSIGN(const auto key,
              load_key_of(Kind::set, text_of(body, "key"), context.now_ms, context.db));
  const bool found = key && has(*key, text_of(body, "member"), context.db);
  return json::Writer().begin_object().member("is_member", found).end_object().take();
}

Result<std::string> read_cardinality(json::View body, ReadContext& context) {
  return read_count(Kind::set, "cardinality", body, context);
}

// The sets of "keys", in their order; one that does not exist is empty.
Result<std::vector<std::optional<Key>>> sets_of(json::View body, ReadContext& context) {
  std::vector<std::optional<Key>> out;
  for (const json::View name : body.find("keys").elements()) {
    WEIR_ASSIGN(auto key,
                load_key_of(Kind::set, name.as_string().value_or(""), context.now_ms, context.db));
    out.push_back(std::move(key));
  }
  return out;
}

// The members of `from` that `wanted` accepts.
template <class Wanted>
Result<std::string> select_members(const std::optional<Key>& from, ReadContext& context,
                                   const Wanted& wanted) {
  json::Writer out(1024);
  out.begin_object().key("members").begin_array();
  if (from) {
    auto rows = context.db.prepare(kSelectAll);
    rows.bind_all(from->id);
    while (rows.step()) {
      if (!wanted(rows.text(0))) continue;
      write_member(out, rows.text(0));
      WEIR_TRY(fits(out));
    }
  }
  return out.end_array().end_object().take();
}

Result<std::string> read_intersection(json::View body, ReadContext& context) {
  WEIR_ASSIGN(auto sets, sets_of(body, context));
  const auto count = [](const std::optional<Key>& key) { return key ? key->count : 0; };
  const auto smallest = std::min_element(
      sets.begin(), sets.end(), [&](const auto& a, const auto& b) { return count(a) < count(b); });
  std::iter_swap(sets.begin(), smallest);
  return select_members(sets.front(), context, [&](std::string_view member) {
    return std::all_of(sets.begin() + 1, sets.end(),
                       [&](const auto& other) { return has(*other, member, context.db); });
  });
}

Result<std::string> read_difference(json::View body, ReadContext& context) {
  WEIR_ASSIGN(const auto sets, sets_of(body, context));
  return select_members(sets.front(), context, [&](std::string_view member) {
    return std::none_of(sets.begin() + 1, sets.end(), [&](const auto& other) {
      return other && has(*other, member, context.db);
    });
  });
}

Result<std::string> read_union(json::View body, ReadContext& context) {
  WEIR_ASSIGN(const auto sets, sets_of(body, context));
  std::set<std::string, std::less<>> all;
  std::size_t bytes = 0;
  for (const auto& key : sets) {
    if (!key) continue;
    auto rows = context.db.prepare(kSelectAll);
    rows.bind_all(key->id);
    while (rows.step() && bytes <= kMaxAnswerBytes) {
      if (all.emplace(rows.text(0)).second) bytes += rows.text(0).size();
    }
  }
  json::Writer out(bytes + 64);
  out.begin_object().key("members").begin_array();
  for (const auto& member : all) {
    write_member(out, member);
    WEIR_TRY(fits(out));
  }
  return out.end_array().end_object().take();
}

void parse_keys(Payload& in, json::Writer& out) {
  out.key("keys").begin_array();
  for (const auto& key : in.keys()) out.value(key);
  out.end_array();
}

constexpr std::array kCommands{
    write_command("set.sadd", "set.add", parse_key_and_members, write_add, "Adds members", "added"),
    write_command("set.srem", "set.rem", parse_key_and_members, write_remove, "Removes members",
                  "removed"),
    read_command("set.smembers", "set.members", parse_key, read_members, "All members", "members"),
    read_command("set.sismember", "set.ismember", parse_key_and_member, read_is_member,
                 "Whether the set has the member", "is_member"),
    read_command("set.scard", "set.card", parse_key, read_cardinality, "How many members",
                 "cardinality"),
    read_command("set.sinter", "set.inter", parse_keys, read_intersection,
                 "The members that all sets have", "members"),
    read_command("set.sunion", "set.union", parse_keys, read_union, "The members that any set has",
                 "members"),
    read_command("set.sdiff", "set.diff", parse_keys, read_difference,
                 "The members of the first set that no other has", "members"),
};

}  // namespace

std::span<const Command> set_commands() {
  return kCommands;
}

}  // namespace weir::structures
