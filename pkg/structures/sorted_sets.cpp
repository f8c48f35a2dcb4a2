// sortedset.*: writes on sorted sets, and the table of all their commands.
#include <cmath>

#include "pkg/structures/member.hpp"
#include "pkg/structures/sorted_set_reads.hpp"

namespace weir::structures {
namespace {

constexpr std::string_view kInsert =
    "INSERT INTO structures_zset(key,member,score)"
    " VALUES(?1,?2,?3)";
constexpr std::string_view kUpdate =
    "UPDATE structures_zset SET score=?3 WHERE key=?1 AND member=?2";
constexpr std::string_view kDelete = "DELETE FROM structures_zset WHERE key=?1 AND member=?2";
constexpr std::string_view kLowest =
    "SELECT member,score FROM structures_zset WHERE key=?1"
    " ORDER BY score,member LIMIT ?2";
constexpr std::string_view kHighest =
    "SELECT member,score FROM structures_zset WHERE key=?1"
    " ORDER BY score DESC,member DESC LIMIT ?2";

// A member is in the table and in the index by score.
std::int64_t element_bytes(std::string_view member) {
  return 2 * (kElementOverheadBytes + static_cast<std::int64_t>(member.size()));
}

// --- payloads ---

void parse_add(Payload& in, json::Writer& out) {
  parse_key(in, out);
  const json::View list = in.take("members");
  const json::View member = in.take("member");
  const json::View score = in.take("score");
  out.key("members").begin_array();
  std::size_t count = 0;
  const auto add = [&](json::View name, json::View points, const std::string& path) {
    ++count;
    const auto number = parse_score(points);
    if (name.is_missing()) in.fail(path + "member", "is required");
    if (name.raw().size() > kMaxMemberBytes) in.fail(path + "member", "is too long");
    if (!number) in.fail(path + "score", "is required and must be a number, \"inf\" or \"-inf\"");
    out.value(encode_member(name));
    write_score(out, number.value_or(0));
  };
  if (list.is_missing()) {
    add(member, score, "");
  } else {
    if (!member.is_missing() || !score.is_missing()) {
      in.fail("member", "must not stand beside members");
    }
    for (const json::View one : list.elements()) {
      if (count == kMaxItems) {
        in.fail("members", "must not have more than " + std::to_string(kMaxItems) + " elements");
        break;
      }
      add(one.find("member"), one.find("score"), "members[" + std::to_string(count) + "].");
    }
    if (count == 0) in.fail("members", "must be an array of {member, score} and not empty");
  }
  out.end_array();
  const bool nx = in.flag("nx");
  const bool xx = in.flag("xx");
  const bool gt = in.flag("gt");
  const bool lt = in.flag("lt");
  if (nx && (xx || gt || lt)) in.fail("nx", "must not stand beside xx, gt or lt");
  if (gt && lt) in.fail("gt", "must not stand beside lt");
  out.member("nx", nx).member("xx", xx).member("gt", gt).member("lt", lt);
}

void parse_increment(Payload& in, json::Writer& out) {
  parse_key_and_member(in, out);
  const json::View increment = in.take("increment", "amount");
  const auto number = increment.is_missing() ? std::optional<double>(1) : parse_score(increment);
  if (!number) in.fail("increment", "must be a number");
  out.key("increment");
  write_score(out, number.value_or(0));
}

// --- writes ---

struct Flags {
  bool nx = false;
  bool xx = false;
  bool gt = false;
  bool lt = false;
};

bool wanted(const Flags& flags, const std::optional<std::int64_t>& before, std::int64_t after) {
  if (!before) return !flags.xx;
  if (flags.nx) return false;
  if (flags.gt) return after > *before;
  if (flags.lt) return after < *before;
  return true;
}

struct Scored {
  std::string member;
  std::int64_t score = 0;
};

std::vector<Scored> scored_of(json::View body) {
  std::vector<Scored> out;
  bool name = true;
  for (const json::View item : body.find("members").elements()) {
    if (name) {
      out.push_back({item.as_string().value_or(""), 0});
    } else {
      out.back().score = encode_score(parse_score(item).value_or(0));
    }
    name = !name;
  }
  return out;
}

void put(Key& key, const Scored& one, bool is_new, WriteContext& context) {
  context.db.prepare(is_new ? kInsert : kUpdate).bind_all(key.id, one.member, one.score).run();
  if (is_new) context.keys.resize(key, 1, element_bytes(one.member), context.db);
}

Result<std::string> write_add(json::View body, WriteContext& context) {
  const std::string name = text_of(body, "key");
  const auto flag = [&](std::string_view of) { return body.find(of).as_bool().value_or(false); };
  const Flags flags{flag("nx"), flag("xx"), flag("gt"), flag("lt")};
  WEIR_ASSIGN(Key * key, context.keys.find_of(Kind::sorted_set, name, context.now_ms, context.db));
  const auto members = scored_of(body);
  std::int64_t count = 0;
  std::int64_t bytes = 0;
  for (const auto& one : members) {
    if (flags.xx || (key != nullptr && find_score(*key, one.member, context.db))) continue;
    ++count;
    bytes += element_bytes(one.member);
  }
  WEIR_TRY(context.keys.admit(key, name, count, bytes));
  if (key == nullptr && count > 0) key = &context.keys.create(Kind::sorted_set, name);
  std::int64_t added = 0;
  std::int64_t updated = 0;
  for (const auto& one : members) {
    if (key == nullptr) break;
    const auto before = find_score(*key, one.member, context.db);
    if (!wanted(flags, before, one.score) || before == one.score) continue;
    put(*key, one, !before, context);
    ++(before ? updated : added);
  }
  return json::Writer()
      .begin_object()
      .member("added", added)
      .member("updated", updated)
      .end_object()
      .take();
}

Result<std::string> write_increment(json::View body, WriteContext& context) {
  const std::string name = text_of(body, "key");
  Scored one{text_of(body, "member"), 0};
  WEIR_ASSIGN(Key * key, context.keys.find_of(Kind::sorted_set, name, context.now_ms, context.db));
  const auto before = key == nullptr ? std::nullopt : find_score(*key, one.member, context.db);
  const double sum =
      (before ? decode_score(*before) : 0) + parse_score(body.find("increment")).value_or(0);
  if (std::isnan(sum)) {
    return Error{Code::invalid, "score_not_a_number", "The score would not be a number",
                 "inf + -inf"};
  }
  if (!before) WEIR_TRY(context.keys.admit(key, name, 1, element_bytes(one.member)));
  if (key == nullptr) key = &context.keys.create(Kind::sorted_set, name);
  one.score = encode_score(sum);
  if (before != one.score) put(*key, one, !before, context);
  json::Writer out;
  out.begin_object().key("score");
  write_score(out, sum);
  return out.end_object().take();
}

// Returns null instead of the key when it was the last member.
Key* drop(Key* key, std::string_view member, WriteContext& context) {
  context.db.prepare(kDelete).bind_all(key->id, member).run();
  const bool last = key->count == 1;
  context.keys.resize(*key, -1, -element_bytes(member), context.db);
  return last ? nullptr : key;
}

Result<std::string> write_remove(json::View body, WriteContext& context) {
  WEIR_ASSIGN(Key * key, context.keys.find_of(Kind::sorted_set, text_of(body, "key"),
                                              context.now_ms, context.db));
  std::int64_t removed = 0;
  for (const json::View item : body.find("members").elements()) {
    if (key == nullptr) break;
    const std::string member = item.as_string().value_or("");
    if (!find_score(*key, member, context.db)) continue;
    key = drop(key, member, context);
    ++removed;
  }
  return json::Writer().begin_object().member("removed", removed).end_object().take();
}

Result<std::string> pop(json::View body, WriteContext& context, std::string_view which) {
  WEIR_ASSIGN(Key * key, context.keys.find_of(Kind::sorted_set, text_of(body, "key"),
                                              context.now_ms, context.db));
  json::Writer out(256);
  out.begin_object().key("members").begin_array();
  std::vector<std::string> popped;
  if (key != nullptr) {
    auto rows = context.db.prepare(which);
    rows.bind_all(key->id, int_of(body, "count"));
    while (out.size() <= kMaxAnswerBytes && rows.step()) {
      popped.emplace_back(rows.text(0));
      write_scored(out, rows.text(0), rows.int64(1));
    }
  }
  for (const auto& member : popped) key = drop(key, member, context);
  return out.end_array().end_object().take();
}

Result<std::string> write_pop_lowest(json::View body, WriteContext& context) {
  return pop(body, context, kLowest);
}
Result<std::string> write_pop_highest(json::View body, WriteContext& context) {
  return pop(body, context, kHighest);
}

constexpr std::array kCommands{
    write_command("sortedset.zadd", "zset.zadd", parse_add, write_add,
                  "Adds members or changes their scores", "added, updated"),
    write_command("sortedset.zincrby", "zset.zincrby", parse_increment, write_increment,
                  "Adds to the score of a member", "score"),
    write_command("sortedset.zrem", "zset.zrem", parse_key_and_members, write_remove,
                  "Removes members", "removed"),
    write_command("sortedset.zpopmin", "zset.zpopmin", parse_key_and_count, write_pop_lowest,
                  "Takes the members with the lowest scores", "members"),
    write_command("sortedset.zpopmax", "zset.zpopmax", parse_key_and_count, write_pop_highest,
                  "Takes the members with the highest scores", "members"),
    read_command("sortedset.zscore", "zset.zscore", parse_key_and_member, read_score,
                 "The score of a member", "score"),
    read_command("sortedset.zrank", "zset.zrank", parse_key_and_member, read_rank,
                 "How many members are before it, lowest score first", "rank"),
    read_command("sortedset.zrevrank", "zset.zrevrank", parse_key_and_member, read_reverse_rank,
                 "How many members are before it, highest score first", "rank"),
    read_command("sortedset.zrange", "zset.zrange", parse_rank_range, read_rank_range,
                 "The members from rank start to stop", "members"),
    read_command("sortedset.zrevrange", "zset.zrevrange", parse_rank_range, read_reverse_rank_range,
                 "The members from rank start to stop, highest score first", "members"),
    read_command("sortedset.zrangebyscore", "zset.zrangebyscore", parse_score_range,
                 read_score_range, "The members with scores from min to max", "members"),
    read_command("sortedset.zcount", "zset.zcount", parse_bounds, read_score_count,
                 "How many members have scores from min to max", "count"),
    read_command("sortedset.zcard", "zset.zcard", parse_key, read_cardinality, "How many members",
                 "count"),
};

}  // namespace

std::span<const Command> sorted_set_commands() {
  return kCommands;
}

}  // namespace weir::structures
