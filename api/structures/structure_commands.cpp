// The routes of data structures. Each is a binding of a command: path, query and body become its
// payload, and its answer is the body of the response.
#include <algorithm>
#include <charconv>

#include "api/structures/structures.hpp"

namespace weir::api {
namespace {

constexpr std::size_t kMaxBodyBytes = 8U << 20U;

struct RouteRow {
  std::string_view method;
  std::string_view path;
  std::string_view command;
  std::vector<QueryParameter> query;
  std::string_view request_schema;  // empty: no body
  std::string_view answer_schema;
  std::string_view array_as = {};  // a body that is an array stands for this member
};

constexpr std::string_view kInteger = R"({"type":"integer"})";
constexpr std::string_view kBoolean = R"({"type":"boolean"})";

constexpr std::string_view kFields = R"({"oneOf":[
  {"type":"object","properties":{"fields":{"oneOf":[{"type":"object"},{"type":"array",
    "items":{"type":"object","required":["field","value"]}}]},
    "field":{"type":"string"},"value":{}}},
  {"type":"array","items":{"type":"object","required":["field","value"],
    "properties":{"field":{"type":"string"},"value":{}}}}]})";
constexpr std::string_view kFieldNames = R"({"type":"object","properties":{
  "field":{"type":"string"},"fields":{"type":"array","items":{"type":"string"}}}})";
constexpr std::string_view kIncrement = R"({"type":"object","required":["field"],"properties":{
  "field":{"type":"string"},"increment":{"type":"integer","default":1}}})";
constexpr std::string_view kValues = R"({"oneOf":[{"type":"object","properties":{
  "value":{},"values":{"type":"array"}}},{"type":"array"}]})";
constexpr std::string_view kCount = R"({"type":"object","properties":{
  "count":{"type":"integer","minimum":0,"maximum":10000,"default":1}}})";
constexpr std::string_view kRemove = R"({"type":"object","required":["value"],"properties":{
  "value":{},"count":{"type":"integer","default":0}}})";
constexpr std::string_view kMembers = R"({"oneOf":[{"type":"object","properties":{
  "member":{},"members":{"type":"array"}}},{"type":"array"}]})";
constexpr std::string_view kScored = R"({"oneOf":[{"type":"object","properties":{
  "member":{},"score":{"type":["number","string"]},
  "members":{"type":"array","items":{"type":"object","required":["member","score"]}},
  "nx":{"type":"boolean"},"xx":{"type":"boolean"},"gt":{"type":"boolean"},
  "lt":{"type":"boolean"}}},{"type":"array"}]})";
constexpr std::string_view kScoreIncrement = R"({"type":"object","required":["member"],
  "properties":{"member":{},"increment":{"type":["number","string"],"default":1}}})";
constexpr std::string_view kTtl = R"({"type":"object","required":["ttl"],"properties":{
  "ttl":{"type":"integer"}}})";

constexpr std::string_view kNumberOf = R"({"type":"object","additionalProperties":
  {"type":["integer","boolean"]}})";
constexpr std::string_view kAnything = R"({"type":"object"})";
constexpr std::string_view kValueList = R"({"type":"object","required":["values"],
  "properties":{"values":{"type":"array"}}})";
constexpr std::string_view kMemberList = R"({"type":"object","required":["members"],
  "properties":{"members":{"type":"array"}}})";
constexpr std::string_view kFound = R"({"type":"object","required":["found","value"],
  "properties":{"found":{"type":"boolean"},"value":{}}})";
constexpr std::string_view kUsage = R"({"type":"object","required":["bytes","human"],
  "properties":{"bytes":{"type":"integer"},"human":{"type":"string"}}})";

std::vector<RouteRow> rows() {
  const QueryParameter start{"start", "first index, negative from the end; 0", kInteger};
  const QueryParameter stop{"stop", "last index, negative from the end; -1", kInteger};
  const QueryParameter scores{"withscores", "members with their scores", kBoolean};
  const QueryParameter reverse{"rev", "highest score first", kBoolean};
  const QueryParameter member{"member", "a text; other JSON by the command API"};
  const QueryParameter min{"min", "a score, `(score` to exclude it, `-inf`"};
  const QueryParameter max{"max", "a score, `(score` to exclude it, `+inf`"};
  const QueryParameter offset{"offset", "members left out", kInteger};
  const QueryParameter limit{"limit", "members at most; -1: all", kInteger};
  return {
      {"POST", "/hash/{key}/set", "hash.hset", {}, kFields, kNumberOf, "fields"},
      {"POST", "/hash/{key}/mset", "hash.hmset", {}, kFields, kNumberOf, "fields"},
      {"POST", "/hash/{key}/del", "hash.hdel", {}, kFieldNames, kNumberOf, "fields"},
      {"POST", "/hash/{key}/incrby", "hash.hincrby", {}, kIncrement, kNumberOf},
      {"GET", "/hash/{key}/getall", "hash.hgetall", {}, {}, kAnything},
      {"GET", "/hash/{key}/len", "hash.hlen", {}, {}, kNumberOf},
      {"GET", "/hash/{key}/{field}", "hash.hget", {}, {}, kFound},
      {"POST", "/list/{key}/lpush", "list.lpush", {}, kValues, kNumberOf, "values"},
      {"POST", "/list/{key}/rpush", "list.rpush", {}, kValues, kNumberOf, "values"},
      {"POST", "/list/{key}/lpop", "list.lpop", {}, kCount, kValueList},
      {"POST", "/list/{key}/rpop", "list.rpop", {}, kCount, kValueList},
      {"POST", "/list/{key}/rem", "list.lrem", {}, kRemove, kNumberOf},
      {"GET", "/list/{key}/range", "list.lrange", {start, stop}, {}, kValueList},
      {"GET", "/list/{key}/len", "list.llen", {}, {}, kNumberOf},
      {"POST", "/set/{key}/add", "set.sadd", {}, kMembers, kNumberOf, "members"},
      {"POST", "/set/{key}/rem", "set.srem", {}, kMembers, kNumberOf, "members"},
      {"GET", "/set/{key}/members", "set.smembers", {}, {}, kMemberList},
      {"GET", "/set/{key}/ismember", "set.sismember", {member}, {}, kNumberOf},
      {"GET", "/set/{key}/card", "set.scard", {}, {}, kNumberOf},
      {"POST", "/sortedset/{key}/zadd", "sortedset.zadd", {}, kScored, kNumberOf, "members"},
      {"POST", "/sortedset/{key}/zincrby", "sortedset.zincrby", {}, kScoreIncrement, kAnything},
      {"POST", "/sortedset/{key}/zrem", "sortedset.zrem", {}, kMembers, kNumberOf, "members"},
      {"POST", "/sortedset/{key}/zpopmin", "sortedset.zpopmin", {}, kCount, kMemberList},
      {"POST", "/sortedset/{key}/zpopmax", "sortedset.zpopmax", {}, kCount, kMemberList},
      {"GET",
       "/sortedset/{key}/zrange",
       "sortedset.zrange",
       {start, stop, scores, reverse},
       {},
       kMemberList},
      {"GET",
       "/sortedset/{key}/zrangebyscore",
       "sortedset.zrangebyscore",
       {min, max, offset, limit, scores, reverse},
       {},
       kMemberList},
      {"GET", "/sortedset/{key}/zscore", "sortedset.zscore", {member}, {}, kAnything},
      {"GET", "/sortedset/{key}/zrank", "sortedset.zrank", {member}, {}, kAnything},
      {"GET", "/sortedset/{key}/zcard", "sortedset.zcard", {}, {}, kNumberOf},
      {"GET", "/memory/{key}/usage", "memory.usage", {}, {}, kUsage},
      {"GET",
       "/structures",
       "structure.scan",
       {{"prefix", "of the keys"},
        {"cursor", "of the page before"},
        {"count", "keys at most; 100", kInteger}},
       {},
       kAnything},
      {"GET", "/structures/{key}", "structure.info", {}, {}, kAnything},
      {"DELETE", "/structures/{key}", "structure.del", {}, {}, kNumberOf},
      {"POST", "/structures/{key}/expire", "structure.expire", {}, kTtl, kNumberOf},
      {"POST", "/structures/{key}/persist", "structure.persist", {}, {}, kNumberOf},
  };
}

// A query parameter as the JSON that its schema says; anything else stays a text, and is refused
// with the name of the field.
void write_parameter(json::Writer& out, std::string_view schema, const std::string& text) {
  if (schema == kBoolean && (text == "true" || text == "false" || text.empty())) {
    out.value(text != "false");
    return;
  }
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
  if (schema == kInteger && whole) {
    out.value(number);
  } else {
    out.value(text);
  }
}

// The payload of the command, for a request. Errors: bad_request / invalid_json, body_not_object.
Result<std::string> payload_of(const RouteRow& row, const http::Request& request) {
  json::Writer out(request.body.size() + 64);
  out.begin_object();
  for (const std::string_view name : {"key", "field"}) {
    if (row.path.find("{" + std::string(name) + "}") == std::string_view::npos) continue;
    out.member(name, request.param(name));
  }
  for (const auto& parameter : row.query) {
    const auto text = request.query_value(parameter.name);
    if (!text) continue;
    out.key(parameter.name);
    write_parameter(out, parameter.schema, std::string(*text));
  }
  if (!row.request_schema.empty() && !request.body.empty()) {
    WEIR_TRY(json::check(request.body));
    const json::View body(request.body);
    if (body.is_array() && !row.array_as.empty()) {
      out.raw_member(row.array_as, body.raw());
    } else if (!body.is_object()) {
      return Error{Code::bad_request, "body_not_object", "The body must be a JSON object.", ""};
    }
    for (const auto& member : body.members()) out.raw_member(member.key(), member.value.raw());
  }
  return out.end_object().take();
}

void serve(Services& services, const RouteRow& row, const structures::Command& command,
           const Call& call) {
  const auto payload = payload_of(row, call.request());
  if (!payload) return call.fail(payload.error());
  run_structure(services, command, json::View(*payload), [call](Result<std::string> answer) {
    if (!answer) return call.fail(answer.error());
    call.reply(200, std::move(*answer));
  });
}

}  // namespace

void add_structure_commands(CommandTable& table, Services& services) {
  for (const RouteRow& made : rows()) {
    const auto row = std::make_shared<const RouteRow>(made);
    const structures::Command& command = *structures::find_command(row->command);
    const bool writes = command.write != nullptr;
    Command entry{.name = row->command, .method = row->method, .path = row->path};
    entry.tag = "Data structures";
    entry.scope = writes ? auth::Scope::kv_write : auth::Scope::kv_read;
    entry.body = row->request_schema.empty() ? Body::none : Body::raw;
    entry.max_body_bytes = kMaxBodyBytes;
    entry.summary = command.summary;
    entry.query = row->query;
    entry.request_schema = row->request_schema;
    entry.answers = {{200, command.answer, row->answer_schema}};
    entry.errors = {{Code::invalid, "invalid_payload"}, {Code::unavailable, "structures_off"}};
    if (!row->command.starts_with("structure.") && !row->command.starts_with("memory.")) {
      entry.errors.push_back({Code::conflict, "wrong_structure_type"});
    }
    if (writes) {
      entry.errors.push_back({Code::out_of_space, "memory_limit_exceeded"});
      entry.errors.push_back({Code::out_of_space, "too_many_elements"});
    } else {
      entry.errors.push_back({Code::too_large, "answer_too_large"});
    }
    entry.handler = [&services, row, &command](const Call& call) {
      serve(services, *row, command, call);
    };
    table.push_back(std::move(entry));
  }
}

}  // namespace weir::api
