// Why a job is not running: every reason, and that `ready` is what the picker does.
#include "jobs/explain.hpp"

#include <fstream>
#include <set>
#include <sstream>

#include "jobs/limits.hpp"
#include "pkg/base/time_text.hpp"
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string explain(Harness& h, std::string_view id) {
  return h.read([&](sqlite::Database& db) { return explain_job(db, id, h.clock.wall()); });
}

std::vector<std::string> codes(Harness& h, std::string_view id) {
  const auto json = explain(h, id);
  std::vector<std::string> out;
  for (const auto reason : list(json, "reasons")) out.push_back(text(reason.find("code")));
  return out;
}

// A member of the reason with this code.
std::string detail(Harness& h, std::string_view id, std::string_view code, std::string_view name) {
  const auto json = explain(h, id);
  for (const auto reason : list(json, "reasons")) {
    if (text(reason.find("code")) == code) return text(reason.find(name));
  }
  return "no such reason";
}

void configure(Harness& h, std::string_view config) {
  h.must(h.requests.queue_config("q", json::View(config)));
}

void be_asked(Harness& h) {
  h.lease("q");
}

TEST(Explain, AReadyJobIsNextForTheNextWorker) {
  Harness h;
  submit(h, "j");
  EXPECT_THAT(codes(h, "j"), ElementsAre("ready", "no_worker"));
  EXPECT_THAT(detail(h, "j", "no_worker", "message"), HasSubstr("yet"));
  h.must(h.requests.pause("q"));
  be_asked(h);
  h.must(h.requests.resume("q"));
  EXPECT_THAT(codes(h, "j"), ElementsAre("ready"));
  h.restart();
  EXPECT_THAT(codes(h, "j"), ElementsAre("ready"));
  h.advance(kAskedLately + 1ms);
  EXPECT_THAT(codes(h, "j"), ElementsAre("ready", "no_worker"));
  EXPECT_THAT(detail(h, "j", "no_worker", "message"), HasSubstr("since"));
}

TEST(Explain, UnknownJobsAreNotFound) {
  Harness h;
  const auto answer = explain_job(*h.db, "nothing", h.clock.wall());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, "job_not_found");
}

TEST(Explain, APausedQueueSaysSinceWhen) {
  Harness h;
  submit(h, "j");
  submit(h, "later", "q", R"(,"delay_ms":5000)");
  const auto at = '"' + format_rfc3339(h.clock.wall()) + '"';
  h.must(h.requests.pause("q"));
  h.advance(1s);
  h.must(h.requests.pause("q"));  // again: it stays paused since the first time
  EXPECT_THAT(codes(h, "j"), ElementsAre("queue_paused"));
  EXPECT_THAT(codes(h, "later"), ElementsAre("scheduled", "queue_paused"));
  EXPECT_EQ('"' + detail(h, "j", "queue_paused", "since") + '"', at);
  h.restart();
  EXPECT_TRUE(h.lease_one().empty());
  EXPECT_THAT(codes(h, "j"), ElementsAre("queue_paused"));
}

TEST(Explain, LimitsOfRunningJobs) {
  Harness h;
  configure(h, R"({"concurrency":1})");
  submit(h, "a");
  submit(h, "b");
  h.lease_one();
  EXPECT_THAT(codes(h, "b"), ElementsAre("queue_concurrency"));
  EXPECT_EQ(detail(h, "b", "queue_concurrency", "message"),
            "1 job of the queue q runs, its limit is 1");
  configure(h, "{}");
  h.must(h.requests.set_limits(json::View(R"({"concurrency":1})")));
  EXPECT_THAT(codes(h, "b"), ElementsAre("total_concurrency"));
  EXPECT_EQ(detail(h, "b", "total_concurrency", "limit"), "1");
}

TEST(Explain, LimitsOfAKey) {
  Harness h;
  configure(h, R"({"per_key":{"concurrency":2}})");
  for (const auto* id : {"a1", "a2", "a3"}) submit(h, id, "q", R"(,"key":"acme")");
  submit(h, "b1", "q", R"(,"key":"b")");
  h.lease("q", ",\"max\":2");  // a1, b1
  h.lease_one();               // a2
  EXPECT_THAT(codes(h, "a3"), ElementsAre("key_concurrency"));
  EXPECT_EQ(detail(h, "a3", "key_concurrency", "message"),
            "the key acme is at its limit: 2 of 2 run");
}

TEST(Explain, RatesSayWhenTheNextTokenComes) {
  Harness h;
  configure(h, R"({"rate":{"limit":1,"per_ms":5000,"burst":1}})");
  submit(h, "a");
  submit(h, "b");
  h.lease_one();
  const auto at = format_rfc3339(h.clock.wall() + 5s);
  EXPECT_THAT(codes(h, "b"), ElementsAre("queue_rate"));
  EXPECT_EQ(detail(h, "b", "queue_rate", "until"), at);
  EXPECT_EQ(text(explain(h, "b"), "next_at"), at);
  h.advance(5s);
  EXPECT_THAT(codes(h, "b"), ElementsAre("ready"));
  EXPECT_EQ(text(explain(h, "b"), "next_at"), "null");

  configure(h, R"({"per_key":{"rate":{"limit":1,"per_ms":5000,"burst":1}}})");
  for (const auto* id : {"k1", "k2"}) submit(h, id, "q", R"(,"key":"k","priority":9)");
  h.lease_one();
  EXPECT_THAT(codes(h, "k2"), ElementsAre("key_rate"));
  EXPECT_EQ(detail(h, "k2", "key_rate", "until"), format_rfc3339(h.clock.wall() + 5s));
}

TEST(Explain, TheOrderOfAPlainQueue) {
  Harness h;
  for (const auto* id : {"a", "b", "c"}) submit(h, id, "q", R"(,"priority":5)");
  for (const auto* id : {"x", "y"}) submit(h, id, "q", R"(,"priority":7)");
  EXPECT_THAT(codes(h, "c"), ElementsAre("behind_priority", "behind_earlier"));
  EXPECT_EQ(detail(h, "c", "behind_priority", "jobs"), "2");
  EXPECT_EQ(detail(h, "c", "behind_priority", "by_priority"), R"([{"priority":7,"jobs":2}])");
  EXPECT_EQ(detail(h, "c", "behind_earlier", "jobs"), "2");
  EXPECT_EQ(detail(h, "c", "behind_earlier", "at_least"), "false");
  EXPECT_THAT(codes(h, "y"), ElementsAre("behind_earlier"));
  EXPECT_THAT(codes(h, "x"), ElementsAre("ready", "no_worker"));
}

TEST(Explain, CountsAreBounded) {
  Harness h;
  std::string body = "{\"jobs\":[";
  for (int i = 0; i <= kExplainCount; ++i) body += plain("j" + std::to_string(i)) + ",";
  body += plain("last") + "]}";
  const auto batch = h.requests.submit_batch(json::View(body)).value();
  for (const auto& part : batch.parts) h.must(part.operation);
  EXPECT_EQ(detail(h, "last", "behind_earlier", "jobs"), std::to_string(kExplainCount));
  EXPECT_EQ(detail(h, "last", "behind_earlier", "at_least"), "true");
  EXPECT_THAT(detail(h, "last", "behind_earlier", "message"), HasSubstr("at least 1000 ready"));
  EXPECT_EQ(detail(h, "j1000", "behind_earlier", "at_least"), "false");
}

TEST(Explain, KeysTakeTurns) {
  Harness h;
  for (const auto* id : {"a1", "a2"}) submit(h, id, "q", R"(,"key":"a")");
  submit(h, "b1", "q", R"(,"key":"b")");
  submit(h, "plain");
  EXPECT_THAT(codes(h, "plain"), ElementsAre("ready", "no_worker"));
  EXPECT_THAT(codes(h, "a2"), ElementsAre("behind_turn", "behind_earlier"));
  EXPECT_EQ(detail(h, "b1", "behind_turn", "keys"), "2");
  h.lease("q", ",\"max\":2");  // plain, a1
  EXPECT_THAT(codes(h, "b1"), ElementsAre("ready"));
  EXPECT_THAT(codes(h, "a2"), ElementsAre("behind_turn"));
}

TEST(Explain, AKeyAtItsLimitHoldsNobodyBack) {
  Harness h;
  configure(h, R"({"per_key":{"concurrency":1}})");
  for (const auto* id : {"a1", "a2"}) submit(h, id, "q", R"(,"key":"a","priority":9)");
  submit(h, "low", "q", R"(,"priority":0)");
  h.lease_one();
  EXPECT_THAT(codes(h, "a2"), ElementsAre("key_concurrency"));
  EXPECT_THAT(codes(h, "low"), ElementsAre("ready"));
}

TEST(Explain, AnAgedJobGoesFirst) {
  Harness h;
  configure(h, R"({"aging_ms":1000})");
  submit(h, "old", "q", R"(,"priority":1)");
  h.advance(9s);
  submit(h, "new", "q", R"(,"priority":9)");
  EXPECT_THAT(codes(h, "new"), ElementsAre("behind_aged"));
  EXPECT_EQ(detail(h, "new", "behind_aged", "priority"), "1");
  EXPECT_THAT(codes(h, "old"), ElementsAre("ready", "no_worker"));
}

TEST(Explain, JobsThatAreNotReady) {
  Harness h;
  submit(h, "later", "q", R"(,"delay_ms":5000)");
  const auto at = format_rfc3339(h.clock.wall() + 5s);
  EXPECT_THAT(codes(h, "later"), ElementsAre("scheduled"));
  EXPECT_EQ(text(explain(h, "later"), "next_at"), at);
  h.advance(5s);
  EXPECT_THAT(codes(h, "later"), ElementsAre("due"));
  h.tick();
  EXPECT_THAT(codes(h, "later"), ElementsAre("ready", "no_worker"));

  h.fail(h.lease_one(), R"({"error":{"message":"no"},"retry_after_ms":1000})");
  EXPECT_THAT(codes(h, "later"), ElementsAre("retry_wait"));
  EXPECT_THAT(detail(h, "later", "retry_wait", "message"), HasSubstr("attempt 1 of 25 failed"));
  EXPECT_EQ(detail(h, "later", "retry_wait", "error"), R"({"message":"no"})");
  h.advance(1s);
  h.tick();
  h.must(h.requests.release(h.lease_one(), json::View(R"({"delay_ms":3000})")));
  EXPECT_THAT(codes(h, "later"), ElementsAre("snoozed"));
}

TEST(Explain, ABlockedJobNamesItsParents) {
  Harness h;
  for (const auto* id : {"p1", "p2"}) submit(h, id);
  submit(h, "child", "q", R"(,"depends_on":["p1","p2"])");
  EXPECT_THAT(codes(h, "child"), ElementsAre("blocked_by_parents"));
  EXPECT_EQ(detail(h, "child", "blocked_by_parents", "message"), "blocked by 2 parents");
  EXPECT_EQ(detail(h, "child", "blocked_by_parents", "parents"), R"(["p1","p2"])");
  h.complete(h.lease_one());
  EXPECT_EQ(detail(h, "child", "blocked_by_parents", "parents"), R"(["p2"])");
  EXPECT_EQ(detail(h, "child", "blocked_by_parents", "message"), "blocked by 1 parent");
  h.complete(h.lease_one());
  EXPECT_THAT(codes(h, "child"), ElementsAre("ready"));
}

TEST(Explain, JobsThatRunOrHaveEnded) {
  Harness h;
  for (const auto* id : {"done", "dead", "running"}) submit(h, id);
  submit(h, "off");
  h.must(h.requests.cancel("off", json::View()));
  h.complete(h.lease_one());
  h.fail(h.lease_one(), R"({"error":{"message":"bad"},"retry":false})");
  h.lease_one();
  EXPECT_THAT(codes(h, "done"), ElementsAre("completed"));
  EXPECT_THAT(codes(h, "dead"), ElementsAre("dead"));
  EXPECT_EQ(detail(h, "dead", "dead", "error"), R"({"message":"bad"})");
  EXPECT_THAT(codes(h, "off"), ElementsAre("cancelled"));
  EXPECT_THAT(codes(h, "running"), ElementsAre("running"));
  EXPECT_EQ(detail(h, "running", "running", "worker"), "w1");
  EXPECT_EQ(detail(h, "running", "running", "lease_until"), format_rfc3339(h.clock.wall() + 30s));
  h.must(h.requests.cancel("running", json::View()));
  EXPECT_THAT(codes(h, "running"), ElementsAre("running", "cancelling"));
  configure(h, R"({"dlq":false})");
  submit(h, "failed");
  h.fail(h.lease_one(), R"({"error":{"message":"bad"},"retry":false})");
  EXPECT_THAT(codes(h, "failed"), ElementsAre("failed"));
}

TEST(Explain, ThePageHasARowForEachReason) {
  std::ifstream file(WEIR_SOURCE_DIR "/docs/explain.md");
  std::stringstream page;
  page << file.rdbuf();
  for (std::size_t i = 0; i < kReasonCount; ++i) {
    const auto word = std::string(to_string(static_cast<Reason>(i)));
    EXPECT_THAT(page.str(), HasSubstr("\n| `" + word + "` |"));
  }
}

// --- explain and the picker ----------------------------------------------------------------------

class ExplainProperty : public testing::TestWithParam<int> {
 protected:
  std::uint64_t below(std::uint64_t bound) { return random_.next() % bound; }
  void reconfigure();
  void act();
  void check();

  Harness h_;
  SeededRandom random_{static_cast<std::uint64_t>(GetParam())};
  std::vector<std::string> tokens_;
  std::set<std::string> ids_;
};

void ExplainProperty::reconfigure() {
  std::string config = "{\"x\":0";
  if (below(3) == 0) config += R"(,"concurrency":)" + std::to_string(1 + below(6));
  if (below(3) == 0) config += R"(,"aging_ms":)" + std::to_string(1 + below(900));
  if (below(4) == 0) config += R"(,"rate":{"limit":2,"per_ms":700,"burst":3})";
  if (below(2) == 0) {
    config += R"(,"per_key":{"concurrency":)" + std::to_string(1 + below(3));
    if (below(2) == 0) config += R"(,"rate":{"limit":1,"per_ms":400,"burst":2})";
    config += "}";
  }
  config.erase(1, config.size() > 7 ? 7 : 6);
  configure(h_, config + "}");
  const auto limit =
      below(4) == 0 ? R"({"concurrency":)" + std::to_string(1 + below(8)) + "}" : std::string("{}");
  h_.must(h_.requests.set_limits(json::View(limit)));
}

void ExplainProperty::act() {
  switch (below(8)) {
    case 0:
      reconfigure();
      break;
    case 1:
      h_.advance(Millis(below(400)));
      h_.tick();
      break;
    case 2:
      h_.must(below(4) == 0 ? h_.requests.pause("q") : h_.requests.resume("q"));
      break;
    case 3:
      if (!tokens_.empty()) {
        const auto token = tokens_.back();
        tokens_.pop_back();
        const auto operation = below(2) == 0 ? h_.requests.complete(token, json::View())
                                             : h_.requests.release(token, json::View());
        if (const auto reply = h_.apply(operation.value()); !reply) {
          EXPECT_EQ(reply.error().reason, "lease_lost");
        }
      }
      break;
    default: {
      const auto id = "j" + std::to_string(ids_.size());
      std::string more = ",\"priority\":" + std::to_string(3 + below(3));
      if (below(2) == 0) more += ",\"key\":\"k" + std::to_string(below(4)) + "\"";
      if (below(6) == 0) more += ",\"delay_ms\":200";
      submit(h_, id, "q", more);
      ids_.insert(id);
      h_.advance(Millis(below(40)));
    }
  }
}

// The jobs that say `ready`, then what the picker hands out.
void ExplainProperty::check() {
  std::vector<std::string> ready;
  for (const auto& id : ids_) {
    const auto found = codes(h_, id);
    ASSERT_FALSE(found.empty()) << id;
    if (found[0] == "ready") ready.push_back(id);
  }
  const auto leased = h_.lease("q", R"(,"lease_ms":600000)");
  if (!leased.empty()) tokens_.push_back(text(leased[0].find("lease")));
  EXPECT_EQ(ready, ids_of(leased));
}

TEST_P(ExplainProperty, ReadyIsExactlyWhatThePickerHandsOutNext) {
  reconfigure();
  for (int step = 0; step < 120 && !HasFailure(); ++step) {
    act();
    if (below(3) == 0) check();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ExplainProperty, testing::Range(1, 41));

}  // namespace
}  // namespace weir::jobs
