#include "pkg/replica/entry.hpp"

#include <gtest/gtest.h>

#include "pkg/crypto/crypto.hpp"
#include "pkg/json/view.hpp"

namespace weir::replica {
namespace {

DecodedEntry decode(std::string data) {
  return DecodedEntry::from({7, from_unix_ms(1000), std::move(data)});
}

TEST(Entry, WhatIsBuiltReadsBack) {
  EntryBuilder builder("node-a1", 42);
  builder.add({"jobs.submit", R"({"text":"a \" } ] \\","deep":{"x":[{},{"y":"}"}]}})"});
  builder.add({"toy.add", "{}"});
  EXPECT_EQ(builder.operations(), 2U);
  const std::size_t bytes = builder.bytes();
  const std::string text = builder.take();
  EXPECT_EQ(text.size(), bytes);
  ASSERT_TRUE(json::check(text));

  const auto entry = decode(text);
  ASSERT_FALSE(entry.problem()) << describe(*entry.problem());
  EXPECT_EQ(entry.revision(), 7U);
  EXPECT_EQ(entry.proposer(), "node-a1");
  EXPECT_EQ(entry.sequence(), 42U);
  EXPECT_EQ(entry.hash(), crypto::sha256(text));
  ASSERT_EQ(entry.items().size(), 2U);
  EXPECT_EQ(entry.text(entry.items()[0].name), "jobs.submit");
  EXPECT_EQ(entry.text(entry.items()[0].body),
            R"({"text":"a \" } ] \\","deep":{"x":[{},{"y":"}"}]}})");
  EXPECT_EQ(entry.text(entry.items()[1].body), "{}");
}

TEST(Entry, AnActorIsAThirdElement) {
  EntryBuilder builder("a", 1);
  const Operation operation{"toy.add", "{}", R"({"key":"k","deep":{"x":"]"}})"};
  builder.add(operation);
  builder.add({"toy.add", "{}"});
  EXPECT_LE(builder.bytes(), EntryBuilder::overhead("a") + 2 * EntryBuilder::cost(operation));
  const auto entry = decode(builder.take());
  ASSERT_FALSE(entry.problem()) << describe(*entry.problem());
  ASSERT_EQ(entry.items().size(), 2U);
  EXPECT_EQ(entry.text(entry.items()[0].actor), operation.actor);
  EXPECT_EQ(entry.text(entry.items()[0].body), "{}");
  EXPECT_EQ(entry.items()[1].actor.size, 0U);
  for (const char* bad : {R"({"v":1,"p":"a","n":1,"ops":[["t.x",{},1]]})",
                          R"({"v":1,"p":"a","n":1,"ops":[["t.x",{},{},{}]]})",
                          R"({"v":1,"p":"a","n":1,"ops":[["t.x",{},]]})"}) {
    EXPECT_TRUE(decode(bad).problem()) << bad;
  }
}

TEST(Entry, SurvivesAMove) {
  auto entry = decode(R"({"v":1,"p":"a","n":1,"ops":[["t.x",{}]]})");
  const DecodedEntry moved = std::move(entry);
  EXPECT_EQ(moved.proposer(), "a");
  EXPECT_EQ(moved.text(moved.items()[0].name), "t.x");
}

TEST(Entry, CostCoversWhatAnOperationAdds) {
  const Operation operation{"toy.add", R"({"key":"x"})"};
  EntryBuilder builder("p", 1);
  builder.add(operation);
  const std::size_t before = builder.bytes();
  builder.add(operation);
  EXPECT_LE(builder.bytes() - before, EntryBuilder::cost(operation));
  EXPECT_LE(before, EntryBuilder::overhead("p") + EntryBuilder::cost(operation));
}

TEST(Entry, RefusesWhatItDoesNotKnow) {
  struct Case {
    const char* name;
    const char* text;
    const char* reason;
  };
  constexpr Case kCases[] = {
      {"empty", "", "malformed_entry"},
      {"not json", "{\"v\":1", "malformed_entry"},
      {"another document", "{}", "malformed_entry"},
      {"newer version", R"({"v":2,"p":"a","n":1,"ops":[]})", "unknown_entry_version"},
      {"newer shape", R"({"v":9,"zip":"..."})", "unknown_entry_version"},
      {"version is text", R"({"v":"1","p":"a","n":1,"ops":[]})", "malformed_entry"},
      {"no proposer", R"({"v":1,"n":1,"ops":[]})", "malformed_entry"},
      {"sequence 0", R"({"v":1,"p":"a","n":0,"ops":[]})", "malformed_entry"},
      {"no operations", R"({"v":1,"p":"a","n":1})", "malformed_entry"},
      {"operation is no array", R"({"v":1,"p":"a","n":1,"ops":[{}]})", "malformed_entry"},
      {"body is no object", R"({"v":1,"p":"a","n":1,"ops":[["t.x",[]]]})", "malformed_entry"},
      {"actor is no object", R"({"v":1,"p":"a","n":1,"ops":[["t.x",{},1]]})", "malformed_entry"},
      {"one part", R"({"v":1,"p":"a","n":1,"ops":[["t.x"]]})", "malformed_entry"},
      {"more members", R"({"v":1,"p":"a","n":1,"ops":[],"x":1})", "malformed_entry"},
      {"two documents", R"({"v":1,"p":"a","n":1,"ops":[]}{})", "malformed_entry"},
  };
  for (const auto& test : kCases) {
    const auto entry = decode(test.text);
    ASSERT_TRUE(entry.problem()) << test.name;
    EXPECT_EQ(entry.problem()->reason, test.reason) << test.name;
    EXPECT_TRUE(entry.items().empty()) << test.name;
  }
}

TEST(Entry, TakesDeeperBodiesThanAnybodyMayPropose) {
  std::string body = "{}";
  for (std::size_t i = 1; i < kOperationMaxDepth; ++i) body = "{\"a\":" + body + "}";
  ASSERT_TRUE(json::check(body, {.max_depth = kOperationMaxDepth}));
  EntryBuilder builder("p", 1);
  builder.add({"t.x", body});
  EXPECT_FALSE(decode(builder.take()).problem());
}

}  // namespace
}  // namespace weir::replica
