#include "pkg/base/time_text.hpp"
#include "tests/unit/api/api_fixture.hpp"

namespace weir::api {
namespace {

using testing::HasSubstr;

class JobsTest : public ApiTest {};

TEST_F(JobsTest, SubmitGetAndTimeline) {
  const auto made =
      post("/v1/jobs", R"({"queue":"emails","type":"welcome","payload":{"n":1.50,"s":"\u00e9"}})");
  ASSERT_EQ(made->status(), 201);
  const Json answer = made->body();
  EXPECT_EQ(answer["status"], "unprocessed");
  EXPECT_EQ(answer["queue"], "emails");
  EXPECT_TRUE(answer["revision"].is_number());
  EXPECT_TRUE(parse_rfc3339(answer["created_at"].get<std::string>()));
  EXPECT_EQ(made->header("Weir-Revision"), std::to_string(answer["revision"].get<int>()));
  const std::string id = answer["id"];
  const auto job = get("/v1/jobs/" + id);
  EXPECT_EQ(job->status(), 200);
  EXPECT_THAT(job->wait().body, HasSubstr(R"({"n":1.50,"s":"\u00e9"})"));
  const auto timeline = get("/v1/jobs/" + id + "/timeline")->body();
  EXPECT_EQ(timeline["id"], id);
  EXPECT_FALSE(timeline["items"].empty());
}

TEST_F(JobsTest, ExplainSaysWhyAJobDoesNotRun) {
  ASSERT_EQ(post("/v1/jobs", R"({"id":"mine","queue":"emails","delay_ms":60000})")->status(), 201);
  const auto answer = get("/v1/jobs/mine/explain");
  EXPECT_EQ(answer->status(), 200);
  const auto body = answer->body();
  EXPECT_EQ(body["status"], "scheduled");
  EXPECT_EQ(body["reasons"][0]["code"], "scheduled");
  EXPECT_EQ(body["next_at"], body["reasons"][0]["run_at"]);
  EXPECT_EQ(get("/v1/jobs/none/explain")->reason(), "job_not_found");
  const auto other = as(make_key(R"(["jobs:read"])", R"(,"queues":["other.*"])"));
  EXPECT_EQ(ask("GET", "/v1/jobs/mine/explain", "", other)->reason(), "queue_not_allowed");
}

TEST_F(JobsTest, TheSameIdTwiceIsADuplicate) {
  const std::string body = R"({"id":"mine-1","queue":"q","type":"t"})";
  EXPECT_EQ(post("/v1/jobs", body)->status(), 201);
  const auto again = post("/v1/jobs", body);
  EXPECT_EQ(again->status(), 200);
  EXPECT_EQ(again->body()["duplicate"], true);
}

TEST_F(JobsTest, AnIdempotencyKeyGetsTheFirstAnswerAgain) {
  const std::string body = R"({"queue":"q","payload":1})";
  const Headers key{{"idempotency-key", "order 17"}};
  const auto first = ask("POST", "/v1/jobs", body, key);
  ASSERT_EQ(first->status(), 201);
  const auto again = ask("POST", "/v1/jobs", body, key);
  EXPECT_EQ(again->status(), 200);
  Json expected = first->body();
  expected["duplicate"] = true;
  EXPECT_EQ(again->body(), expected);
  const auto other = ask("POST", "/v1/jobs", R"({"queue":"q","payload":2})", key);
  EXPECT_EQ(other->status(), 409);
  EXPECT_EQ(other->reason(), "idempotency_key_reused");
  // Another API key is another client.
  auto headers = as(make_key(R"(["jobs:write"])"));
  headers.push_back(key[0]);
  EXPECT_EQ(ask("POST", "/v1/jobs", body, headers)->status(), 201);
}

TEST_F(JobsTest, AnIdempotencyKeyOfABatch) {
  const std::string body = R"({"jobs":[{"queue":"q"},{"queue":".."},{"queue":"q"}]})";
  const Headers key{{"idempotency-key", "batch"}};
  const auto first = ask("POST", "/v1/jobs/batch", body, key);
  ASSERT_EQ(first->status(), 201);
  const auto again = ask("POST", "/v1/jobs/batch", body, key);
  EXPECT_EQ(again->status(), 200);
  EXPECT_EQ(again->body()["results"], first->body()["results"]);
  const auto other = ask("POST", "/v1/jobs/batch", R"({"jobs":[{"queue":"r"}]})", key);
  EXPECT_EQ(other->reason(), "idempotency_key_reused");
}

TEST_F(JobsTest, BadIdempotencyKeysAreRefused) {
  for (const auto& text : {std::string(256, 'k'), std::string("caf\xc3\xa9")}) {
    const Headers key{{"idempotency-key", text}};
    EXPECT_EQ(ask("POST", "/v1/jobs", R"({"queue":"q"})", key)->reason(), "bad_idempotency_key");
  }
  const Headers longest{{"idempotency-key", std::string(255, 'k')}};
  EXPECT_EQ(ask("POST", "/v1/jobs", R"({"queue":"q"})", longest)->status(), 201);
}

TEST_F(JobsTest, UnknownJobsAre404) {
  EXPECT_EQ(get("/v1/jobs/none")->reason(), "job_not_found");
  EXPECT_EQ(get("/v1/jobs/none?wait=1s")->reason(), "job_not_found");
  EXPECT_EQ(get("/v1/jobs/none/timeline")->reason(), "job_not_found");
  for (const char* verb : {"cancel", "retry", "promote"}) {
    EXPECT_EQ(post(std::string("/v1/jobs/none/") + verb)->reason(), "job_not_found") << verb;
  }
  EXPECT_EQ(ask("DELETE", "/v1/jobs/none")->reason(), "job_not_found");
}

TEST_F(JobsTest, CancelRetryPromoteRemove) {
  const auto id = submit("q", R"(,"delay_ms":"1h")");
  EXPECT_EQ(ask("DELETE", "/v1/jobs/" + id)->reason(), "job_not_finished");
  EXPECT_EQ(post("/v1/jobs/" + id + "/retry")->reason(), "job_not_retryable");
  EXPECT_EQ(post("/v1/jobs/" + id + "/promote")->body()["status"], "unprocessed");
  EXPECT_EQ(post("/v1/jobs/" + id + "/promote")->reason(), "job_not_scheduled");
  EXPECT_EQ(post("/v1/jobs/" + id + "/cancel")->body()["status"], "cancelled");
  EXPECT_EQ(post("/v1/jobs/" + id + "/cancel", "")->status(), 200);  // it is what was wanted
  EXPECT_EQ(post("/v1/jobs/" + id + "/retry")->body()["status"], "unprocessed");
  EXPECT_EQ(post("/v1/jobs/" + id + "/cancel")->status(), 200);
  const auto copy = post("/v1/jobs/" + id + "/retry", R"({"as_new":true})")->body();
  EXPECT_NE(copy["id"], id);
  EXPECT_EQ(ask("DELETE", "/v1/jobs/" + id)->status(), 200);
  EXPECT_EQ(get("/v1/jobs/" + id)->status(), 404);
}

TEST_F(JobsTest, ABatchAnswersInOrder) {
  const auto made =
      post("/v1/jobs/batch", R"({"jobs":[{"queue":"q","type":"a"},{"queue":"..","type":"b"},)"
                             R"({"id":"c","queue":"q","type":"c"}]})");
  ASSERT_EQ(made->status(), 201);
  const Json results = made->body()["results"];
  ASSERT_EQ(results.size(), 3U);
  EXPECT_TRUE(results[0].contains("id"));
  EXPECT_EQ(results[1]["reason"], "invalid_job");
  EXPECT_EQ(results[2]["id"], "c");
  EXPECT_FALSE(made->header("Weir-Revision").empty());
}

TEST_F(JobsTest, AnAtomicBatchIsAllOrNothing) {
  const auto refused =
      post("/v1/jobs/batch", R"({"atomic":true,"jobs":[{"id":"a","queue":"q","type":"a"},)"
                             R"({"queue":"..","type":"b"}]})");
  EXPECT_EQ(refused->status(), 422);
  EXPECT_EQ(get("/v1/jobs/a")->status(), 404);
}

TEST_F(JobsTest, ABatchMayBeNdjson) {
  const auto made = ask("POST", "/v1/jobs/batch",
                        "{\"id\":\"a\",\"queue\":\"q\",\"type\":\"t\"}\n\nnot json\n"
                        "{\"id\":\"b\",\"queue\":\"q\",\"type\":\"t\"}",
                        {{"content-type", "application/x-ndjson"}});
  ASSERT_EQ(made->status(), 201);
  const Json results = made->body()["results"];
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0]["id"], "a");
  EXPECT_TRUE(results[1].contains("reason"));
  EXPECT_EQ(results[2]["id"], "b");
}

TEST_F(JobsTest, ABatchLargerThanAnEntryIsWhole) {
  Json jobs = Json::array();
  const std::string padding(900, 'x');
  for (int i = 0; i < 3000; ++i) {
    jobs.push_back(
        {{"id", "j" + std::to_string(i)}, {"queue", "q"}, {"type", "t"}, {"payload", padding}});
  }
  const auto made = post("/v1/jobs/batch", Json{{"jobs", jobs}}.dump());
  ASSERT_EQ(made->status(), 201);
  const Json results = made->body()["results"];
  ASSERT_EQ(results.size(), 3000U);
  for (std::size_t i = 0; i < results.size(); ++i) {
    ASSERT_EQ(results[i]["id"], "j" + std::to_string(i));
  }
  const auto proposed = instance_->proposed();
  EXPECT_GT(std::count(proposed.begin(), proposed.end(), "jobs.submit"), 1);
}

TEST_F(JobsTest, ListsFilterAndPage) {
  for (int i = 0; i < 5; ++i) submit("a");
  submit("b");
  const auto first = get("/v1/jobs?queue=a&limit=3")->body();
  EXPECT_EQ(first["items"].size(), 3U);
  EXPECT_EQ(first["total_items"], 5);
  const std::string cursor = first["next_cursor"];
  const auto second = get("/v1/jobs?queue=a&limit=3&cursor=" + cursor)->body();
  EXPECT_EQ(second["items"].size(), 2U);
  EXPECT_TRUE(second["next_cursor"].is_null());
  EXPECT_EQ(get("/v1/jobs?status=unprocessed")->body()["items"].size(), 6U);
  EXPECT_EQ(get("/v1/jobs?created_after=2999-01-01T00:00:00Z")->body()["items"].size(), 0U);
}

TEST_F(JobsTest, FiltersOfListsAndOfChangesOfManyJobs) {
  for (const char* tenant : {"acme", "acme", "other"}) {
    ASSERT_EQ(
        post("/v1/jobs", R"({"queue":"a","metadata":{"tenant":")" + std::string(tenant) + "\"}}")
            ->status(),
        201);
  }
  EXPECT_EQ(get("/v1/jobs?metadata=tenant=acme&sort=created")->body()["items"].size(), 2U);
  const std::string filter = R"({"filter":{"metadata":{"tenant":"acme"}},"limit":1)";
  const auto dry = post("/v1/jobs/cancel", filter + R"(,"dry_run":true})")->body();
  EXPECT_EQ(dry["matched"], 1);
  EXPECT_EQ(dry["ids"].size(), 1U);
  EXPECT_TRUE(dry["next_cursor"].is_string());
  const auto first = post("/v1/jobs/cancel", filter + "}")->body();
  EXPECT_EQ(first["cancelled"], 1);
  const std::string cursor = first["next_cursor"];
  const auto second = post("/v1/jobs/cancel", filter + R"(,"cursor":")" + cursor + "\"}")->body();
  EXPECT_EQ(second["cancelled"], 1);
  EXPECT_EQ(get("/v1/jobs?status=cancelled")->body()["items"].size(), 2U);
  EXPECT_EQ(post("/v1/jobs/cancel", "{}")->status(), 422);
  EXPECT_EQ(
      post("/v1/dlq/redrive", R"({"filter":{"error":"x"},"dry_run":true})")->body()["matched"], 0);
  const auto other = as(make_key(R"(["jobs:write"])", R"(,"queues":["other.*"])"));
  EXPECT_EQ(ask("POST", "/v1/jobs/cancel", filter + "}", other)->reason(), "queue_not_allowed");
}

TEST_F(JobsTest, QueuesShowHowLongJobsWaitAndRun) {
  submit("q");
  EXPECT_TRUE(get("/v1/queues/q")->body()["wait_ms"]["p50"].is_null());
  const auto leased = post("/v1/queues/q/lease", R"({"worker":"w"})")->body();
  const std::string token = leased["jobs"][0]["lease"];
  ASSERT_EQ(post("/v1/leases/" + token + "/fail", R"({"terminate":true})")->status(), 200);
  const auto queue = get("/v1/queues/q")->body();
  EXPECT_EQ(queue["wait_ms"]["count"], 1);
  EXPECT_EQ(queue["run_ms"]["count"], 1);
  EXPECT_TRUE(queue["run_ms"]["p95"].is_number());
  EXPECT_EQ(queue["counts"]["failed"], 1);
  const auto page = get("/metrics")->wait().body;
  EXPECT_THAT(page, HasSubstr(R"(weir_job_wait_seconds_count{priority="5"} 1)"));
}

TEST_F(JobsTest, BadListParametersAreNamed) {
  for (const char* query : {"limit=0", "limit=1001", "limit=ten", "status=done",
                            "created_after=yesterday", "metadata=x", "sort=up"}) {
    const auto client = get(std::string("/v1/jobs?") + query);
    EXPECT_EQ(client->status(), 422) << query;
    EXPECT_EQ(client->reason(), "invalid_request") << query;
    EXPECT_THAT(client->wait().body, HasSubstr(std::string(query).substr(0, 4)));
  }
  const auto id = submit("q");
  for (const char* wait : {"2m", "-1", "soon"}) {
    EXPECT_EQ(get("/v1/jobs/" + id + "?wait=" + wait)->reason(), "bad_parameter") << wait;
  }
}

TEST_F(JobsTest, WaitReturnsWhenTheJobEnds) {
  const auto id = submit("q");
  const auto waiting = get("/v1/jobs/" + id + "?wait=30s");
  const auto job = lease("q")[0];
  EXPECT_FALSE(waiting->answered());
  const std::string token = job["lease"];
  ASSERT_EQ(post("/v1/leases/" + token + "/complete", R"({"result":{"ok":1}})")->status(), 200);
  EXPECT_EQ(waiting->status(), 200);
  EXPECT_EQ(waiting->body()["status"], "completed");
  EXPECT_EQ(waiting->body()["result"], Json::parse(R"({"ok":1})"));
  EXPECT_EQ(instance_->watches(), 0U);
  EXPECT_EQ(get("/v1/jobs/" + id + "?wait=30s")->body()["status"], "completed");
}

TEST_F(JobsTest, WaitEndsWithItsTime) {
  const auto id = submit("q");
  const auto waiting = get("/v1/jobs/" + id + "?wait=50ms");
  EXPECT_EQ(waiting->body()["status"], "unprocessed");
  EXPECT_EQ(instance_->watches(), 0U);
}

TEST_F(JobsTest, WaitIsForgottenWhenTheClientLeaves) {
  const auto id = submit("q");
  const auto waiting = get("/v1/jobs/" + id + "?wait=30s");
  EXPECT_EQ(instance_->watches(), 1U);
  waiting->hang_up();
  EXPECT_EQ(instance_->watches(), 0U);
  EXPECT_FALSE(waiting->answered());
}

TEST_F(JobsTest, QueuePatternsAreEnforced) {
  const auto key = make_key(R"(["jobs:read","jobs:write"])", R"(,"queues":["mine.*"])");
  const auto theirs = submit("theirs");
  const auto try_as_key = [&](const char* method, const std::string& target,
                              const std::string& body = "") {
    const auto client = ask(method, target, body, as(key));
    return client->status() < 400 ? "allowed" : client->reason();
  };
  EXPECT_EQ(try_as_key("POST", "/v1/jobs", R"({"queue":"mine.a","type":"t"})"), "allowed");
  EXPECT_EQ(try_as_key("POST", "/v1/jobs", R"({"queue":"theirs","type":"t"})"),
            "queue_not_allowed");
  EXPECT_EQ(try_as_key("POST", "/v1/jobs/batch",
                       R"({"jobs":[{"queue":"mine.a","type":"t"},{"queue":"x","type":"t"}]})"),
            "queue_not_allowed");
  const auto ndjson =
      ask("POST", "/v1/jobs/batch", "{\"queue\":\"x\",\"type\":\"t\"}\n",
          {{"authorization", "Bearer " + key}, {"content-type", "application/x-ndjson"}});
  EXPECT_EQ(ndjson->reason(), "queue_not_allowed");
  EXPECT_EQ(try_as_key("GET", "/v1/jobs"), "queue_not_allowed");
  EXPECT_EQ(try_as_key("GET", "/v1/jobs?queue=mine.a"), "allowed");
  for (const char* tail : {"", "/timeline", "?wait=1s"}) {
    EXPECT_EQ(try_as_key("GET", "/v1/jobs/" + theirs + tail), "queue_not_allowed") << tail;
  }
  for (const char* verb : {"/cancel", "/retry", "/promote"}) {
    EXPECT_EQ(try_as_key("POST", "/v1/jobs/" + theirs + verb), "queue_not_allowed") << verb;
  }
  EXPECT_EQ(try_as_key("DELETE", "/v1/jobs/" + theirs), "queue_not_allowed");
}

}  // namespace
}  // namespace weir::api
