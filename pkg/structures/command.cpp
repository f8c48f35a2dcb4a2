#include "pkg/structures/command.hpp"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "pkg/structures/member.hpp"

namespace weir::structures {
namespace {

using Index = std::unordered_map<std::string_view, const Command*>;

Index by_name() {
  Index out;
  for (const auto commands : all_commands()) {
    for (const Command& command : commands) {
      out.emplace(command.name, &command);
      if (!command.alias.empty()) out.emplace(command.alias, &command);
    }
  }
  return out;
}

Index by_verb() {
  Index out;
  for (const auto commands : all_commands()) {
    for (const Command& command : commands) {
      if (command.write != nullptr) out.emplace(command.verb(), &command);
    }
  }
  return out;
}

const Command* look_up(const Index& index, std::string_view name) {
  const auto found = index.find(name);
  return found == index.end() ? nullptr : found->second;
}

}  // namespace

std::array<std::span<const Command>, 5> all_commands() {
  return {hash_commands(), list_commands(), set_commands(), sorted_set_commands(), key_commands()};
}

const Command* find_command(std::string_view name) {
  static const Index index = by_name();
  return look_up(index, name);
}

const Command* find_write(std::string_view verb) {
  static const Index index = by_verb();
  return look_up(index, verb);
}

Result<std::string> make_body(const Command& command, json::View payload) {
  Payload in(payload);
  json::Writer out(payload.raw().size() + 32);
  out.begin_object();
  command.parse(in, out);
  out.end_object();
  WEIR_TRY(in.finish());
  return out.take();
}

Result<std::string> read(const Command& command, std::string_view body, ReadContext context) {
  return command.read(json::View(body), context);
}

Result<void> fits(const json::Writer& out) {
  if (out.size() <= kMaxAnswerBytes) return {};
  return Error{Code::too_large, "answer_too_large", "The answer would be too large",
               "limit: " + std::to_string(kMaxAnswerBytes) + " bytes; ask for a smaller range"};
}

Range range_of(std::int64_t start, std::int64_t stop, std::int64_t count) {
  if (start < 0) start = std::max<std::int64_t>(0, start + count);
  if (stop < 0) stop += count;
  stop = std::min(stop, count - 1);
  if (start > stop) return {};
  return {start, stop - start + 1};
}

std::string text_of(json::View body, std::string_view name) {
  return body.find(name).as_string().value_or("");
}

std::int64_t int_of(json::View body, std::string_view name) {
  return body.find(name).as_int().value_or(0);
}

void parse_key(Payload& in, json::Writer& out) {
  out.member("key", in.key());
}

void parse_key_and_range(Payload& in, json::Writer& out) {
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  parse_key(in, out);
  out.member("start", in.integer({"start", 0, kLeast, kMost}));
  out.member("stop", in.integer({"stop", -1, kLeast, kMost}));
}

void parse_key_and_count(Payload& in, json::Writer& out) {
  parse_key(in, out);
  out.member("count", in.integer({"count", 1, 0, kMaxPopCount}));
}

void parse_key_and_members(Payload& in, json::Writer& out) {
  parse_key(in, out);
  out.key("members").begin_array();
  for (const auto member : in.values("members", "member", kMaxMemberBytes)) {
    out.value(encode_member(member));
  }
  out.end_array();
}

void parse_key_and_member(Payload& in, json::Writer& out) {
  parse_key(in, out);
  const json::View member = in.value("member");
  if (member.raw().size() > kMaxMemberBytes) in.fail("member", "is too long");
  out.member("member", encode_member(member));
}

Result<std::string> read_count(Kind kind, std::string_view member, json::View body,
                               ReadContext& context) {
  WEIR_ASSIGN(const auto key, load_key_of(kind, text_of(body, "key"), context.now_ms, context.db));
  return json::Writer().begin_object().member(member, key ? key->count : 0).end_object().take();
}

}  // namespace weir::structures
