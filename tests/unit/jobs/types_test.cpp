// Workers that name types: they get the first jobs of those, nobody else's, and hold nobody up.
#include <map>

#include "jobs/limits.hpp"
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string of_type(std::string_view type, std::string_view more = "") {
  return ",\"type\":\"" + std::string(type) + "\"" + std::string(more);
}

std::vector<std::string> lease(Harness& h, std::string_view types, int max = 1'000) {
  return ids_of(
      h.lease("q", ",\"max\":" + std::to_string(max) + ",\"types\":[" + std::string(types) + "]"));
}

void configure(Harness& h, std::string_view config) {
  h.must(h.requests.queue_config("q", json::View(config)));
}

TEST(Types, OnlyJobsOfThoseTypesInTheirOrder) {
  Harness h;
  submit(h, "none");
  submit(h, "a1", "q", of_type("a"));
  submit(h, "b1", "q", of_type("b"));
  submit(h, "a2", "q", of_type("a", ",\"priority\":9"));
  submit(h, "b2", "q", of_type("b"));
  submit(h, "a3", "q", of_type("a"));
  submit(h, "c1", "q", of_type("c"));
  EXPECT_THAT(lease(h, R"("b","a","a")"), ElementsAre("a2", "a1", "b1", "b2", "a3"));
  EXPECT_THAT(lease(h, R"("a","x")"), IsEmpty());
  EXPECT_THAT(ids_of(h.lease("q", ",\"max\":9")), ElementsAre("none", "c1"));
}

TEST(Types, KeysTakeTurnsAmongThem) {
  Harness h;
  configure(h, R"({"per_key":{"concurrency":2}})");
  for (const auto* id : {"k1", "k2", "k3"}) submit(h, id, "q", of_type("a", R"(,"key":"k")"));
  submit(h, "l1", "q", of_type("b", R"(,"key":"l")"));
  submit(h, "l2", "q", of_type("a", R"(,"key":"l")"));
  submit(h, "plain", "q", of_type("a"));
  submit(h, "m1", "q", of_type("b", R"(,"key":"m")"));
  EXPECT_THAT(lease(h, R"("a")"), ElementsAre("plain", "k1", "l2", "k2"));  // k at its limit
  EXPECT_THAT(lease(h, R"("b")", 1), ElementsAre("m1"));                    // l was served after m
}

TEST(Types, LimitsAndAgingHold) {
  Harness h;
  configure(h, R"({"concurrency":2,"aging_ms":1000})");
  submit(h, "old", "q", of_type("a", ",\"priority\":1"));
  h.advance(20s);
  submit(h, "new", "q", of_type("a", ",\"priority\":9"));
  submit(h, "newer", "q", of_type("a", ",\"priority\":9"));
  EXPECT_THAT(lease(h, R"("a")"), ElementsAre("old", "new"));
}

TEST(Types, AWaiterOfAnotherTypeHoldsNobodyUp) {
  Harness h;
  ASSERT_TRUE(h.park("wants-a", "q", R"(,"types":["a"])"));
  ASSERT_TRUE(h.park("wants-a-too", "q", R"(,"types":["a"])"));
  ASSERT_TRUE(h.park("wants-b", "q", R"(,"types":["b"])"));
  ASSERT_TRUE(h.park("wants-all", "q"));
  h.restart();
  submit(h, "b1", "q", of_type("b"));
  ASSERT_EQ(h.deliveries.size(), 1U);
  EXPECT_EQ(h.deliveries[0].waiter, "wants-b");
  submit(h, "none");
  ASSERT_EQ(h.deliveries.size(), 2U);
  EXPECT_EQ(h.deliveries[1].waiter, "wants-all");
  submit(h, "b2", "q", of_type("b"));
  EXPECT_EQ(h.deliveries.size(), 2U);
  EXPECT_EQ(h.status("b2"), "unprocessed");
  submit(h, "a1", "q", of_type("a"));
  ASSERT_EQ(h.deliveries.size(), 3U);
  EXPECT_EQ(h.deliveries[2].waiter, "wants-a");
}

TEST(Types, AnEditedTypeCounts) {
  Harness h;
  submit(h, "j", "q", of_type("a", R"(,"unique":{"key":"u"})"));
  h.must(h.requests.submit(json::View(
      plain("other", of_type("b", R"(,"unique":{"key":"u","on_conflict":"replace"})")))));
  EXPECT_THAT(lease(h, R"("a")"), IsEmpty());
  EXPECT_THAT(lease(h, R"("b")"), ElementsAre("j"));
}

TEST(Types, BadTypesAreRefusedWithTheirField) {
  Harness h;
  const std::map<std::string, std::string> cases{
      {R"("a")", "types"},
      {"[]", "types"},
      {R"(["a",""])", "types[1]"},
      {R"([1])", "types[0]"},
      {"[\"" + std::string(kMaxTypeBytes + 1, 't') + "\"]", "types[0]"}};
  for (const auto& [types, field] : cases) {
    const auto body = R"({"worker":"w","types":)" + types + "}";
    const auto request = h.requests.lease("q", json::View(body), {"n", "w"});
    ASSERT_FALSE(request) << types;
    ASSERT_EQ(request.error().fields.size(), 1U) << types;
    EXPECT_EQ(request.error().fields[0].field, field) << types;
  }
}

// What a walk over all ready jobs says, for random queues without keys and with.
TEST(Types, TheOrderIsThatOfAQueueWithTheOthersLeftOut) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    SeededRandom random(seed);
    Harness all;
    Harness only;
    for (auto* h : {&all, &only}) {
      if (seed % 3 == 0) configure(*h, R"({"aging_ms":7})");
    }
    for (int i = 0; i < 60; ++i) {
      const auto type = random.next() % 3;
      std::string more = of_type("t" + std::to_string(type)) +
                         ",\"priority\":" + std::to_string(random.next() % 3);
      if (seed % 2 == 0) more += ",\"key\":\"k" + std::to_string(random.next() % 5) + "\"";
      submit(all, "j" + std::to_string(i), "q", more);
      if (type < 2) submit(only, "j" + std::to_string(i), "q", more);
      all.advance(3ms);
      only.advance(3ms);
    }
    if (seed % 2 != 0) {
      EXPECT_EQ(lease(all, R"("t0","t1")"), ids_of(only.lease("q", ",\"max\":1000")));
    } else {  // turns depend on when a key came: compare the jobs and the order inside each key
      auto typed = lease(all, R"("t0","t1")");
      auto plain = ids_of(only.lease("q", ",\"max\":1000"));
      EXPECT_THAT(typed, testing::UnorderedElementsAreArray(plain));
    }
  }
}

}  // namespace
}  // namespace weir::jobs
