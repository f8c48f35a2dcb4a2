// Queues, dead letters and keys over the API.
#include "api/core/bootstrap.hpp"
#include "tests/unit/api/api_fixture.hpp"

namespace weir::api {
namespace {

using testing::HasSubstr;
using testing::Not;

class QueuesTest : public ApiTest {
 protected:
  // A job in the dead-letter queue.
  std::string dead_letter(const std::string& queue) {
    const auto id = submit(queue, R"(,"max_attempts":1)");
    const std::string token = lease(queue)[0]["lease"];
    EXPECT_EQ(post("/v1/leases/" + token + "/fail", R"({"error":{"message":"no"}})")->status(),
              200);
    return id;
  }
};

TEST_F(QueuesTest, ConfigureShowPauseResumeRemove) {
  const auto put = ask("PUT", "/v1/queues/emails", R"({"max_attempts":3,"lease_ms":"1m"})");
  ASSERT_EQ(put->status(), 200) << put->wait().body;
  const auto shown = get("/v1/queues/emails")->body();
  EXPECT_EQ(shown["name"], "emails");
  EXPECT_EQ(shown["config"]["max_attempts"], 3);
  EXPECT_EQ(shown["config"]["lease_ms"], 60000);
  submit("emails");
  EXPECT_EQ(post("/v1/queues/emails/pause")->status(), 200);
  EXPECT_EQ(get("/v1/queues/emails")->body()["paused"], true);
  EXPECT_EQ(lease("emails").size(), 0U);
  EXPECT_EQ(post("/v1/queues/emails/resume", "")->status(), 200);
  EXPECT_EQ(ask("DELETE", "/v1/queues/emails")->reason(), "queue_not_empty");
  EXPECT_EQ(post("/v1/queues/emails/purge")->body()["purged"], 1);
  EXPECT_EQ(ask("DELETE", "/v1/queues/emails")->status(), 200);
  EXPECT_EQ(get("/v1/queues/emails")->reason(), "queue_not_found");
}

TEST_F(QueuesTest, BadConfigurationsAreRefused) {
  EXPECT_EQ(ask("PUT", "/v1/queues/q", R"({"max_attempts":0})")->status(), 422);
  EXPECT_EQ(ask("PUT", "/v1/queues/q", R"({"colour":"red"})")->reason(), "unknown_field");
  EXPECT_EQ(ask("PUT", "/v1/queues/a b", "{}")->status(), 422);
}

TEST_F(QueuesTest, UnknownQueuesAre404) {
  for (const char* verb : {"/pause", "/resume", "/purge"}) {
    EXPECT_EQ(post(std::string("/v1/queues/none") + verb)->reason(), "queue_not_found") << verb;
  }
}

TEST_F(QueuesTest, ListShowsOnlyWhatTheKeyMaySee) {
  submit("a");
  submit("b");
  EXPECT_EQ(get("/v1/queues")->body()["items"].size(), 2U);
  const auto key = make_key(R"(["jobs:read","queues:admin"])", R"(,"queues":["a"])");
  const auto listed = ask("GET", "/v1/queues", "", as(key))->body();
  ASSERT_EQ(listed["items"].size(), 1U);
  EXPECT_EQ(listed["items"][0]["name"], "a");
  EXPECT_EQ(ask("GET", "/v1/queues/b", "", as(key))->reason(), "queue_not_allowed");
  EXPECT_EQ(ask("POST", "/v1/queues/b/purge", "", as(key))->reason(), "queue_not_allowed");
  EXPECT_EQ(ask("PUT", "/v1/queues/b", "{}", as(key))->reason(), "queue_not_allowed");
}

TEST_F(QueuesTest, APurgeGoesOnUntilTheQueueIsEmpty) {
  Json jobs = Json::array();
  for (int i = 0; i < 9000; ++i) jobs.push_back({{"queue", "q"}, {"type", "t"}});
  ASSERT_EQ(post("/v1/jobs/batch", Json{{"jobs", jobs}}.dump())->status(), 201);
  EXPECT_EQ(post("/v1/queues/q/purge")->body()["purged"], 9000);
  const auto names = instance_->proposed();
  EXPECT_GT(std::count(names.begin(), names.end(), "jobs.purge"), 1);
}

TEST_F(QueuesTest, DeadLettersAreListedRedrivenAndPurged) {
  const auto first = dead_letter("q");
  const auto second = dead_letter("q");
  EXPECT_EQ(get("/v1/dlq")->body()["items"].size(), 2U);
  EXPECT_EQ(get("/v1/dlq?queue=other")->body()["items"].size(), 0U);
  EXPECT_EQ(get("/v1/dlq/" + first)->body()["status"], "dlq");
  EXPECT_EQ(get("/v1/dlq/none")->reason(), "dead_letter_not_found");
  const auto redriven = post("/v1/dlq/redrive", R"({"filter":{"ids":[")" + first + R"("]}})");
  EXPECT_EQ(redriven->body()["redriven"], 1) << redriven->wait().body;
  EXPECT_EQ(get("/v1/jobs/" + first)->body()["status"], "unprocessed");
  EXPECT_EQ(post("/v1/dlq/purge", R"({"queue":"q"})")->body()["purged"], 1);
  EXPECT_EQ(get("/v1/dlq")->body()["items"].size(), 0U);
}

TEST_F(QueuesTest, ARestrictedKeyRedrivesOnlyItsQueue) {
  const auto theirs = dead_letter("theirs");
  submit("mine");
  const auto key = make_key(R"(["jobs:read","queues:admin"])", R"(,"queues":["mine"])");
  EXPECT_EQ(ask("GET", "/v1/dlq", "", as(key))->reason(), "queue_not_allowed");
  EXPECT_EQ(ask("GET", "/v1/dlq/" + theirs, "", as(key))->reason(), "queue_not_allowed");
  EXPECT_EQ(ask("POST", "/v1/dlq/redrive", R"({"ids":[")" + theirs + R"("]})", as(key))->reason(),
            "queue_not_allowed");
  EXPECT_EQ(ask("POST", "/v1/dlq/purge", R"({"queue":"mine"})", as(key))->status(), 200);
}

TEST_F(QueuesTest, KeysAreShownOnceAndListedWithoutSecret) {
  const auto made =
      post("/v1/keys", R"({"name":"ci \"bot\"","scopes":["jobs:write"],"queues":["a.*"],)"
                       R"("expires_at":"2999-01-01T00:00:00Z"})");
  ASSERT_EQ(made->status(), 201) << made->wait().body;
  EXPECT_EQ(made->header("Cache-Control"), "no-store");
  const Json key = made->body();
  const std::string text = key["key"];
  EXPECT_EQ(key["name"], "ci \"bot\"");
  EXPECT_EQ(key["scopes"], Json::parse(R"(["jobs:write"])"));
  const auto listed = get("/v1/keys");
  EXPECT_THAT(listed->wait().body, Not(HasSubstr(text.substr(18))));
  EXPECT_EQ(listed->body()["items"].size(), 2U);
  const Json items = listed->body()["items"];
  for (const Json& item : items) EXPECT_FALSE(item.contains("key"));
}

TEST_F(QueuesTest, BadKeysAreRefusedWithTheirFields) {
  struct Case {
    const char* body;
    int status;
    const char* field;
  };
  const Case cases[] = {
      {R"({"scopes":["admin"]})", 422, "name"},
      {R"({"name":"","scopes":["admin"]})", 422, "name"},
      {R"({"name":"n"})", 422, "scopes"},
      {R"({"name":"n","scopes":[]})", 422, "scopes"},
      {R"({"name":"n","scopes":["everything"]})", 422, "scopes[0]"},
      {R"({"name":"n","scopes":["admin"],"queues":["a*"]})", 422, "queues[0]"},
      {R"({"name":"n","scopes":["admin"],"expires_at":"2001-01-01T00:00:00Z"})", 422, "expires_at"},
      {R"({"name":"n","scopes":["admin"],"max_waiting":0})", 422, "max_waiting"},
      {R"({"name":"n","scopes":["admin"],"max_waiting":"many"})", 422, "max_waiting"},
      {R"({"name":"n","scopes":["admin"],"speed":5})", 400, "speed"},
      {R"({"name":"n","scopes":["admin"],"rate":5})", 422, "rate.limit"},
  };
  for (const auto& c : cases) {
    const auto client = post("/v1/keys", c.body);
    EXPECT_EQ(client->status(), c.status) << c.body;
    EXPECT_THAT(client->wait().body, HasSubstr(c.field)) << c.body;
  }
}

TEST_F(QueuesTest, TheLastAdminKeyAndGivenKeysAreProtected) {
  const std::string id = admin_.substr(5, auth::kKeyIdDigits);
  EXPECT_EQ(ask("DELETE", "/v1/keys/" + id)->reason(), "last_admin_key");
  EXPECT_EQ(ask("DELETE", "/v1/keys/none")->reason(), "key_not_found");
  EXPECT_EQ(post("/v1/keys/none/rotate")->reason(), "key_not_found");
  const std::string given = "a-key-that-the-operator-chose";
  ASSERT_TRUE(ensure_admin_key(*instance_, random_, given, Millis{1000}));
  EXPECT_EQ(ask("GET", "/v1/keys", "", as(given))->status(), 200);
  const auto given_id = auth::key_id_of(given);
  EXPECT_EQ(post("/v1/keys/" + given_id + "/rotate")->reason(), "key_not_rotatable");
}

}  // namespace
}  // namespace weir::api
