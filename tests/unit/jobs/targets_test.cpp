// Labels of workers and targets of jobs: who gets a job, who does not, and that nobody waits for
// what somebody else must do.
#include "jobs/target.hpp"

#include <map>

#include "jobs/explain.hpp"
#include "jobs/fleet_query.hpp"
#include "jobs/limits.hpp"
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string to(std::string_view target, std::string_view more = "") {
  return ",\"target\":\"" + std::string(target) + "\"" + std::string(more);
}

// What a worker says of itself.
struct Who {
  std::string name = "w1";
  std::string labels = "{}";
  std::string more = "";
};

std::string body_of(const Who& who, int max) {
  return R"({"worker":")" + who.name + R"(","labels":)" + who.labels +
         ",\"max\":" + std::to_string(max) + who.more + "}";
}

std::vector<std::string> lease(Harness& h, const Who& who, int max = 1'000) {
  const auto request = h.requests.lease("q", json::View(body_of(who, max)), {"n", "w"});
  return ids_of(list(h.apply(request.value().operation).value(), "jobs"));
}

bool park(Harness& h, std::string_view waiter, Who who) {
  who.more += ",\"wait_ms\":20000";
  const auto request =
      h.requests.lease("q", json::View(body_of(who, 1)), {"n1", std::string(waiter)});
  return is_parked(h.apply(request.value().operation).value());
}

std::vector<std::string> served(Harness& h) {
  std::vector<std::string> out;
  for (const auto& delivery : h.deliveries) out.push_back(delivery.waiter);
  h.deliveries.clear();
  return out;
}

void configure(Harness& h, std::string_view config) {
  h.must(h.requests.queue_config("q", json::View(config)));
}

TEST(Targets, AValueMatchesItselfAndWhatIsBelow) {
  constexpr std::string_view kLabels = R"({"region":"eu.west.1","zone":"a"})";
  const std::map<std::string, bool> cases{
      {"", true},
      {"host:w1", true},
      {"host:w10", false},
      {"host:w", false},
      {"label:region=eu", true},
      {"label:region=eu.west", true},
      {"label:region=eu.west.1", true},
      {"label:region=eu.west.1.2", false},
      {"label:region=eu.western", false},
      {"label:region=e", false},
      {"label:zone=a", true},
      {"label:zone=b", false},
      {"label:rack=a", false},
  };
  const auto all = targets_of("w1", kLabels);
  for (const auto& [target, expected] : cases) {
    EXPECT_EQ(matches_target(target, "w1", kLabels), expected) << target;
    if (target.empty()) continue;
    EXPECT_EQ(std::find(all.begin(), all.end(), target) != all.end(), expected) << target;
  }
  EXPECT_FALSE(matches_target("label:region=eu", "w1", ""));
}

TEST(Targets, OnlyAMatchingWorkerGetsAJobInTheOrderOfAll) {
  Harness h;
  submit(h, "a", "q", to("host:w1"));
  submit(h, "b");
  submit(h, "c", "q", to("label:region=eu"));
  submit(h, "d", "q", to("host:w2"));
  submit(h, "e", "q", to("label:region=us", ",\"priority\":9"));
  submit(h, "f", "q", to("label:region=eu", ",\"priority\":9"));
  submit(h, "g", "q", to("_any"));
  h.restart();
  EXPECT_THAT(lease(h, {"w1", R"({"region":"eu.west"})"}), ElementsAre("f", "a", "b", "c", "g"));
  EXPECT_THAT(lease(h, {"w1", R"({"region":"eu.west"})"}), IsEmpty());
  EXPECT_THAT(lease(h, {"w3"}), IsEmpty());
  EXPECT_THAT(lease(h, {"w2"}), ElementsAre("d"));
  EXPECT_THAT(lease(h, {"w3", R"({"region":"us"})"}), ElementsAre("e"));
  EXPECT_EQ(h.member("d", "target"), R"("host:w2")");
  EXPECT_EQ(h.member("g", "target"), "");
  h.expect_counts_true();
}

TEST(Targets, ManyJobsForNobodyHoldNobodyUp) {
  Harness h;
  for (int i = 0; i < 300; ++i) {
    submit(h, "x" + std::to_string(i), "q", to("host:gone", ",\"priority\":9"));
  }
  submit(h, "plain");
  submit(h, "mine", "q", to("host:w1"));
  ASSERT_TRUE(park(h, "waits", {"w9", R"({"a":"b"})", R"(,"types":["t"])"}));
  EXPECT_THAT(lease(h, {"w2"}, 1), ElementsAre("plain"));
  EXPECT_THAT(lease(h, {"w1"}, 1), ElementsAre("mine"));
  EXPECT_THAT(lease(h, {"w1"}, 1), IsEmpty());
}

TEST(Targets, LabelsAreThoseOfTheRequest) {
  Harness h;
  submit(h, "j", "q", to("label:gpu=a100"));
  EXPECT_THAT(lease(h, {"w1", R"({"gpu":"t4"})"}), IsEmpty());
  EXPECT_THAT(lease(h, {"w1", R"({"gpu":"a100"})"}), ElementsAre("j"));
}

TEST(Targets, TypesAndKeysCountToo) {
  Harness h;
  configure(h, R"({"per_key":{"concurrency":1}})");
  submit(h, "k1", "q", to("host:w1", R"(,"key":"k","type":"a")"));
  submit(h, "k2", "q", R"(,"key":"k","type":"a")");
  submit(h, "l1", "q", to("host:w2", R"(,"key":"l","type":"a")"));
  submit(h, "l2", "q", to("host:w1", R"(,"key":"l","type":"b")"));
  submit(h, "none", "q", to("host:w1", R"(,"type":"a")"));
  h.restart();
  EXPECT_THAT(lease(h, {"w1", "{}", R"(,"types":["a"])"}), ElementsAre("none", "k1"));
  EXPECT_THAT(lease(h, {"w1"}), ElementsAre("l2"));  // k is at its limit
  EXPECT_THAT(lease(h, {"w2"}), IsEmpty());          // and now l
  h.expect_counts_true();
}

TEST(Targets, ParkedWorkersGetTheirOwn) {
  Harness h;
  ASSERT_TRUE(park(h, "one", {"w1"}));
  ASSERT_TRUE(park(h, "two", {"w2"}));
  ASSERT_TRUE(park(h, "eu", {"w3", R"({"region":"eu.west"})"}));
  ASSERT_TRUE(park(h, "us", {"w4", R"({"region":"us"})"}));
  h.restart();
  submit(h, "a", "q", to("host:w9"));
  EXPECT_THAT(served(h), IsEmpty());
  submit(h, "b", "q", to("host:w2"));
  EXPECT_THAT(served(h), ElementsAre("two"));
  submit(h, "c", "q", to("label:region=eu"));
  EXPECT_THAT(served(h), ElementsAre("eu"));
  submit(h, "d");
  EXPECT_THAT(served(h), ElementsAre("one"));
  ASSERT_TRUE(park(h, "nine", {"w8"}));
  submit(h, "e", "q", to("label:region=us"));
  EXPECT_THAT(served(h), ElementsAre("us"));
  EXPECT_THAT(lease(h, {"w9"}), ElementsAre("a"));
}

// Of those that may run what comes when a limit has room, who came first goes first.
TEST(Targets, AWaiterIsServedWhenALimitHasRoomAgain) {
  Harness h;
  configure(h, R"({"concurrency":1})");
  submit(h, "runs");
  const auto token = h.lease_one();
  submit(h, "own", "q", to("host:w5"));
  ASSERT_TRUE(park(h, "four", {"w4"}));
  ASSERT_TRUE(park(h, "five", {"w5"}));
  h.restart();
  h.complete(token);
  EXPECT_THAT(served(h), ElementsAre("five"));
  EXPECT_EQ(h.status("own"), "processing");
}

TEST(Targets, AReplacedJobHasTheNewTarget) {
  Harness h;
  submit(h, "j", "q", to("host:w1", R"(,"unique":{"key":"u"})"));
  ASSERT_TRUE(park(h, "two", {"w2"}));
  constexpr std::string_view kReplace = R"(,"unique":{"key":"u","on_conflict":"replace"})";
  h.must(h.requests.submit(json::View(plain("other", to("host:w2", kReplace)))));
  EXPECT_THAT(served(h), ElementsAre("two"));
  h.expect_counts_true();
}

TEST(Targets, ListsPurgesAndCopiesKnowThem) {
  Harness h;
  for (const auto* id : {"a", "b", "c"}) submit(h, id, "q", to("host:" + std::string(id)));
  submit(h, "plain");
  std::vector<std::string> ids;
  std::string cursor;
  do {
    const auto page = h.read([&](sqlite::Database& db) {
      return list_jobs(db, {.status = Status::unprocessed, .limit = 1, .cursor = cursor});
    });
    for (const auto& item : list(page, "items")) ids.push_back(text(item.find("id")));
    cursor = text(page, "next_cursor") == "null" ? "" : text(page, "next_cursor");
  } while (!cursor.empty());
  EXPECT_THAT(ids, ElementsAre("plain", "a", "b", "c"));
  EXPECT_THAT(lease(h, {"a"}, 2), ElementsAre("a", "plain"));
  h.must(h.requests.purge("q"));
  EXPECT_EQ(h.count(Status::unprocessed), 0);
  h.expect_counts_true();
}

TEST(Targets, BadTargetsAndLabelsAreRefusedWithTheirField) {
  Harness h;
  const std::string long_key(kMaxLabelKeyBytes + 1, 'k');
  for (const auto& target : std::vector<std::string>{
           "", "w1", "_one", "host:", "label:a", "label:=b", "label:a=", "label:a=.b",
           "label:a=b..c", "label:a b=c", "label:a=b c",
           "host:" + std::string(kMaxWorkerBytes + 1, 'w'), "label:" + long_key + "=v"}) {
    const auto request = h.requests.submit(json::View(plain("j", to(target))));
    ASSERT_FALSE(request) << target;
    ASSERT_EQ(request.error().fields.size(), 1U) << target;
    EXPECT_EQ(request.error().fields[0].field, "target") << target;
    EXPECT_EQ(request.error().reason, "invalid_job");
  }
  std::string many = "{";
  for (std::size_t i = 0; i <= kMaxLabels; ++i) {
    many.append(i == 0 ? "\"l" : ",\"l").append(std::to_string(i)).append("\":\"v\"");
  }
  const std::map<std::string, std::string> cases{
      {"[]", "labels"},
      {R"({"a":1})", "labels.a"},
      {R"({"a b":"c"})", "labels.a b"},
      {R"({"a":""})", "labels.a"},
      {R"({"a":"b."})", "labels.a"},
      {R"({"a":"1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17"})", "labels.a"},
      {many + "}", "labels"},
      {"{\"" + long_key + "\":\"v\"}", "labels." + long_key.substr(0, kMaxLabelKeyBytes)},
  };
  for (const auto& [labels, field] : cases) {
    const auto body = body_of({"w", labels}, 1);
    const auto request = h.requests.lease("q", json::View(body), {"n", "w"});
    ASSERT_FALSE(request) << labels;
    ASSERT_EQ(request.error().fields.size(), 1U) << labels;
    EXPECT_EQ(request.error().fields[0].field, field) << labels;
  }
}

TEST(Targets, ExplainSaysThatNobodyMatches) {
  Harness h;
  const auto explain = [&](std::string_view id) {
    return h.read([&](sqlite::Database& db) { return explain_job(db, id, h.clock.wall()); });
  };
  submit(h, "j", "q", to("label:region=eu"));
  submit(h, "plain");
  lease(h, {"w1", R"({"region":"us"})"});
  EXPECT_THAT(explain("j"), HasSubstr("no live worker of the queue q matches label:region=eu"));
  EXPECT_THAT(explain("j"), HasSubstr(R"("code":"no_match")"));
  h.must(h.requests.pause("q"));
  lease(h, {"w2", R"({"region":"eu.1"})"});
  h.must(h.requests.resume("q"));
  EXPECT_THAT(explain("j"), HasSubstr(R"("code":"ready")"));
  h.advance(kWorkerLive + 1ms);
  EXPECT_THAT(explain("j"), HasSubstr(R"("code":"no_match")"));
}

// What is first among the jobs of other targets is not before a job of this one.
TEST(Targets, ExplainCountsWhatMayGoBefore) {
  Harness h;
  submit(h, "other", "q", to("host:w9", ",\"priority\":9"));
  submit(h, "plain", "q", ",\"priority\":8");
  submit(h, "own", "q", to("host:w1", ",\"priority\":7"));
  submit(h, "j", "q", to("host:w1"));
  const auto json =
      h.read([&](sqlite::Database& db) { return explain_job(db, "j", h.clock.wall()); });
  EXPECT_THAT(json, HasSubstr("2 ready jobs have a higher priority than 5"));
}

TEST(Targets, WorkersAreListedWithWhatTheySayAndRun) {
  Harness h;
  submit(h, "j", "q", R"(,"type":"t")");
  lease(h, {"w2", R"({"zone":"b","region":"eu"})"});
  lease(h, {"w1"});
  h.advance(kWorkerLive + 1ms);
  const auto page = [&](const MaySee& may_see) {
    return h.read(
        [&](sqlite::Database& db) { return list_workers(db, 10, "", h.clock.wall(), may_see); });
  };
  const auto all = page([](auto) { return true; });
  const auto workers = list(all, "items");
  ASSERT_EQ(workers.size(), 2U);
  EXPECT_EQ(text(workers[0].find("name")), "w1");
  EXPECT_EQ(text(workers[0].find("live")), "false");
  EXPECT_EQ(text(workers[1].find("live")), "true");
  EXPECT_EQ(workers[1].find("labels").raw(), R"({"region":"eu","zone":"b"})");
  EXPECT_EQ(workers[1].find("queues").raw(), R"(["q"])");
  EXPECT_EQ(text(workers[1].find("running")), "1");
  EXPECT_THAT(std::string(workers[1].find("jobs").raw()), HasSubstr(R"({"id":"j","queue":"q")"));
  EXPECT_THAT(list(page([](auto) { return false; }), "items"), IsEmpty());
}

// What a queue with the matching jobs alone says, for random queues without keys and with.
TEST(Targets, TheOrderIsThatOfAQueueWithTheOthersLeftOut) {
  constexpr std::string_view kTargets[] = {"_any", "host:w1", "host:w2", "label:r=eu",
                                           "label:r=us"};
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    SeededRandom random(seed);
    Harness all;
    Harness only;
    for (auto* h : {&all, &only}) {
      if (seed % 3 == 0) configure(*h, R"({"aging_ms":7})");
    }
    for (int i = 0; i < 60; ++i) {
      const auto target = std::string(kTargets[random.next() % 5]);
      std::string more = ",\"priority\":" + std::to_string(random.next() % 3);
      if (seed % 2 == 0) more += ",\"key\":\"k" + std::to_string(random.next() % 5) + "\"";
      const auto id = "j" + std::to_string(i);
      submit(all, id, "q", to(target, more));
      if (target != "host:w2" && target != "label:r=us") submit(only, id, "q", more);
      all.advance(3ms);
      only.advance(3ms);
    }
    if (seed % 4 == 0) all.restart();
    const auto got = lease(all, {"w1", R"({"r":"eu.x"})"});
    const auto expected = ids_of(only.lease("q", ",\"max\":1000"));
    if (seed % 2 != 0) {
      EXPECT_EQ(got, expected);
    } else {  // turns depend on when a key came
      EXPECT_THAT(got, testing::UnorderedElementsAreArray(expected));
    }
    all.expect_counts_true();
  }
}

}  // namespace
}  // namespace weir::jobs
