// Every command: what it answers, in what order of calls, and how it refuses another type.
#include "tests/unit/structures/harness.hpp"

namespace weir::structures {
namespace {

struct Step {
  const char* command;
  const char* payload;
  const char* answer;  // JSON, or "!" and a reason
};
struct Script {
  const char* name;
  std::vector<Step> steps;
};

class Commands : public testing::TestWithParam<Script> {};

TEST_P(Commands, Answer) {
  Harness h;
  for (const Step& step : GetParam().steps) {
    EXPECT_EQ(h.answer(step.command, step.payload), step.answer)
        << step.command << " " << step.payload;
    h.expect_counts_true();
  }
}

const Script kScripts[] = {
    {"HashSetGet",
     {{"hash.hget", R"({"key":"h","field":"a"})", R"({"found":false,"value":null})"},
      {"hash.hset", R"({"key":"h","field":"a","value":{"x":[1]}})",
       R"({"success":true,"added":1})"},
      {"hash.hset", R"({"key":"h","field":"a","value":"two"})", R"({"success":true,"added":0})"},
      {"hash.hset", R"({"key":"h","fields":{"b":1,"c":null}})", R"({"success":true,"added":2})"},
      {"hash.hmset",
       R"({"key":"h","fields":[{"field":"d","value":2.50},{"field":"a","value":"3"}]})",
       R"({"success":true,"added":1})"},
      {"hash.hget", R"({"key":"h","field":"a"})", R"({"found":true,"value":"3"})"},
      {"hash.hget", R"({"key":"h","field":"c"})", R"({"found":true,"value":null})"},
      {"hash.hmget", R"({"key":"h","fields":["d","none","b"]})", R"({"values":[2.50,null,1]})"},
      {"hash.hgetall", R"({"key":"h"})", R"({"fields":{"a":"3","b":1,"c":null,"d":2.50}})"},
      {"hash.hkeys", R"({"key":"h"})", R"({"fields":["a","b","c","d"]})"},
      {"hash.hvals", R"({"key":"h"})", R"({"values":["3",1,null,2.50]})"},
      {"hash.hexists", R"({"key":"h","field":"b"})", R"({"exists":true})"},
      {"hash.hexists", R"({"key":"h","field":"z"})", R"({"exists":false})"},
      {"hash.hlen", R"({"key":"h"})", R"({"length":4})"}}},
    {"HashDeleteEmptiesTheKey",
     {{"hash.hdel", R"({"key":"h","field":"a"})", R"({"deleted":0})"},
      {"hash.hset", R"({"key":"h","fields":{"a":1,"b":2}})", R"({"success":true,"added":2})"},
      {"hash.hdel", R"({"key":"h","fields":["a","b","a","c"]})", R"({"deleted":2})"},
      {"structure.type", R"({"key":"h"})", R"({"type":"none"})"},
      {"hash.hgetall", R"({"key":"h"})", R"({"fields":{}})"},
      {"hash.hlen", R"({"key":"h"})", R"({"length":0})"},
      {"list.rpush", R"({"key":"h","value":1})", R"({"length":1})"}}},
    {"HashIncrement",
     {{"hash.hincrby", R"({"key":"h","field":"n"})", R"({"value":1})"},
      {"hash.hincrby", R"({"key":"h","field":"n","increment":-11})", R"({"value":-10})"},
      {"hash.hincrby", R"({"key":"h","field":"n","amount":3})", R"({"value":-7})"},
      {"hash.hset", R"({"key":"h","field":"s","value":"41"})", R"({"success":true,"added":1})"},
      {"hash.hincrby", R"({"key":"h","field":"s","increment":1})", R"({"value":42})"},
      {"hash.hget", R"({"key":"h","field":"s"})", R"({"found":true,"value":"42"})"},
      {"hash.hset",
       R"({"key":"h","fields":{"t":"4x","f":1.5,"o":{},"m":9223372036854775807,)"
       R"("l":-9223372036854775808}})",
       R"({"success":true,"added":5})"},
      {"hash.hincrby", R"({"key":"h","field":"t"})", "!not_an_integer"},
      {"hash.hincrby", R"({"key":"h","field":"f"})", "!not_an_integer"},
      {"hash.hincrby", R"({"key":"h","field":"o"})", "!not_an_integer"},
      {"hash.hincrby", R"({"key":"h","field":"m"})", "!increment_overflow"},
      {"hash.hincrby", R"({"key":"h","field":"l","increment":-1})", "!increment_overflow"},
      {"hash.hget", R"({"key":"h","field":"m"})",
       R"({"found":true,"value":9223372036854775807})"}}},
    {"ListEnds",
     {{"list.lpop", R"({"key":"l"})", R"({"values":[]})"},
      {"list.lpush", R"({"key":"l","values":["a","b"]})", R"({"length":2})"},
      {"list.rpush", R"({"key":"l","value":{"c":1}})", R"({"length":3})"},
      {"list.lrange", R"({"key":"l"})", R"({"values":["b","a",{"c":1}]})"},
      {"list.lpop", R"({"key":"l"})", R"({"values":["b"]})"},
      {"list.rpop", R"({"key":"l","count":0})", R"({"values":[]})"},
      {"list.rpop", R"({"key":"l","count":5})", R"({"values":[{"c":1},"a"]})"},
      {"list.llen", R"({"key":"l"})", R"({"length":0})"},
      {"structure.exists", R"({"key":"l"})", R"({"exists":false,"count":0})"}}},
    {"ListRanges",
     {{"list.rpush", R"({"key":"l","values":[0,1,2,3,4]})", R"({"length":5})"},
      {"list.lrange", R"({"key":"l","start":1,"stop":2})", R"({"values":[1,2]})"},
      {"list.lrange", R"({"key":"l","start":-2,"stop":-1})", R"({"values":[3,4]})"},
      {"list.lrange", R"({"key":"l","start":-100,"stop":100})", R"({"values":[0,1,2,3,4]})"},
      {"list.lrange", R"({"key":"l","start":3,"stop":1})", R"({"values":[]})"},
      {"list.lrange", R"({"key":"l","start":5,"stop":9})", R"({"values":[]})"},
      {"list.lrange", R"({"key":"l","start":-9223372036854775808,"stop":9223372036854775807})",
       R"({"values":[0,1,2,3,4]})"},
      {"list.lrange", R"({"key":"l","start":0,"stop":-9223372036854775808})", R"({"values":[]})"},
      {"list.lindex", R"({"key":"l","index":-1})", R"({"found":true,"value":4})"},
      {"list.lindex", R"({"key":"l","index":5})", R"({"found":false,"value":null})"},
      {"list.lindex", R"({"key":"none","index":0})", R"({"found":false,"value":null})"}}},
    {"ListRemove",
     {{"list.lrem", R"({"key":"l","value":1})", R"({"removed":0})"},
      {"list.rpush", R"({"key":"l","values":["x","a","x","b","x","c","x"]})", R"({"length":7})"},
      {"list.lrem", R"({"key":"l","count":1,"value":"x"})", R"({"removed":1})"},
      {"list.lrange", R"({"key":"l"})", R"({"values":["a","x","b","x","c","x"]})"},
      {"list.lrem", R"({"key":"l","count":-2,"value":"\u0078"})", R"({"removed":2})"},
      {"list.lrange", R"({"key":"l"})", R"({"values":["a","x","b","c"]})"},
      {"list.lindex", R"({"key":"l","index":3})", R"({"found":true,"value":"c"})"},
      {"list.rpush", R"({"key":"l","value":{"k" : [1, 2]}})", R"({"length":5})"},
      {"list.lrem", R"({"key":"l","value":{"k":[1,2]}})", R"({"removed":1})"},
      {"list.lrem", R"({"key":"l","count":-9223372036854775808,"value":"x"})", R"({"removed":1})"},
      {"list.lpush", R"({"key":"l","value":"z"})", R"({"length":4})"},
      {"list.lrange", R"({"key":"l"})", R"({"values":["z","a","b","c"]})"},
      {"list.lrem", R"({"key":"l","value":"none"})", R"({"removed":0})"},
      {"structure.del", R"({"key":"l"})", R"({"deleted":1})"},
      {"list.rpush", R"({"key":"l","values":[1,1]})", R"({"length":2})"},
      {"list.lrem", R"({"key":"l","value":1})", R"({"removed":2})"},
      {"structure.type", R"({"key":"l"})", R"({"type":"none"})"}}},
    {"Sets",
     {{"set.sadd", R"({"key":"s","members":["b","a","b",1,1.0,{"x" : 1}]})", R"({"added":5})"},
      {"set.sadd", R"({"key":"s","member":"\u0061"})", R"({"added":0})"},
      {"set.scard", R"({"key":"s"})", R"({"cardinality":5})"},
      {"set.smembers", R"({"key":"s"})", R"({"members":[1,1.0,{"x":1},"a","b"]})"},
      {"set.sismember", R"({"key":"s","member":{"x":1}})", R"({"is_member":true})"},
      {"set.sismember", R"({"key":"s","member":"1"})", R"({"is_member":false})"},
      {"set.srem", R"({"key":"s","members":["a","zz",1.0]})", R"({"removed":2})"},
      {"set.srem", R"({"key":"none","member":"a"})", R"({"removed":0})"},
      {"set.srem", R"({"key":"s","members":["b",1,{"x":1},"b"]})", R"({"removed":3})"},
      {"structure.exists", R"({"key":"s"})", R"({"exists":false,"count":0})"},
      {"set.smembers", R"({"key":"s"})", R"({"members":[]})"},
      {"set.scard", R"({"key":"s"})", R"({"cardinality":0})"}}},
    {"SetAlgebra",
     {{"set.sadd", R"({"key":"a","members":["1","2","3","4"]})", R"({"added":4})"},
      {"set.sadd", R"({"key":"b","members":["3","4","5"]})", R"({"added":3})"},
      {"set.sadd", R"({"key":"c","members":["4","6"]})", R"({"added":2})"},
      {"set.sinter", R"({"keys":["a","b"]})", R"({"members":["3","4"]})"},
      {"set.sinter", R"({"keys":["a","b","c"]})", R"({"members":["4"]})"},
      {"set.sinter", R"({"keys":["a","none"]})", R"({"members":[]})"},
      {"set.sinter", R"({"key":"c"})", R"({"members":["4","6"]})"},
      {"set.sinter", R"({"keys":["c","c"]})", R"({"members":["4","6"]})"},
      {"set.sunion", R"({"keys":["c","none","b"]})", R"({"members":["3","4","5","6"]})"},
      {"set.sdiff", R"({"keys":["a","b","none","c"]})", R"({"members":["1","2"]})"},
      {"set.sdiff", R"({"keys":["none","a"]})", R"({"members":[]})"},
      {"hash.hset", R"({"key":"h","field":"a","value":1})", R"({"success":true,"added":1})"},
      {"set.sinter", R"({"keys":["none","h"]})", "!wrong_structure_type"},
      {"set.sunion", R"({"keys":["a","h"]})", "!wrong_structure_type"},
      {"set.sdiff", R"({"keys":["a","h"]})", "!wrong_structure_type"}}},
    {"SortedSetAdd",
     {{"sortedset.zadd", R"({"key":"z","member":"player1","score":100.5})",
       R"({"added":1,"updated":0})"},
      {"sortedset.zadd",
       R"({"key":"z","members":[{"member":"player1","score":100.5},{"member":"player2",)"
       R"("score":200.0}]})",
       R"({"added":1,"updated":0})"},
      {"sortedset.zadd", R"({"key":"z","member":"player1","score":7})",
       R"({"added":0,"updated":1})"},
      {"sortedset.zscore", R"({"key":"z","member":"player1"})", R"({"score":7})"},
      {"sortedset.zscore", R"({"key":"z","member":"nobody"})", R"({"score":null})"},
      {"sortedset.zadd", R"({"key":"z","member":"player1","score":8,"nx":true})",
       R"({"added":0,"updated":0})"},
      {"sortedset.zadd", R"({"key":"z","member":"player3","score":8,"xx":true})",
       R"({"added":0,"updated":0})"},
      {"sortedset.zadd", R"({"key":"none","member":"player3","score":8,"xx":true})",
       R"({"added":0,"updated":0})"},
      {"structure.type", R"({"key":"none"})", R"({"type":"none"})"},
      {"sortedset.zadd", R"({"key":"z","member":"player1","score":6,"gt":true})",
       R"({"added":0,"updated":0})"},
      {"sortedset.zadd", R"({"key":"z","member":"player1","score":9,"gt":true,"xx":true})",
       R"({"added":0,"updated":1})"},
      {"sortedset.zadd", R"({"key":"z","member":"player1","score":10,"lt":true})",
       R"({"added":0,"updated":0})"},
      {"sortedset.zadd", R"({"key":"z","member":"player1","score":-1.25,"lt":true})",
       R"({"added":0,"updated":1})"},
      {"sortedset.zadd", R"({"key":"z","member":"new","score":"-inf","gt":true})",
       R"({"added":1,"updated":0})"},
      {"sortedset.zrange", R"({"key":"z","withscores":true})",
       R"({"members":[{"member":"new","score":"-inf"},{"member":"player1","score":-1.25},)"
       R"({"member":"player2","score":200}]})"},
      {"sortedset.zcard", R"({"key":"z"})", R"({"count":3})"}}},
    {"SortedSetOrder",
     {{"sortedset.zadd",
       R"({"key":"z","members":[{"member":"b","score":1},{"member":"a!","score":1},)"
       R"({"member":"a","score":1},{"member":"c","score":-2},{"member":"d","score":3}]})",
       R"({"added":5,"updated":0})"},
      {"sortedset.zrange", R"({"key":"z"})", R"({"members":["c","a","a!","b","d"]})"},
      {"sortedset.zrange", R"({"key":"z","start":3,"stop":4})", R"({"members":["b","d"]})"},
      {"sortedset.zrange", R"({"key":"z","start":-2,"stop":-2,"withscores":true})",
       R"({"members":[{"member":"b","score":1}]})"},
      {"sortedset.zrange", R"({"key":"z","start":0,"stop":1,"rev":true})",
       R"({"members":["d","b"]})"},
      {"sortedset.zrevrange", R"({"key":"z","start":3,"stop":9})", R"({"members":["a","c"]})"},
      {"sortedset.zrange", R"({"key":"z","start":4,"stop":2})", R"({"members":[]})"},
      {"sortedset.zrank", R"({"key":"z","member":"a!"})", R"({"rank":2})"},
      {"sortedset.zrevrank", R"({"key":"z","member":"a!"})", R"({"rank":2})"},
      {"sortedset.zrank", R"({"key":"z","member":"d"})", R"({"rank":4})"},
      {"sortedset.zrevrank", R"({"key":"z","member":"d"})", R"({"rank":0})"},
      {"sortedset.zrank", R"({"key":"z","member":"x"})", R"({"rank":null})"},
      {"sortedset.zrank", R"({"key":"none","member":"x"})", R"({"rank":null})"}}},
    {"SortedSetByScore",
     {{"sortedset.zadd",
       R"({"key":"z","members":[{"member":"a","score":1},{"member":"b","score":2},)"
       R"({"member":"c","score":3},{"member":"m","score":"-inf"},{"member":"p",)"
       R"("score":"inf"}]})",
       R"({"added":5,"updated":0})"},
      {"sortedset.zrangebyscore", R"({"key":"z","min":1,"max":3})", R"({"members":["a","b","c"]})"},
      {"sortedset.zrangebyscore", R"({"key":"z","min":"(1","max":"(3"})", R"({"members":["b"]})"},
      {"sortedset.zrangebyscore", R"({"key":"z","min":"-inf","max":"+inf"})",
       R"({"members":["m","a","b","c","p"]})"},
      {"sortedset.zrangebyscore", R"({"key":"z","min":"(-inf","max":"(inf"})",
       R"({"members":["a","b","c"]})"},
      {"sortedset.zrangebyscore", R"({"key":"z","min":3,"max":1})", R"({"members":[]})"},
      {"sortedset.zrangebyscore",
       R"({"key":"z","min":"-inf","max":"inf","offset":1,"limit":2,"withscores":true})",
       R"({"members":[{"member":"a","score":1},{"member":"b","score":2}]})"},
      {"sortedset.zrangebyscore", R"({"key":"z","min":1,"max":"2.5","rev":true})",
       R"({"members":["b","a"]})"},
      {"sortedset.zcount", R"({"key":"z","min":"(1","max":"inf"})", R"({"count":3})"},
      {"sortedset.zcount", R"({"key":"none","min":0,"max":1})", R"({"count":0})"},
      {"sortedset.zrangebyscore", R"({"key":"none","min":0,"max":1})", R"({"members":[]})"}}},
    {"SortedSetChange",
     {{"sortedset.zincrby", R"({"key":"z","member":"a"})", R"({"score":1})"},
      {"sortedset.zincrby", R"({"key":"z","member":"a","increment":-3.5})", R"({"score":-2.5})"},
      {"sortedset.zincrby", R"({"key":"z","member":"b","increment":"inf"})", R"({"score":"inf"})"},
      {"sortedset.zincrby", R"({"key":"z","member":"b","increment":"-inf"})",
       "!score_not_a_number"},
      {"sortedset.zadd", R"({"key":"z","member":"c","score":0})", R"({"added":1,"updated":0})"},
      {"sortedset.zpopmin", R"({"key":"z"})", R"({"members":[{"member":"a","score":-2.5}]})"},
      {"sortedset.zpopmax", R"({"key":"z"})", R"({"members":[{"member":"b","score":"inf"}]})"},
      {"sortedset.zrem", R"({"key":"z","members":["x","c","c"]})", R"({"removed":1})"},
      {"structure.type", R"({"key":"z"})", R"({"type":"none"})"},
      {"sortedset.zrem", R"({"key":"z","member":"c"})", R"({"removed":0})"},
      {"sortedset.zpopmin", R"({"key":"z","count":3})", R"({"members":[]})"},
      {"zset.zadd", R"({"key":"z","members":[{"member":"a","score":1},{"member":"b","score":2}]})",
       R"({"added":2,"updated":0})"},
      {"zset.zpopmax", R"({"key":"z","count":9})",
       R"({"members":[{"member":"b","score":2},{"member":"a","score":1}]})"},
      {"sortedset.zcard", R"({"key":"z"})", R"({"count":0})"}}},
    {"KeysOfAnyKind",
     {{"structure.stats", "{}",
       R"({"types":{"hash":{"keys":0,"elements":0},"list":{"keys":0,"elements":0},)"
       R"("set":{"keys":0,"elements":0},"zset":{"keys":0,"elements":0}},"bytes":0,)"
       R"("human":"0B","max_bytes":1073741824,"max_elements":1000000})"},
      {"memory.usage", R"({"key":"a"})", R"({"bytes":0,"human":"0B"})"},
      {"list.rpush", R"({"key":"a1","values":[1,2]})", R"({"length":2})"},
      {"set.sadd", R"({"key":"a2","member":1})", R"({"added":1})"},
      {"sortedset.zadd", R"({"key":"b1","member":"m","score":1})", R"({"added":1,"updated":0})"},
      {"hash.hset", R"({"key":"ü","field":"f","value":1})", R"({"success":true,"added":1})"},
      {"structure.type", R"({"key":"a1"})", R"({"type":"list"})"},
      {"structure.type", R"({"key":"a2"})", R"({"type":"set"})"},
      {"structure.type", R"({"key":"b1"})", R"({"type":"zset"})"},
      {"structure.type", R"({"key":"ü"})", R"({"type":"hash"})"},
      {"memory.usage", R"({"key":"a1"})", R"({"bytes":260,"human":"260B"})"},
      {"structure.info", R"({"key":"a1"})",
       R"({"found":true,"type":"list","count":2,"bytes":260,"ttl":null})"},
      {"structure.info", R"({"key":"none"})",
       R"({"found":false,"type":"none","count":0,"bytes":0,"ttl":null})"},
      {"structure.scan", R"({"count":2})",
       R"({"keys":["a1","a2"],"cursor":"a2","has_more":true,"count":2})"},
      {"structure.scan", R"({"count":2,"cursor":"a2"})",
       R"({"keys":["b1","ü"],"cursor":null,"has_more":false,"count":2})"},
      {"structure.scan", R"({"prefix":"a","cursor":null})",
       R"({"keys":["a1","a2"],"cursor":null,"has_more":false,"count":2})"},
      {"structure.scan", R"({"prefix":"b","cursor":"a1"})",
       R"({"keys":["b1"],"cursor":null,"has_more":false,"count":1})"},
      {"structure.exists", R"({"keys":["a1","none","b1"]})", R"({"exists":true,"count":2})"},
      {"structure.del", R"({"keys":["a1","none","b1","a1"]})", R"({"deleted":2})"},
      {"structure.exists", R"({"keys":["a1","none","b1"]})", R"({"exists":false,"count":0})"}}},
};

INSTANTIATE_TEST_SUITE_P(Each, Commands, testing::ValuesIn(kScripts),
                         [](const auto& one) { return one.param.name; });

// A command of one kind, with the least payload that is good.
struct Sample {
  const char* command;
  const char* payload;  // for key "k"
};
constexpr Sample kSamples[] = {
    {"hash.hset", R"({"key":"k","field":"a","value":1})"},
    {"hash.hmset", R"({"key":"k","fields":{"a":1}})"},
    {"hash.hdel", R"({"key":"k","field":"a"})"},
    {"hash.hincrby", R"({"key":"k","field":"a"})"},
    {"hash.hget", R"({"key":"k","field":"a"})"},
    {"hash.hmget", R"({"key":"k","fields":["a"]})"},
    {"hash.hgetall", R"({"key":"k"})"},
    {"hash.hkeys", R"({"key":"k"})"},
    {"hash.hvals", R"({"key":"k"})"},
    {"hash.hexists", R"({"key":"k","field":"a"})"},
    {"hash.hlen", R"({"key":"k"})"},
    {"list.lpush", R"({"key":"k","value":1})"},
    {"list.rpush", R"({"key":"k","value":1})"},
    {"list.lpop", R"({"key":"k"})"},
    {"list.rpop", R"({"key":"k"})"},
    {"list.lrem", R"({"key":"k","value":1})"},
    {"list.lrange", R"({"key":"k"})"},
    {"list.lindex", R"({"key":"k","index":0})"},
    {"list.llen", R"({"key":"k"})"},
    {"set.sadd", R"({"key":"k","member":1})"},
    {"set.srem", R"({"key":"k","member":1})"},
    {"set.smembers", R"({"key":"k"})"},
    {"set.sismember", R"({"key":"k","member":1})"},
    {"set.scard", R"({"key":"k"})"},
    {"set.sinter", R"({"key":"k"})"},
    {"set.sunion", R"({"key":"k"})"},
    {"set.sdiff", R"({"key":"k"})"},
    {"sortedset.zadd", R"({"key":"k","member":1,"score":1})"},
    {"sortedset.zincrby", R"({"key":"k","member":1})"},
    {"sortedset.zrem", R"({"key":"k","member":1})"},
    {"sortedset.zpopmin", R"({"key":"k"})"},
    {"sortedset.zpopmax", R"({"key":"k"})"},
    {"sortedset.zscore", R"({"key":"k","member":1})"},
    {"sortedset.zrank", R"({"key":"k","member":1})"},
    {"sortedset.zrevrank", R"({"key":"k","member":1})"},
    {"sortedset.zrange", R"({"key":"k"})"},
    {"sortedset.zrevrange", R"({"key":"k"})"},
    {"sortedset.zrangebyscore", R"({"key":"k","min":0,"max":1})"},
    {"sortedset.zcount", R"({"key":"k","min":0,"max":1})"},
    {"sortedset.zcard", R"({"key":"k"})"},
};

TEST(CommandTypes, EveryCommandRefusesEveryOtherType) {
  const std::pair<const char*, std::pair<const char*, const char*>> makers[] = {
      {"hash", {"hash.hset", R"({"key":"k","field":"f","value":1})"}},
      {"list", {"list.rpush", R"({"key":"k","value":1})"}},
      {"set", {"set.sadd", R"({"key":"k","member":1})"}},
      {"zset", {"sortedset.zadd", R"({"key":"k","member":1,"score":1})"}}};
  for (const auto& [type, maker] : makers) {
    Harness h;
    h.answer(maker.first, maker.second);
    const std::string before = h.dump();
    const std::string family =
        std::string(maker.first).substr(0, std::string(maker.first).find('.'));
    for (const auto& sample : kSamples) {
      if (std::string(sample.command).starts_with(family + ".")) continue;
      const auto refused = h.call(sample.command, sample.payload);
      ASSERT_FALSE(refused) << sample.command;
      EXPECT_EQ(refused.error().code, Code::conflict);
      EXPECT_EQ(refused.error().reason, "wrong_structure_type") << sample.command;
      EXPECT_THAT(refused.error().details, testing::HasSubstr(std::string("is a ") + type));
      EXPECT_EQ(h.dump(), before) << sample.command;
    }
  }
}

TEST(CommandTypes, TheSamplesAreAllCommandsThatNeedAType) {
  std::size_t count = 0;
  for (const auto commands : all_commands()) count += commands.size();
  EXPECT_EQ(count, std::size(kSamples) + key_commands().size());
  for (const auto& sample : kSamples) EXPECT_NE(find_command(sample.command), nullptr);
}

TEST(Machine, UnknownOperation) {
  Harness h;
  EXPECT_EQ(h.apply({"structures.fly", "{}"}).error().reason, "unknown_operation");
  EXPECT_EQ(h.apply({"structures.hget", "{}"}).error().reason, "unknown_operation");
}

}  // namespace
}  // namespace weir::structures
