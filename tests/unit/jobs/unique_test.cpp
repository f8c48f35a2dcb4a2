// Unique keys: who holds them, until when, and what a second submit gets.
#include "tests/unit/jobs/harness.hpp"

namespace weir::jobs {
namespace {

using testing::HasSubstr;

std::string unique_job(std::string_view id, std::string_view more = "",
                       std::string_view beside = "") {
  return R"({"id":")" + std::string(id) + R"(","queue":"q","unique":{"key":"k")" +
         std::string(more) + "}" + std::string(beside) + "}";
}

std::string send(Harness& h, const std::string& body) {
  return h.must(h.requests.submit(json::View(body)));
}

// The second job was answered with the first.
bool is_held(Harness& h, std::string_view more = "") {
  static int next = 0;
  const auto id = "probe" + std::to_string(next++);
  const auto reply = send(h, unique_job(id, more));
  const bool duplicate = is_duplicate(reply);
  EXPECT_EQ(text(reply, "id") != id, duplicate);
  return duplicate;
}

TEST(Unique, TheSecondSubmitIsAnsweredWithTheFirst) {
  Harness h;
  EXPECT_FALSE(is_duplicate(send(h, unique_job("a"))));
  const auto reply = send(h, unique_job("b", "", R"(,"payload":2)"));
  EXPECT_TRUE(is_duplicate(reply));
  EXPECT_EQ(text(reply, "id"), "a");
  EXPECT_EQ(text(reply, "status"), "unprocessed");
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs"), 1);
  EXPECT_EQ(h.total(Total::duplicates), 1);
  EXPECT_EQ(h.member("a", "unique"), R"({"key":"k","scope":"active","held":true})");
  h.restart();
  EXPECT_TRUE(is_held(h));
}

TEST(Unique, KeysBelongToTheirQueue) {
  Harness h;
  send(h, unique_job("a"));
  const std::string other = R"({"id":"b","queue":"r","unique":{"key":"k"}})";
  EXPECT_FALSE(is_duplicate(send(h, other)));
}

TEST(Unique, AKnownIdGoesBeforeTheKey) {
  Harness h;
  send(h, unique_job("a"));
  const auto reply = send(h, unique_job("a", R"(,"on_conflict":"reject")"));
  EXPECT_TRUE(is_duplicate(reply));
  EXPECT_EQ(text(reply, "id"), "a");
}

struct ScopeCase {
  const char* name;
  const char* scope;
  bool running;    // held while it runs
  bool completed;  // held when it has ended
};

class UniqueScopeTest : public testing::TestWithParam<ScopeCase> {};

TEST_P(UniqueScopeTest, EndsAtTheChangeOfStatus) {
  const auto& test = GetParam();
  const auto more = R"(,"scope":")" + std::string(test.scope) + "\"";
  for (const std::string_view at : {"waiting", "scheduled", "running", "completed", "removed"}) {
    Harness h;
    send(h, unique_job("a", more, at == "scheduled" ? R"(,"delay_ms":1000)" : ""));
    bool held = true;
    if (at == "running" || at == "completed" || at == "removed") {
      const auto token = h.lease_one();
      held = test.running;
      if (at != "running") {
        h.complete(token);
        held = test.completed;
      }
    }
    if (at == "removed") {
      h.must(h.requests.remove("a"));
      held = false;
      EXPECT_EQ(h.number("SELECT count(*) FROM job_unique"), 0);
    }
    h.restart();
    EXPECT_EQ(is_held(h, more), held) << at;
  }
}

INSTANTIATE_TEST_SUITE_P(All, UniqueScopeTest,
                         testing::Values(ScopeCase{"queued", "queued", false, false},
                                         ScopeCase{"active", "active", true, false},
                                         ScopeCase{"retained", "retained", true, true}),
                         [](const auto& test) { return test.param.name; });

TEST(Unique, TimeToLiveEndsAtItsMoment) {
  Harness h;
  const std::string ttl = R"(,"scope":"ttl","ttl_ms":1000)";
  send(h, unique_job("a", ttl));
  h.complete(h.lease_one());
  h.advance(Millis{999});
  EXPECT_TRUE(is_held(h, ttl));
  h.advance(Millis{1});
  EXPECT_FALSE(is_held(h, ttl));
  EXPECT_THAT(h.member("a", "unique"), HasSubstr(R"("held":false)"));
}

TEST(Unique, AJobThatComesBackTakesItsKeyWhenItIsFree) {
  Harness h;
  const std::string queued = R"(,"scope":"queued")";
  send(h, unique_job("a", queued));
  auto token = h.lease_one();
  h.fail(token, R"({"retry_after_ms":1000})");
  EXPECT_TRUE(is_held(h, queued)) << "it waits again";
  h.advance(Millis{1'000});
  h.tick();
  token = h.lease_one();
  EXPECT_FALSE(is_held(h, queued));
  h.must(h.requests.release(token, json::View()));
  EXPECT_THAT(h.member("a", "unique"), HasSubstr(R"("held":false)")) << "another one has it";
  EXPECT_TRUE(is_held(h, queued));
}

TEST(Unique, AJobThatAWaiterTakesAtOnceHoldsItsKeyNoMore) {
  Harness h;
  ASSERT_TRUE(h.park("w"));
  const std::string queued = R"(,"scope":"queued")";
  send(h, unique_job("a", queued));
  ASSERT_EQ(h.status("a"), "processing");
  EXPECT_FALSE(is_held(h, queued));
}

TEST(Unique, RejectNamesTheHolder) {
  Harness h;
  send(h, unique_job("a"));
  const auto body = unique_job("b", R"(,"on_conflict":"reject")");
  const auto error = h.refused(h.requests.submit(json::View(body)));
  EXPECT_EQ(error.code, Code::conflict);
  EXPECT_EQ(error.reason, "unique_conflict");
  EXPECT_THAT(error.details, HasSubstr("held by: a"));
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs"), 1);
}

TEST(Unique, ReplaceChangesTheWaitingJob) {
  Harness h;
  send(h, unique_job("a", "", R"(,"payload":1,"priority":3,"tags":["old"],"max_attempts":9)"));
  const std::string big(5'000, 'x');
  const auto reply = send(h, unique_job("b", R"(,"on_conflict":"replace")",
                                        R"(,"payload":")" + big + R"(","priority":8,"type":"t")"));
  EXPECT_EQ(text(reply, "id"), "a");
  EXPECT_EQ(text(reply, "replaced"), "true");
  EXPECT_TRUE(is_duplicate(reply));
  EXPECT_EQ(h.member("a", "payload"), "\"" + big + "\"");
  EXPECT_EQ(h.member("a", "priority"), "8");
  EXPECT_EQ(h.member("a", "tags"), "[]");
  EXPECT_EQ(h.member("a", "max_attempts"), "25");
  h.expect_counts_true();
  h.restart();
  h.expect_counts_true();
  send(h, unique_job("c", R"(,"on_conflict":"replace")", R"(,"payload":3,"delay_ms":1000)"));
  EXPECT_EQ(h.status("a"), "scheduled");
  EXPECT_EQ(h.member("a", "payload"), "3");
  EXPECT_EQ(h.number("SELECT count(*) FROM job_blobs"), 0);
  h.expect_counts_true();
}

TEST(Unique, ReplaceRefusesWhatRuns) {
  Harness h;
  send(h, unique_job("a", "", R"(,"payload":1)"));
  h.lease_one();
  for (const std::string action : {"replace", "debounce"}) {
    const auto body =
        unique_job("b", R"(,"on_conflict":")" + action + "\"", R"(,"payload":2,"delay_ms":9)");
    EXPECT_EQ(h.refused(h.requests.submit(json::View(body))).reason, "unique_conflict");
  }
  EXPECT_EQ(h.member("a", "payload"), "1");
}

TEST(Unique, DebounceMovesRunAtForward) {
  Harness h;
  const std::string more = R"(,"on_conflict":"debounce")";
  send(h, unique_job("a", more, R"(,"payload":1,"delay_ms":1000)"));
  h.advance(Millis{600});
  send(h, unique_job("b", more, R"(,"payload":2,"delay_ms":1000)"));
  h.advance(Millis{600});
  h.tick();
  EXPECT_EQ(h.status("a"), "scheduled");
  send(h, unique_job("c", more, R"(,"payload":3,"delay_ms":1)"));  // sooner: does not move back
  h.advance(Millis{399});
  h.tick();
  EXPECT_EQ(h.status("a"), "scheduled");
  h.advance(Millis{1});
  h.tick();
  EXPECT_EQ(h.status("a"), "unprocessed");
  EXPECT_EQ(h.member("a", "payload"), "3");
  EXPECT_EQ(h.number("SELECT count(*) FROM jobs"), 1);
}

TEST(Unique, BatchesSeeTheirOwnJobs) {
  Harness h;
  const auto body = "{\"jobs\":[" + unique_job("a") + "," + unique_job("b") + "," +
                    unique_job("c", R"(,"on_conflict":"reject")") + "]}";
  const auto batch = h.requests.submit_batch(json::View(body)).value();
  const auto reply = h.apply(batch.parts.at(0).operation).value();
  const auto results = list(reply, "results");
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(text(results[1].find("id")), "a");
  EXPECT_EQ(text(results[1].find("duplicate")), "true");
  EXPECT_EQ(text(results[2].find("reason")), "unique_conflict");
}

TEST(Unique, AnAtomicBatchIsRefusedWhole) {
  Harness h;
  send(h, unique_job("held"));
  const auto reject = R"(,"on_conflict":"reject")";
  for (const auto& jobs : {R"({"id":"x","queue":"q"},)" + unique_job("y", reject),
                           R"({"id":"x","queue":"r","unique":{"key":"n"}},)"
                           R"({"id":"y","queue":"r","unique":{"key":"n","on_conflict":"reject"}})" +
                               std::string()}) {
    const auto body = "{\"jobs\":[" + jobs + "],\"atomic\":true}";
    const auto batch = h.requests.submit_batch(json::View(body)).value();
    const auto reply = h.apply(batch.parts.at(0).operation);
    ASSERT_FALSE(reply.has_value());
    EXPECT_EQ(reply.error().reason, "unique_conflict");
    EXPECT_EQ(h.number("SELECT count(*) FROM jobs"), 1);
  }
}

struct BadCase {
  const char* name;
  const char* unique;
  const char* field;
};

class UniqueRequestTest : public testing::TestWithParam<BadCase> {};

TEST_P(UniqueRequestTest, IsRefusedWithItsField) {
  Harness h;
  const auto body = R"({"queue":"q","unique":)" + std::string(GetParam().unique) + "}";
  const auto operation = h.requests.submit(json::View(body));
  ASSERT_FALSE(operation.has_value());
  ASSERT_FALSE(operation.error().fields.empty());
  EXPECT_EQ(operation.error().fields[0].field, GetParam().field);
}

const std::string kLongKey = R"({"key":")" + std::string(kMaxUniqueKeyBytes + 1, 'k') + "\"}";
const std::string kLongTtl =
    R"({"key":"k","scope":"ttl","ttl_ms":)" + std::to_string(kMaxUniqueTtl.count() + 1) + "}";

INSTANTIATE_TEST_SUITE_P(
    All, UniqueRequestTest,
    testing::Values(BadCase{"not_an_object", "1", "unique"}, BadCase{"no_key", "{}", "unique.key"},
                    BadCase{"long_key", kLongKey.c_str(), "unique.key"},
                    BadCase{"scope", R"({"key":"k","scope":"x"})", "unique.scope"},
                    BadCase{"no_ttl", R"({"key":"k","scope":"ttl"})", "unique.ttl_ms"},
                    BadCase{"long_ttl", kLongTtl.c_str(), "unique.ttl_ms"},
                    BadCase{"ttl_beside", R"({"key":"k","ttl_ms":5})", "unique.ttl_ms"},
                    BadCase{"action", R"({"key":"k","on_conflict":"x"})", "unique.on_conflict"},
                    BadCase{"debounce_now", R"({"key":"k","on_conflict":"debounce"})",
                            "unique.on_conflict"},
                    BadCase{"unknown", R"({"key":"k","kei":1})", "unique.kei"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace weir::jobs
