// Payloads that are refused, with the field that is wrong.
#include "tests/unit/structures/harness.hpp"

namespace weir::structures {
namespace {

struct Bad {
  const char* command;
  std::string payload;
  const char* field;
};

TEST(Payload, SaysWhichFieldIsWrong) {
  const std::string long_key(kMaxKeyBytes + 1, 'k');
  const std::string long_member(kMaxMemberBytes + 1, 'm');
  const std::string long_value(kMaxValueBytes + 1, 'v');
  std::string many = "1";
  std::string many_keys = R"("k")";
  std::string many_scored = R"({"member":1,"score":1})";
  for (std::size_t i = 0; i < kMaxItems; ++i) {
    many += ",1";
    many_keys += R"(,"k")";
    many_scored += R"(,{"member":1,"score":1})";
  }
  const Bad cases[] = {
      {"hash.hlen", "{}", "key"},
      {"hash.hlen", R"({"key":""})", "key"},
      {"hash.hlen", R"({"key":7})", "key"},
      {"hash.hlen", R"({"key":")" + long_key + R"("})", "key"},
      {"hash.hlen", R"({"key":"k","more":1})", "more"},
      {"hash.hlen", "[]", ""},
      {"hash.hset", R"({"key":"k","value":1})", "field"},
      {"hash.hset", R"({"key":"k","field":1,"value":1})", "field"},
      {"hash.hset", R"({"key":"k","field":"f"})", "value"},
      {"hash.hset", R"({"key":"k","fields":{}})", "fields"},
      {"hash.hset", R"({"key":"k","fields":7})", "fields"},
      {"hash.hset", R"({"key":"k","fields":{"a":1},"field":"b"})", "field"},
      {"hash.hset", R"({"key":"k","fields":[{"field":"a","value":1},{"field":"b"}]})", "fields[1]"},
      {"hash.hset", R"({"key":"k","fields":{"a":")" + long_value + R"("}})", "fields.a"},
      {"hash.hset", R"({"key":"k","field":")" + long_member + R"(","value":1})", "value"},
      {"hash.hget", R"({"key":"k"})", "field"},
      {"hash.hget", R"({"key":"k","field":")" + long_member + R"("})", "field"},
      {"hash.hdel", R"({"key":"k"})", "fields"},
      {"hash.hdel", R"({"key":"k","fields":[]})", "fields"},
      {"hash.hdel", R"({"key":"k","fields":[1]})", "fields"},
      {"hash.hdel", R"({"key":"k","fields":["a"],"field":"b"})", "field"},
      {"hash.hincrby", R"({"key":"k","field":"f","increment":1.5})", "increment"},
      {"hash.hincrby", R"({"key":"k","field":"f","amount":"1"})", "amount"},
      {"hash.hincrby", R"({"key":"k","field":"f","increment":9223372036854775808})", "increment"},
      {"list.lpush", R"({"key":"k"})", "values"},
      {"list.lpush", R"({"key":"k","values":"a"})", "values"},
      {"list.lpush", R"({"key":"k","values":[]})", "values"},
      {"list.lpush", R"({"key":"k","values":[)" + many + "]}", "values"},
      {"list.rpush", R"({"key":"k","value":")" + long_value + R"("})", "value"},
      {"list.rpush", R"({"key":"k","values":[1,")" + long_value + R"("]})", "values[1]"},
      {"list.lpop", R"({"key":"k","count":-1})", "count"},
      {"list.lpop", R"({"key":"k","count":10001})", "count"},
      {"list.lrange", R"({"key":"k","start":"0"})", "start"},
      {"list.lrange", R"({"key":"k","stop":null})", "stop"},
      {"list.lindex", R"({"key":"k"})", "index"},
      {"list.lrem", R"({"key":"k"})", "value"},
      {"list.lrem", R"({"key":"k","value":1,"count":"2"})", "count"},
      {"set.sadd", R"({"key":"k"})", "members"},
      {"set.sadd", R"({"key":"k","member":")" + long_member + R"("})", "member"},
      {"set.sismember", R"({"key":"k"})", "member"},
      {"set.sismember", R"({"key":"k","member":")" + long_member + R"("})", "member"},
      {"set.sinter", "{}", "keys"},
      {"set.sinter", R"({"keys":[]})", "keys"},
      {"set.sinter", R"({"keys":["a",1]})", "keys[1]"},
      {"set.sinter", R"({"keys":[)" + many_keys + "]}", "keys"},
      {"sortedset.zadd", R"({"key":"k","score":1})", "member"},
      {"sortedset.zadd", R"({"key":"k","member":"m"})", "score"},
      {"sortedset.zadd", R"({"key":"k","member":"m","score":"nan"})", "score"},
      {"sortedset.zadd", R"({"key":"k","members":[]})", "members"},
      {"sortedset.zadd", R"({"key":"k","members":{}})", "members"},
      {"sortedset.zadd", R"({"key":"k","members":[{"member":"m"}]})", "members[0].score"},
      {"sortedset.zadd", R"({"key":"k","members":[{"score":1}]})", "members[0].member"},
      {"sortedset.zadd", R"({"key":"k","members":[)" + many_scored + "]}", "members"},
      {"sortedset.zadd", R"({"key":"k","member":"m","score":1,"members":[]})", "member"},
      {"sortedset.zadd", R"({"key":"k","member":"m","score":1,"nx":true,"xx":true})", "nx"},
      {"sortedset.zadd", R"({"key":"k","member":"m","score":1,"nx":true,"gt":true})", "nx"},
      {"sortedset.zadd", R"({"key":"k","member":"m","score":1,"lt":true,"gt":true})", "gt"},
      {"sortedset.zadd", R"({"key":"k","member":"m","score":1,"nx":1})", "nx"},
      {"sortedset.zincrby", R"({"key":"k","member":"m","increment":"x"})", "increment"},
      {"sortedset.zrangebyscore", R"({"key":"k","max":1})", "min"},
      {"sortedset.zrangebyscore", R"({"key":"k","min":1,"max":"((1"})", "max"},
      {"sortedset.zrangebyscore", R"({"key":"k","min":1,"max":2,"offset":-1})", "offset"},
      {"sortedset.zrangebyscore", R"({"key":"k","min":1,"max":2,"limit":-2})", "limit"},
      {"sortedset.zrange", R"({"key":"k","withscores":"yes"})", "withscores"},
      {"structure.del", "{}", "keys"},
      {"structure.expire", R"({"key":"k"})", "ttl"},
      {"structure.expire", R"({"key":"k","ttl":1.5})", "ttl"},
      {"structure.expire", R"({"key":"k","ttl":99999999999})", "ttl"},
      {"structure.scan", R"({"prefix":1})", "prefix"},
      {"structure.scan", R"({"cursor":1})", "cursor"},
      {"structure.scan", R"({"count":0})", "count"},
      {"structure.scan", R"({"count":1001})", "count"},
      {"structure.stats", R"({"key":"k"})", "key"},
  };
  Harness h;
  for (const auto& bad : cases) {
    const auto refused = h.call(bad.command, bad.payload);
    const std::string shown = std::string(bad.command) + " " + bad.payload.substr(0, 100);
    ASSERT_FALSE(refused) << shown;
    EXPECT_EQ(refused.error().code, Code::invalid) << shown;
    EXPECT_EQ(refused.error().reason, "invalid_payload") << shown;
    ASSERT_FALSE(refused.error().fields.empty()) << shown;
    EXPECT_EQ(refused.error().fields[0].field, bad.field)
        << shown << ": " << refused.error().details.substr(0, 200);
  }
  EXPECT_EQ(h.revision, 0U);
}

TEST(Payload, TellsOfAllFieldsAtOnce) {
  Harness h;
  const auto refused = h.call("sortedset.zadd", R"({"score":"x","nx":3,"other":1})");
  ASSERT_FALSE(refused);
  std::vector<std::string> fields;
  for (const auto& field : refused.error().fields) fields.push_back(field.field);
  EXPECT_THAT(fields, testing::ElementsAre("key", "member", "score", "nx", "other"));
}

TEST(Payload, TheLongestThatIsGood) {
  Harness h;
  const std::string key(kMaxKeyBytes, 'k');
  const std::string member = "\"" + std::string(kMaxMemberBytes - 2, 'm') + "\"";
  const std::string value = "\"" + std::string(kMaxValueBytes - 2, 'v') + "\"";
  EXPECT_EQ(h.answer("list.rpush", R"({"key":")" + key + R"(","value":)" + value + "}"),
            R"({"length":1})");
  EXPECT_EQ(h.answer("set.sadd", R"({"key":"s","member":)" + member + "}"), R"({"added":1})");
}

TEST(Commands, AliasesMeanTheSameCommand) {
  for (const auto commands : all_commands()) {
    for (const Command& command : commands) {
      EXPECT_EQ(find_command(command.name), &command);
      EXPECT_FALSE(command.summary.empty());
      EXPECT_FALSE(command.answer.empty());
      EXPECT_NE(command.write == nullptr, command.read == nullptr) << command.name;
      if (!command.alias.empty()) {
        EXPECT_EQ(find_command(command.alias), &command) << command.alias;
      }
      if (command.write != nullptr) {
        EXPECT_EQ(find_write(command.verb()), &command);
      }
    }
  }
  EXPECT_EQ(find_command("hash.fly"), nullptr);
  EXPECT_EQ(find_write("hget"), nullptr);
}

}  // namespace
}  // namespace weir::structures
