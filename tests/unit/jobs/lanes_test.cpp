// The order of leasing: keys take turns, priorities age.
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using testing::ElementsAre;

std::string keyed(std::string_view key, int priority = 5) {
  return ",\"key\":\"" + std::string(key) + "\",\"priority\":" + std::to_string(priority);
}

void configure(Harness& h, std::string_view config) {
  h.must(h.requests.queue_config("q", json::View(config)));
}

std::vector<std::string> lease_all(Harness& h) {
  return ids_of(h.lease("q", ",\"max\":1000"));
}

TEST(Lanes, KeysTakeTurnsAndEachIsFirstInFirstOut) {
  Harness h;
  for (const auto* id : {"a1", "a2", "a3", "a4"}) submit(h, id, "q", keyed("a"));
  submit(h, "b1", "q", keyed("b"));
  submit(h, "b2", "q", keyed("b"));
  submit(h, "c1", "q", keyed("c"));
  EXPECT_THAT(lease_all(h), ElementsAre("a1", "b1", "c1", "a2", "b2", "a3", "a4"));
}

TEST(Lanes, AKeyThatComesAnewStandsAtTheEnd) {
  Harness h;
  for (const auto* id : {"a1", "a2"}) submit(h, id, "q", keyed("a"));
  submit(h, "b1", "q", keyed("b"));
  EXPECT_THAT(ids_of(h.lease("q")), ElementsAre("a1"));
  submit(h, "c1", "q", keyed("c"));
  EXPECT_THAT(lease_all(h), ElementsAre("b1", "a2", "c1"));
}

TEST(Lanes, PriorityGoesBeforeTurns) {
  Harness h;
  submit(h, "a1", "q", keyed("a", 1));
  submit(h, "b1", "q", keyed("b", 9));
  submit(h, "b2", "q", keyed("b", 9));
  submit(h, "a2", "q", keyed("a", 9));
  EXPECT_THAT(lease_all(h), ElementsAre("a2", "b1", "b2", "a1"));
}

TEST(Lanes, JobsWithoutAKeyAreOneMoreLane) {
  Harness h;
  for (const auto* id : {"p1", "p2", "p3"}) submit(h, id);
  for (const auto* id : {"a1", "a2"}) submit(h, id, "q", keyed("a"));
  EXPECT_THAT(lease_all(h), ElementsAre("p1", "a1", "p2", "a2", "p3"));
}

TEST(Lanes, TheRingOutlivesARestart) {
  Harness h;
  for (int i = 0; i < 4; ++i) {
    for (const auto* key : {"a", "b", "c"}) submit(h, key + std::to_string(i), "q", keyed(key));
  }
  EXPECT_THAT(ids_of(h.lease("q", ",\"max\":2")), ElementsAre("a0", "b0"));
  h.restart();
  EXPECT_THAT(ids_of(h.lease("q", ",\"max\":3")), ElementsAre("c0", "a1", "b1"));
}

TEST(Lanes, LanesWithoutJobsAreForgotten) {
  Harness h;
  for (int i = 0; i < 20; ++i) submit(h, "j" + std::to_string(i), "q", keyed(std::to_string(i)));
  EXPECT_EQ(h.number("SELECT count(*) FROM job_lanes"), 21);
  while (true) {
    const auto token = h.lease_one();
    if (token.empty()) break;
    h.complete(token);
  }
  EXPECT_EQ(h.number("SELECT count(*) FROM job_lanes"), 0);
  EXPECT_EQ(h.status("j7"), "completed");
}

TEST(Lanes, AChangedPriorityMovesTheJobInItsLane) {
  Harness h;
  submit(h, "a1", "q", keyed("a"));
  submit(h, "a2", "q", keyed("a"));
  submit(h, "b1", "q", keyed("b") + R"(,"unique":{"key":"u"})");
  h.must(h.requests.submit(
      json::View(plain("b2", keyed("b", 9) + R"(,"unique":{"key":"u","on_conflict":"replace"})"))));
  EXPECT_THAT(lease_all(h), ElementsAre("b1", "a1", "a2"));
}

TEST(Lanes, PurgeAndCancelEmptyThem) {
  Harness h;
  for (const auto* id : {"a1", "a2"}) submit(h, id, "q", keyed("a"));
  submit(h, "b1", "q", keyed("b"));
  h.must(h.requests.cancel("a1", json::View()));
  EXPECT_THAT(ids_of(h.lease("q")), ElementsAre("a2"));
  h.must(h.requests.purge("q"));
  EXPECT_TRUE(h.lease_one().empty());
}

TEST(Lanes, ListsGoKeyByKey) {
  Harness h;
  submit(h, "b1", "q", keyed("b"));
  submit(h, "a1", "q", keyed("a"));
  submit(h, "p1");
  submit(h, "b2", "q", keyed("b"));
  std::vector<std::string> seen;
  ListRequest request{.status = Status::unprocessed, .queue = "q", .limit = 1};
  do {
    const auto page = h.read([&](sqlite::Database& db) { return list_jobs(db, request); });
    for (const auto& id : ids_of(list(page, "items"))) seen.push_back(id);
    request.cursor = json::View(page).find("next_cursor").as_string().value_or("");
  } while (!request.cursor.empty() && seen.size() < 10);
  EXPECT_THAT(seen, ElementsAre("p1", "a1", "b1", "b2"));
}

TEST(Aging, AWaitingJobRisesOneLevelPerPeriod) {
  Harness h;
  configure(h, R"({"aging_ms":1000})");
  submit(h, "old-low", "q", ",\"priority\":3");
  h.advance(Millis{1'500});
  submit(h, "one-above", "q", ",\"priority\":4");  // 1.5 s later, worth 1 s
  submit(h, "two-above", "q", ",\"priority\":5");  // worth 2 s
  EXPECT_THAT(lease_all(h), ElementsAre("two-above", "old-low", "one-above"));
}

TEST(Aging, OffMeansStrictPriority) {
  Harness h;
  submit(h, "old-low", "q", ",\"priority\":3");
  h.advance(std::chrono::hours(24));
  submit(h, "high", "q", ",\"priority\":4");
  EXPECT_THAT(lease_all(h), ElementsAre("high", "old-low"));
}

// Whatever comes later: nothing submitted over 9 periods after a job is leased before it.
TEST(Aging, StarvationIsBounded) {
  Harness h;
  configure(h, R"({"aging_ms":100})");
  submit(h, "poor", "q", ",\"priority\":0" + std::string(",\"key\":\"k\""));
  int before = 0;
  for (int i = 0; h.status("poor") != "processing"; ++i) {
    ASSERT_LT(i, 200);
    submit(h, "rich" + std::to_string(i), "q", ",\"priority\":9,\"key\":\"k\"");
    h.lease_one();
    h.advance(Millis{10});
    ++before;
  }
  EXPECT_NEAR(before, 91, 2);
}

}  // namespace
}  // namespace weir::jobs
