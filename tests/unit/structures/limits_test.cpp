// What bounds the state, and that a refused command changes nothing.
#include "tests/unit/structures/harness.hpp"

namespace weir::structures {
namespace {

std::string numbers(int from, int to) {
  std::string out;
  for (int i = from; i < to; ++i) out += (out.empty() ? "" : ",") + std::to_string(i);
  return "[" + out + "]";
}

TEST(Limits, ElementsOfOneStructure) {
  Harness h;
  ASSERT_TRUE(h.apply(limits_operation({.max_bytes = 1 << 30, .max_elements = 3})));
  const std::pair<const char*, const char*> fill[] = {
      {"hash.hset", R"({"key":"h","fields":{"a":1,"b":2,"c":3}})"},
      {"list.rpush", R"({"key":"l","values":[1,2,3]})"},
      {"set.sadd", R"({"key":"s","members":[1,2,3]})"},
      {"sortedset.zadd",
       R"({"key":"z","members":[{"member":1,"score":1},{"member":2,"score":1},{"member":3,)"
       R"("score":1}]})"}};
  for (const auto& [command, payload] : fill) ASSERT_TRUE(h.call(command, payload)) << command;
  const std::string full = h.dump();
  const std::pair<const char*, const char*> more[] = {
      {"hash.hset", R"({"key":"h","fields":{"a":9,"d":4}})"},
      {"hash.hincrby", R"({"key":"h","field":"d"})"},
      {"hash.hset", R"({"key":"new","fields":{"a":1,"b":1,"c":1,"d":1}})"},
      {"list.lpush", R"({"key":"l","value":4})"},
      {"set.sadd", R"({"key":"s","members":[1,4]})"},
      {"sortedset.zadd", R"({"key":"z","member":4,"score":1})"},
      {"sortedset.zincrby", R"({"key":"z","member":4})"}};
  for (const auto& [command, payload] : more) {
    const auto refused = h.call(command, payload);
    ASSERT_FALSE(refused) << command;
    EXPECT_EQ(refused.error().code, Code::out_of_space);
    EXPECT_EQ(refused.error().reason, "too_many_elements") << command;
    EXPECT_EQ(h.dump(), full) << command;
  }
  // What adds nothing is taken.
  EXPECT_EQ(h.answer("hash.hset", R"({"key":"h","fields":{"a":9,"b":8}})"),
            R"({"success":true,"added":0})");
  EXPECT_EQ(h.answer("hash.hincrby", R"({"key":"h","field":"c"})"), R"({"value":4})");
  EXPECT_EQ(h.answer("set.sadd", R"({"key":"s","members":[1,2]})"), R"({"added":0})");
  EXPECT_EQ(h.answer("sortedset.zincrby", R"({"key":"z","member":1})"), R"({"score":2})");
}

TEST(Limits, BytesOfAllStructures) {
  Harness h;
  ASSERT_TRUE(h.apply(limits_operation({.max_bytes = 0, .max_elements = 1'000'000})));
  EXPECT_EQ(h.machine->stats().limits.max_bytes, kSmallestMaxBytes);
  const std::string value = "\"" + std::string(100'000, 'x') + "\"";
  int taken = 0;
  while (h.call("list.rpush", R"({"key":"l","value":)" + value + "}")) ++taken;
  EXPECT_EQ(taken, 10);
  const std::string full = h.dump();
  const std::pair<const char*, std::string> more[] = {
      {"hash.hset", R"({"key":"h","field":"a","value":)" + value + "}"},
      {"list.lpush", R"({"key":"l","value":)" + value + "}"},
      {"set.sadd", R"({"key":"s","members":)" + numbers(0, 9'000) + "}"},
      {"sortedset.zadd", R"({"key":"z","member":")" + std::string(60'000, 'm') + R"(","score":1})"},
      {"hash.hincrby", R"({"key":"h","field":")" + std::string(60'000, 'f') + R"("})"}};
  for (const auto& [command, payload] : more) {
    const auto refused = h.call(command, payload);
    ASSERT_FALSE(refused) << command;
    EXPECT_EQ(refused.error().code, Code::out_of_space);
    EXPECT_EQ(refused.error().reason, "memory_limit_exceeded") << command;
    EXPECT_EQ(h.dump(), full) << command;
  }
  // What is removed makes room again.
  EXPECT_TRUE(h.call("list.lpop", R"({"key":"l","count":2})"));
  EXPECT_TRUE(h.call("hash.hset", R"({"key":"h","field":"a","value":)" + value + "}"));
  h.expect_counts_true();
}

TEST(Limits, SurviveARestart) {
  Harness h;
  ASSERT_TRUE(h.apply(limits_operation({.max_bytes = 5 << 20, .max_elements = 77})));
  h.restart();
  EXPECT_EQ(h.machine->stats().limits.max_bytes, 5 << 20);
  EXPECT_EQ(h.machine->stats().limits.max_elements, 77);
}

TEST(Limits, AnAnswerIsBounded) {
  Harness h;
  const std::string value = "\"" + std::string(kMaxValueBytes - 2, 'x') + "\"";
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(h.call("list.rpush", R"({"key":"l","value":)" + value + "}"));
    ASSERT_TRUE(h.call("hash.hset", R"({"key":"h","field":")" + std::to_string(i) +
                                        R"(","value":)" + value + "}"));
  }
  EXPECT_EQ(h.answer("list.lrange", R"({"key":"l"})"), "!answer_too_large");
  EXPECT_EQ(h.answer("hash.hgetall", R"({"key":"h"})"), "!answer_too_large");
  EXPECT_EQ(h.answer("hash.hvals", R"({"key":"h"})"), "!answer_too_large");
  EXPECT_TRUE(h.call("list.lrange", R"({"key":"l","start":0,"stop":3})"));
  // A pop takes as many as fit, and leaves the others.
  const auto popped = h.call("list.lpop", R"({"key":"l","count":20})");
  ASSERT_TRUE(popped);
  EXPECT_LT(popped->size(), kMaxAnswerBytes + 2 * kMaxValueBytes);
  EXPECT_EQ(h.answer("list.llen", R"({"key":"l"})"), R"({"length":4})");
  h.expect_counts_true();
}

TEST(Limits, LargeStructuresAreSweptByTicks) {
  Harness h;
  for (const char* key : {"a", "b"}) {
    ASSERT_TRUE(h.call("set.sadd", R"({"key":")" + std::string(key) + R"(","members":)" +
                                       numbers(0, 1'500) + "}"));
  }
  EXPECT_EQ(h.answer("structure.del", R"({"keys":["a","b"]})"), R"({"deleted":2})");
  EXPECT_EQ(h.answer("structure.exists", R"({"keys":["a","b"]})"), R"({"exists":false,"count":0})");
  EXPECT_EQ(h.machine->stats().bytes, 0);
  EXPECT_EQ(h.number("SELECT count(*) FROM structures_set"), 3'000);
  ASSERT_TRUE(h.call("set.sadd", R"({"key":"a","member":1})"));  // not of the removed ones
  ASSERT_TRUE(h.machine->next_due());
  h.tick();
  EXPECT_EQ(h.number("SELECT count(*) FROM structures_set"), 2'001);
  h.restart();
  h.settle();
  EXPECT_EQ(h.number("SELECT count(*) FROM structures_set"), 1);
  EXPECT_EQ(h.number("SELECT count(*) FROM structures_removed"), 0);
  EXPECT_EQ(h.machine->next_due(), std::nullopt);
  h.expect_counts_true();
}

}  // namespace
}  // namespace weir::structures
