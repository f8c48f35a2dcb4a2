// The command API as the reference has it: every command answers with the members and types it
// promises, and refuses what it does not take.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>

#include "tests/support/server_suite.hpp"
#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

using testing::HasSubstr;

class Contract : public CommandSuite {};

char type_of(json::View value) {
  if (value.is_missing()) return '-';
  if (value.is_null()) return '0';
  if (value.is_object()) return 'o';
  if (value.is_array()) return 'a';
  if (value.as_string()) return 's';
  if (value.as_bool()) return 'b';
  return 'n';
}

// "name:types", a letter for each type that may be.
void expect_members(json::View payload, const std::string& members, const std::string& where) {
  std::istringstream in(members);
  for (std::string member; in >> member;) {
    const auto colon = member.find(':');
    const char type = type_of(payload.find(member.substr(0, colon)));
    EXPECT_NE(member.find(type, colon), std::string::npos)
        << where << ": " << member << " is '" << type << "' in " << payload.raw();
  }
}

struct Row {
  const char* command;
  const char* payload;
  const char* members;
};

// In an order that works; ID is the message_id of the last answer that had one.
constexpr Row kRows[] = {
    {"kv.set",
     R"({"key":"user:1001","value":{"name":"Alice","age":30},"ttl":3600,"nx":false,"xx":false})",
     "key:s success:b previous:0"},
    {"kv.get", R"({"key":"user:1001"})", "found:b value:o ttl:n"},
    {"kv.exists", R"({"key":"user:1001"})", "exists:b"},
    {"kv.ttl", R"({"key":"user:1001"})", "ttl:n"},
    {"kv.expire", R"({"key":"user:1001","ttl":60})", "result:b"},
    {"kv.persist", R"({"key":"user:1001"})", "result:b"},
    {"kv.ttl", R"({"key":"user:1001"})", "ttl:0"},
    {"kv.incr", R"({"key":"counter:views","amount":1})", "value:n"},
    {"kv.decr", R"({"key":"counter:views","amount":1})", "value:n"},
    {"kv.scan", R"({"prefix":"user:","cursor":null,"count":100})",
     "keys:a cursor:0s has_more:b count:n"},
    {"kv.keys", R"({"pattern":"user:*"})", "keys:a"},
    {"kv.dbsize", "{}", "count:n"},
    {"kv.stats", "{}", "total_keys:n"},
    {"kv.mset", R"({"pairs":[{"key":"a","value":1}]})", "success:b"},
    {"kv.mset", R"({"pairs":[["a",1]]})", "success:b"},
    {"kv.mset", R"({"pairs":{"a":1}})", "success:b"},
    {"kv.msetnx", R"({"key":"a","value":1})", "success:b"},
    {"kv.mget", R"({"keys":["a","missing"]})", "values:a"},
    {"kv.mdel", R"({"keys":["a"]})", "count:n"},
    {"kv.del", R"({"keys":["user:1001","user:1002"]})", "deleted:n"},
    {"kv.del", R"({"key":"user:1001"})", "deleted:b"},
    {"kv.get", R"({"key":"user:1001"})", "found:b value:-"},
    {"queue.create",
     R"({"queue":"tasks","config":{"max_depth":1000,)"
     R"("ack_deadline_secs":30,"default_max_retries":3,"default_priority":5}})",
     "success:b"},
    {"queue.publish",
     R"({"queue":"tasks","message":{"type":"process_video",)"
     R"("video_id":"vid_123"},"priority":8,"headers":{"source":"web-app"}})",
     "message_id:s position:n"},
    {"queue.consume", R"({"queue":"tasks","timeout":10,"ack_deadline":60})",
     "message_id:s message:o priority:n retry_count:n headers:o"},
    {"queue.ack", R"({"queue":"tasks","message_id":"ID"})", "success:b"},
    {"queue.consume", R"({"queue":"tasks"})", "message:0"},
    {"queue.publish", R"({"queue":"tasks","payload":1,"ttl":60,"delay":0})", "message_id:s"},
    {"queue.consume", R"({"queue":"tasks","consumer_id":"c"})", "message:o"},
    {"queue.publish", R"({"queue":"tasks","message":2})", "message_id:s position:n"},
    {"queue.consume", R"({"queue":"tasks"})", "message_id:s"},
    {"queue.nack", R"({"queue":"tasks","message_id":"ID","requeue":true})", "success:b action:s"},
    {"queue.stats", R"({"queue":"tasks"})",
     "queue:s depth:n consumers:n published_total:n consumed_total:n acked_total:n "
     "nacked_total:n dead_lettered_total:n oldest_message_age_secs:n published:n consumed:n"},
    {"queue.list", "{}", "queues:a"},
    {"queue.purge", R"({"queue":"tasks"})", "purged:n"},
    {"queue.delete", R"({"queue":"tasks"})", "deleted:b"},
    {"stream.create", R"({"room":"chat-room-1"})", "success:b"},
    {"stream.publish",
     R"({"room":"chat-room-1","event_type":"message",)"
     R"("data":{"user":"alice","text":"Hello everyone!"}})",
     "event_id:s offset:n subscribers_notified:n"},
    {"stream.publish", R"({"room":"chat-room-1","event":"join","data":"bob"})", "offset:n"},
    {"stream.history", R"({"room":"chat-room-1","from_offset":1,"to_offset":9,"limit":10})",
     "events:a oldest_offset:n newest_offset:n"},
    {"stream.consume", R"({"room":"chat-room-1","subscriber_id":"me","limit":1})",
     "events:a next_offset:n"},
    {"stream.stats", R"({"room":"chat-room-1"})",
     "room:s message_count:n oldest_offset:n newest_offset:n subscribers:n bytes:n "
     "last_activity:s"},
    {"stream.rooms", "{}", "rooms:a"},
    {"stream.list", "{}", "rooms:a"},
    {"stream.delete", R"({"room":"chat-room-1"})", "success:b"},
    {"pubsub.publish",
     R"({"topic":"notifications.email.user","message":{"to":)"
     R"("alice@example.com","subject":"Welcome!"}})",
     "message_id:s topic:s subscribers_notified:n subscribers_matched:n"},
    {"pubsub.publish", R"({"topic":"t","data":1,"metadata":{"source":"web-app"}})", "message_id:s"},
    {"pubsub.topics", R"({"pattern":"notifications.#"})", "topics:a"},
    {"pubsub.stats", "{}", ""},
    {"hash.hset", R"({"key":"h","field":"f","value":1})", ""},
    {"hash.hget", R"({"key":"h","field":"f"})", "found:b value:n"},
    {"hash.hmset", R"({"key":"h","fields":{"name":"Alice","age":30}})", ""},
    {"hash.hgetall", R"({"key":"h"})", "fields:o"},
    {"hash.hexists", R"({"key":"h","field":"f"})", "exists:b"},
    {"hash.hlen", R"({"key":"h"})", "length:n"},
    {"hash.hincrby", R"({"key":"h","field":"n","increment":2})", "value:n"},
    {"hash.hmget", R"({"key":"h","fields":["name"]})", "values:a"},
    {"hash.hkeys", R"({"key":"h"})", ""},
    {"hash.hvals", R"({"key":"h"})", "values:a"},
    {"hash.hdel", R"({"key":"h","field":"f"})", ""},
    {"hash.set", R"({"key":"h","field":"f","value":1})", ""},
    {"hash.mset", R"({"key":"h","fields":{"a":1}})", ""},
    {"hash.get", R"({"key":"h","field":"f"})", "found:b value:n"},
    {"hash.mget", R"({"key":"h","fields":["f"]})", "values:a"},
    {"hash.getall", R"({"key":"h"})", "fields:o"},
    {"hash.keys", R"({"key":"h"})", ""},
    {"hash.values", R"({"key":"h"})", "values:a"},
    {"hash.exists", R"({"key":"h","field":"f"})", "exists:b"},
    {"hash.len", R"({"key":"h"})", "length:n"},
    {"hash.incrby", R"({"key":"h","field":"n","increment":2})", "value:n"},
    {"hash.del", R"({"key":"h","field":"f"})", ""},
    {"list.lpush", R"({"key":"l","value":1})", "length:n"},
    {"list.rpush", R"({"key":"l","values":[2,3]})", "length:n"},
    {"list.lrange", R"({"key":"l","start":0,"stop":-1})", "values:a"},
    {"list.llen", R"({"key":"l"})", "length:n"},
    {"list.lindex", R"({"key":"l","index":0})", "found:b value:n"},
    {"list.index", R"({"key":"l","index":0})", "found:b value:n"},
    {"list.range", R"({"key":"l"})", "values:a"},
    {"list.len", R"({"key":"l"})", "length:n"},
    {"list.lrem", R"({"key":"l","value":3})", "removed:n"},
    {"list.rem", R"({"key":"l","value":4})", "removed:n"},
    {"list.lpop", R"({"key":"l","count":1})", "values:a"},
    {"list.rpop", R"({"key":"l"})", "values:a"},
    {"set.sadd", R"({"key":"s","members":["a","b"]})", "added:n"},
    {"set.srem", R"({"key":"s","member":"b"})", "removed:n"},
    {"set.smembers", R"({"key":"s"})", "members:a"},
    {"set.sismember", R"({"key":"s","member":"a"})", ""},
    {"set.scard", R"({"key":"s"})", "cardinality:n"},
    {"set.add", R"({"key":"s","member":"c"})", "added:n"},
    {"set.rem", R"({"key":"s","member":"c"})", "removed:n"},
    {"set.members", R"({"key":"s"})", "members:a"},
    {"set.ismember", R"({"key":"s","member":"a"})", ""},
    {"set.card", R"({"key":"s"})", "cardinality:n"},
    {"set.inter", R"({"keys":["s","t"]})", "members:a"},
    {"set.union", R"({"keys":["s","t"]})", "members:a"},
    {"set.diff", R"({"keys":["s","t"]})", "members:a"},
    {"set.sinter", R"({"keys":["s","t"]})", "members:a"},
    {"set.sunion", R"({"keys":["s","t"]})", "members:a"},
    {"set.sdiff", R"({"keys":["s","t"]})", "members:a"},
    {"sortedset.zadd", R"({"key":"z","member":"player1","score":100.5})", "added:n updated:n"},
    {"zset.zadd", R"({"key":"z","members":[{"member":"player2","score":200.0}],"gt":true})",
     "added:n"},
    {"sortedset.zscore", R"({"key":"z","member":"player1"})", "score:n"},
    {"sortedset.zrank", R"({"key":"z","member":"player2"})", "rank:n"},
    {"sortedset.zrevrank", R"({"key":"z","member":"player2"})", "rank:n"},
    {"sortedset.zrange", R"({"key":"z","start":0,"stop":-1})", "members:a"},
    {"sortedset.zrevrange", R"({"key":"z","start":0,"stop":-1})", "members:a"},
    {"sortedset.zrangebyscore", R"({"key":"z","min":0,"max":300})", "members:a"},
    {"sortedset.zcount", R"({"key":"z","min":0,"max":300})", "count:n"},
    {"sortedset.zincrby", R"({"key":"z","member":"player1","increment":1})", "score:n"},
    {"sortedset.zcard", R"({"key":"z"})", "count:n"},
    {"sortedset.zrem", R"({"key":"z","member":"player1"})", "removed:n"},
    {"sortedset.zpopmin", R"({"key":"z"})", "members:a"},
    {"sortedset.zpopmax", R"({"key":"z"})", "members:a"},
    {"memory.usage", R"({"key":"nothing"})", "bytes:n human:s"},
    {"structure.exists", R"({"keys":["h"]})", "count:n"},
    {"structure.type", R"({"key":"h"})", "type:s"},
    {"structure.ttl", R"({"key":"h"})", "ttl:0"},
    {"structure.expire", R"({"key":"h","ttl":60})", "result:b"},
    {"structure.persist", R"({"key":"h"})", "result:b"},
    {"structure.info", R"({"key":"h"})", "found:b type:s count:n bytes:n"},
    {"structure.scan", R"({"prefix":"h"})", "keys:a cursor:0s has_more:b count:n"},
    {"structure.stats", "{}", "bytes:n human:s"},
    {"structure.del", R"({"keys":["h"]})", "deleted:n"},
    {"admin.stats", "{}", "server:o memory:o kv:o queues:o streams:o pubsub:o"},
    {"admin.health", "{}", "status:s version:s role:s uptime_secs:n components:o"},
    {"admin.config", "{}", "config:o"},
    {"replication.status", "{}", "role:s applied:n log_last:n lag_entries:n lag_ms:n replicas:a"},
    {"replication.promote", R"({"force":false})", "success:b role:s"},
    {"replication.resync", "{}", "success:b"},
};

// Those that push go over a socket; stopping the server is tried in nats_commands_test.cpp.
const std::set<std::string> kElsewhere{
    "stream.subscribe", "stream.unsubscribe", "pubsub.subscribe", "pubsub.unsubscribe",
    "kv.watch",         "kv.unwatch",         "admin.shutdown"};

// Of every command that the server lists: the members that it takes, with ! where one must be.
std::map<std::string, std::string> listed(const std::string& openapi) {
  static const std::regex line(
      R"(`([a-z]+\.[a-z_]+)`: [^`]*?(?: Takes ([^.]*)\.)?(?: Answers [^`]*)? Scope `)");
  std::map<std::string, std::string> out;
  const auto from = openapi.find("that is not atomic");
  const std::string text = openapi.substr(from, openapi.find("`.\"", from) - from);
  for (auto at = std::sregex_iterator(text.begin(), text.end(), line); at != std::sregex_iterator();
       ++at) {
    out[(*at)[1]] = (*at)[2];
  }
  return out;
}

TEST_F(Contract, EveryCommandAnswersAsItPromises) {
  std::set<std::string> tried;
  std::string message_id;
  for (const auto& row : kRows) {
    std::string payload = row.payload;
    if (const auto at = payload.find("\"ID\""); at != std::string::npos) {
      payload.replace(at + 1, 2, message_id);
    }
    // A resync is over when the server answers again.
    HttpAnswer answer;
    ASSERT_TRUE(wait_until([&] {
      answer = ask(row.command, payload);
      return answer.status != 503;
    })) << row.command;
    ASSERT_EQ(answer.status, 200) << row.command << payload << answer.body;
    const auto frame = answer.json();
    EXPECT_EQ(frame.find("type").as_string(), "response");
    EXPECT_EQ(frame.find("status").as_string(), "success");
    EXPECT_EQ(frame.find("success").raw(), "true");
    EXPECT_FALSE(frame.find("request_id").as_string().value_or("").empty());
    expect_members(frame.find("payload"), row.members, row.command);
    if (const auto id = frame.find("payload").find("message_id").as_string()) message_id = *id;
    tried.insert(row.command);
  }
  ASSERT_TRUE(wait_until([] { return server_->client().get("/v1/queues").status == 200; }));
  const auto all = listed(server_->client().get("/openapi.json").body);
  EXPECT_GT(all.size(), 90U);
  for (const auto& [name, takes] : all) {
    if (name.starts_with("zset.")) continue;  // other names
    EXPECT_TRUE(tried.contains(name) || kElsewhere.contains(name)) << name;
  }
  for (const auto& name : tried) EXPECT_TRUE(all.contains(name)) << name;
}

TEST_F(Contract, EveryCommandNamesTheMemberThatIsWrong) {
  for (const auto& [name, takes] : listed(server_->client().get("/openapi.json").body)) {
    const auto unknown = ask(name, R"({"no_such_member":1})");
    const bool pushes = kElsewhere.contains(name) && name != "admin.shutdown";
    if (pushes) {
      EXPECT_EQ(code(unknown), "INVALID_COMMAND") << name << ": it needs a socket";
      continue;
    }
    EXPECT_EQ(unknown.status, 422) << name << unknown.body;
    EXPECT_EQ(code(unknown), "INVALID_PAYLOAD") << name;
    EXPECT_THAT(unknown.body, HasSubstr(R"("field":"no_such_member")")) << name;
    const auto not_an_object = ask(name, "[1]");
    EXPECT_EQ(code(not_an_object), "INVALID_PAYLOAD") << name << not_an_object.body;
    std::istringstream members(takes);
    for (std::string member; std::getline(members >> std::ws, member, ',');) {
      if (!member.ends_with('!')) continue;
      member.pop_back();
      const auto without = ask(name, "{}");
      EXPECT_EQ(without.status, 422) << name << without.body;
      EXPECT_EQ(code(without), "INVALID_PAYLOAD") << name;
      EXPECT_THAT(without.body, HasSubstr("\"" + member + "\"")) << name;
      // An object is what no required member of these takes, but for values.
      if (member == "value" || member == "message" || member == "data" || member == "pairs" ||
          member == "fields") {
        continue;
      }
      const auto wrong = ask(name, "{\"" + member + "\":{\"wrong\":true}}");
      EXPECT_EQ(code(wrong), "INVALID_PAYLOAD") << name << "." << member << wrong.body;
    }
  }
}

TEST_F(Contract, TheBatchOfTheReference) {
  const auto answer = send(R"({"type":"batch","request_id":"batch-001","commands":[
    {"command":"kv.set","payload":{"key":"user:1","value":"data1"}},
    {"command":"kv.set","payload":{"key":"user:2","value":"data2"}},
    {"command":"kv.get","payload":{"key":"user:1"}},
    {"command":"kv.fly"}]})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json().find("type").as_string(), "batch_response");
  EXPECT_EQ(answer.json().find("request_id").as_string(), "batch-001");
  std::vector<std::string> results;
  for (const auto result : answer.json().find("results").elements()) {
    results.emplace_back(result.raw());
  }
  ASSERT_EQ(results.size(), 4U);
  EXPECT_EQ(json::View(results[0]).find("payload").find("success").raw(), "true");
  EXPECT_EQ(json::View(results[2]).find("payload").find("value").raw(), "\"data1\"");
  EXPECT_EQ(json::View(results[2]).find("payload").find("found").raw(), "true");
  EXPECT_EQ(json::View(results[3]).find("status").raw(), "\"error\"");
  EXPECT_EQ(json::View(results[3]).find("error").find("code").raw(), "\"INVALID_COMMAND\"");
}

// What pushes, with the reference's frames.
TEST_F(Contract, SubscriptionsOfTheReference) {
  auto socket = connect();
  ASSERT_TRUE(socket.accepted());
  const auto hear = [&](const char* request) {
    if (*request != '\0') socket.say(request);
    static std::string heard;
    heard = socket.hear();
    EXPECT_TRUE(json::check(heard)) << heard;
    return json::View(heard);
  };
  EXPECT_EQ(hear(R"({"request_id":"ws-001","command":"stream.subscribe",)"
                 R"("payload":{"room":"chat-1","from_offset":null,"replay":false}})")
                .find("request_id")
                .as_string(),
            "ws-001");
  ASSERT_EQ(ask("stream.publish", R"({"room":"chat-1","event_type":"join","data":{"u":1}})").status,
            200);
  expect_members(hear(""), "type:s room:s offset:n event_type:s data:o", "event");
  hear(R"({"command":"stream.unsubscribe","payload":{"room":"chat-1"}})");
  hear(R"({"command":"pubsub.subscribe","payload":{)"
       R"("topics":["notifications.email.*","events.user.#"]}})");
  const auto sent = server_->client().post("/pubsub/notifications.email.user/publish",
                                           R"({"payload":{"to":"alice@example.com"},)"
                                           R"("metadata":{"source":"web-app","priority":"high"}})");
  ASSERT_EQ(sent.status, 200) << sent.body;
  EXPECT_EQ(sent.json().find("subscribers_notified").raw(), "1");
  const auto message = hear("");
  expect_members(message, "type:s topic:s message:o", "message");
  EXPECT_EQ(message.find("type").as_string(), "message");
  EXPECT_EQ(message.find("topic").as_string(), "notifications.email.user");
  ASSERT_EQ(
      server_->client().post("/pubsub/events.user.login/publish", R"({"data":{"n":1}})").status,
      200);
  EXPECT_EQ(hear("").find("topic").as_string(), "events.user.login");
  const auto left =
      hear(R"({"command":"pubsub.unsubscribe","payload":{"topics":["events.user.#"]}})");
  EXPECT_EQ(left.find("status").as_string(), "success");
}

}  // namespace
}  // namespace weir::test
