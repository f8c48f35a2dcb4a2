// Time to live: by the time of the log, removed by ticks, never seen after it is over.
#include "tests/unit/structures/harness.hpp"

namespace weir::structures {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Ttl : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(h.call("hash.hset", R"({"key":"h","field":"a","value":1})"));
  }
  Harness h;
};

TEST_F(Ttl, CountsDownAndEnds) {
  EXPECT_EQ(h.answer("structure.ttl", R"({"key":"h"})"), R"({"ttl":null})");
  EXPECT_EQ(h.answer("structure.expire", R"({"key":"h","ttl":10})"), R"({"result":true})");
  EXPECT_EQ(h.answer("structure.ttl", R"({"key":"h"})"), R"({"ttl":10})");
  h.clock.advance(milliseconds(9'001));
  EXPECT_EQ(h.answer("structure.ttl", R"({"key":"h"})"), R"({"ttl":1})");
  EXPECT_EQ(h.answer("hash.hget", R"({"key":"h","field":"a"})"), R"({"found":true,"value":1})");
  h.clock.advance(milliseconds(999));
  // Before any tick.
  EXPECT_EQ(h.answer("hash.hget", R"({"key":"h","field":"a"})"), R"({"found":false,"value":null})");
  EXPECT_EQ(h.answer("structure.ttl", R"({"key":"h"})"), R"({"ttl":null})");
  EXPECT_EQ(h.answer("structure.type", R"({"key":"h"})"), R"({"type":"none"})");
  EXPECT_EQ(h.answer("structure.exists", R"({"key":"h"})"), R"({"exists":false,"count":0})");
  EXPECT_EQ(h.answer("memory.usage", R"({"key":"h"})"), R"({"bytes":0,"human":"0B"})");
  EXPECT_EQ(h.answer("structure.scan", "{}"),
            R"({"keys":[],"cursor":null,"has_more":false,"count":0})");
  EXPECT_EQ(h.number("SELECT count(*) FROM structures_keys"), 1);
  h.settle();
  EXPECT_EQ(h.number("SELECT count(*) FROM structures_keys"), 0);
  EXPECT_EQ(h.number("SELECT count(*) FROM structures_hash"), 0);
  h.expect_counts_true();
}

TEST_F(Ttl, AWriteAfterTheEndStartsAnew) {
  h.answer("structure.expire", R"({"key":"h","ttl":1})");
  h.clock.advance(seconds(1));
  EXPECT_EQ(h.answer("hash.hincrby", R"({"key":"h","field":"a","increment":5})"), R"({"value":5})");
  EXPECT_EQ(h.answer("structure.ttl", R"({"key":"h"})"), R"({"ttl":null})");
  h.answer("structure.expire", R"({"key":"h","ttl":1})");
  h.clock.advance(seconds(1));
  EXPECT_EQ(h.answer("list.rpush", R"({"key":"h","value":1})"), R"({"length":1})");
  h.expect_counts_true();
}

TEST_F(Ttl, StaysWhenTheStructureChanges) {
  h.answer("structure.expire", R"({"key":"h","ttl":7})");
  h.answer("hash.hset", R"({"key":"h","field":"b","value":1})");
  EXPECT_EQ(h.answer("structure.ttl", R"({"key":"h"})"), R"({"ttl":7})");
  EXPECT_EQ(h.answer("structure.info", R"({"key":"h"})"),
            R"({"found":true,"type":"hash","count":2,"bytes":261,"ttl":7})");
}

TEST_F(Ttl, Persist) {
  EXPECT_EQ(h.answer("structure.persist", R"({"key":"h"})"), R"({"result":false})");
  h.answer("structure.expire", R"({"key":"h","ttl":1})");
  EXPECT_EQ(h.answer("structure.persist", R"({"key":"h"})"), R"({"result":true})");
  h.clock.advance(seconds(5));
  h.settle();
  EXPECT_EQ(h.answer("hash.hlen", R"({"key":"h"})"), R"({"length":1})");
  EXPECT_EQ(h.machine->next_due(), std::nullopt);
  EXPECT_EQ(h.answer("structure.persist", R"({"key":"none"})"), R"({"result":false})");
}

TEST_F(Ttl, NotPositiveRemovesAtOnce) {
  EXPECT_EQ(h.answer("structure.expire", R"({"key":"none","ttl":5})"), R"({"result":false})");
  EXPECT_EQ(h.answer("structure.expire", R"({"key":"h","ttl":0})"), R"({"result":true})");
  EXPECT_EQ(h.answer("structure.exists", R"({"key":"h"})"), R"({"exists":false,"count":0})");
}

TEST_F(Ttl, ManyAreRemovedInSeveralTicks) {
  const std::int64_t count = 2 * kTickRows + 500;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::string key = R"({"key":"k)" + std::to_string(i) + "\"";
    ASSERT_TRUE(h.call("list.rpush", key + R"(,"value":1})"));
    ASSERT_TRUE(h.call("structure.expire", key + R"(,"ttl":60})"));
  }
  h.restart();  // the next due time comes from the tables
  EXPECT_EQ(h.machine->next_due(), h.clock.wall() + seconds(60));
  h.clock.advance(seconds(60));
  h.tick();
  EXPECT_EQ(h.number("SELECT count(*) FROM structures_keys"), count - kTickRows + 1);
  h.settle();
  EXPECT_EQ(h.number("SELECT count(*) FROM structures_keys"), 1);
  h.expect_counts_true();
}

TEST_F(Ttl, AnEarlyTickChangesNothing) {
  h.answer("structure.expire", R"({"key":"h","ttl":5})");
  const std::string before = h.dump();
  h.tick();
  EXPECT_EQ(h.dump(), before);
  EXPECT_EQ(h.machine->next_due(), h.clock.wall() + seconds(5));
}

}  // namespace
}  // namespace weir::structures
