// The commands on data structures, one table. A command turns its payload into a body: for a write
// that is the body of operation structures.<verb>, for a read what read() works on. Bodies are
// complete and normal: forms that mean the same become one.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "pkg/json/writer.hpp"
#include "pkg/replica/state_machine.hpp"
#include "pkg/structures/key_store.hpp"
#include "pkg/structures/payload.hpp"

namespace weir::structures {

struct WriteContext {
  KeyStore& keys;
  sqlite::Database& db;
  std::int64_t now_ms;  // of the log
};
struct ReadContext {
  sqlite::Database& db;
  std::int64_t now_ms;  // what has expired by then is not shown
};

struct Command {
  std::string_view name;   // "hash.hset"
  std::string_view alias;  // another name, or empty
  // Writes the members of the body; everything that is wrong goes to the payload.
  void (*parse)(Payload& in, json::Writer& out);
  // One of these. The answer is the payload of the response.
  Result<std::string> (*write)(json::View body, WriteContext& context);
  Result<std::string> (*read)(json::View body, ReadContext& context);
  std::string_view summary;
  std::string_view answer;  // its members, for people

  std::string_view verb() const { return name.substr(name.find('.') + 1); }
};

using Parse = void (*)(Payload& in, json::Writer& out);
using Write = Result<std::string> (*)(json::View body, WriteContext& context);
using Read = Result<std::string> (*)(json::View body, ReadContext& context);

constexpr Command write_command(std::string_view name, std::string_view alias, Parse parse,
                                Write write, std::string_view summary, std::string_view answer) {
  return {name, alias, parse, write, nullptr, summary, answer};
}
constexpr Command read_command(std::string_view name, std::string_view alias, Parse parse,
                               Read read, std::string_view summary, std::string_view answer) {
  return {name, alias, parse, nullptr, read, summary, answer};
}

std::span<const Command> hash_commands();
std::span<const Command> list_commands();
std::span<const Command> set_commands();
std::span<const Command> sorted_set_commands();
std::span<const Command> key_commands();

// Of all of them, in this order.
std::array<std::span<const Command>, 5> all_commands();
const Command* find_command(std::string_view name);  // by name or alias; null: there is none
const Command* find_write(std::string_view verb);    // of an operation

// Error: invalid / invalid_payload, with every field that is wrong.
Result<std::string> make_body(const Command& command, json::View payload);
inline replica::Operation operation_of(const Command& command, std::string body) {
  return {"structures." + std::string(command.verb()), std::move(body)};
}
// Inside read(). Errors: conflict / wrong_structure_type, too_large / answer_too_large.
Result<std::string> read(const Command& command, std::string_view body, ReadContext context);

// --- shared by the commands ---

// too_large / answer_too_large once `out` is over the limit of an answer.
Result<void> fits(const json::Writer& out);

// The range that Redis' start and stop mean among `count` elements: negative ones count from the
// end. `size` 0: it is empty.
struct Range {
  std::int64_t first = 0;
  std::int64_t size = 0;
};
Range range_of(std::int64_t start, std::int64_t stop, std::int64_t count);

// Members of a body that the command itself wrote.
std::string text_of(json::View body, std::string_view name);
std::int64_t int_of(json::View body, std::string_view name);

// Parsers of payloads that several commands share.
void parse_key(Payload& in, json::Writer& out);              // key
void parse_key_and_range(Payload& in, json::Writer& out);    // key, start=0, stop=-1
void parse_key_and_count(Payload& in, json::Writer& out);    // key, count=1
void parse_key_and_members(Payload& in, json::Writer& out);  // key, members or member
void parse_key_and_member(Payload& in, json::Writer& out);   // key, member

// The count of elements of a key of a kind: {"<member>":n}, 0 when it does not exist.
Result<std::string> read_count(Kind kind, std::string_view member, json::View body,
                               ReadContext& context);

}  // namespace weir::structures
