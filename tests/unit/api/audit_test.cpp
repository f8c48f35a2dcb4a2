// The audit log over the API.
#include "tests/unit/api/api_fixture.hpp"

namespace weir::api {
namespace {

class AuditTest : public ApiTest {
 protected:
  Json records(const std::string& query = "") { return get("/v1/audit" + query)->body()["items"]; }
  std::vector<std::string> actions(const std::string& query = "") {
    std::vector<std::string> out;
    for (const auto& record : records(query)) out.push_back(record["action"]);
    return out;
  }
};

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(AuditTest, TellsWhoChangedWhatFromWhere) {
  ASSERT_EQ(
      ask("PUT", "/v1/queues/emails", R"({"max_attempts":3})", {{"x-request-id", "r-1"}})->status(),
      200);
  const auto all = records();
  ASSERT_EQ(all.size(), 1U);
  const auto& record = all[0];
  EXPECT_EQ(record["action"], "queues.configure");
  EXPECT_EQ(record["target"], "emails");
  EXPECT_EQ(record["outcome"], "ok");
  EXPECT_EQ(record["details"], Json::parse(R"({"max_attempts":3})"));
  EXPECT_FALSE(record["key_id"].get<std::string>().empty());
  EXPECT_FALSE(record["at"].get<std::string>().empty());
  EXPECT_GT(record["revision"], 0);
}

TEST_F(AuditTest, EveryKindOfChangeAndNothingElse) {
  const auto id = submit("q");
  submit("q");
  lease("q");
  get("/v1/jobs");
  EXPECT_THAT(actions(), IsEmpty()) << "submitting, working and reading are no changes";
  post("/v1/jobs/" + id + "/cancel");
  post("/v1/queues/q/pause");
  post("/v1/queues/q/resume");
  post("/v1/queues/q/purge");
  post("/v1/dlq/purge", R"({"queue":"q"})");
  make_key(R"(["jobs:read"])");
  EXPECT_THAT(actions(), ElementsAre("keys.create", "dlq.purge", "queues.purge", "queues.resume",
                                     "queues.pause", "jobs.cancel"));
}

TEST_F(AuditTest, ARefusalIsRecordedWithItsReason) {
  ASSERT_EQ(post("/v1/jobs/none/cancel")->status(), 404);
  ASSERT_EQ(records().size(), 1U);
  EXPECT_EQ(records()[0]["outcome"], "job_not_found");
  EXPECT_EQ(records()[0]["target"], "none");
}

TEST_F(AuditTest, NothingOfAKeyIsRecorded) {
  const auto key = make_key(R"(["jobs:read"])");
  const auto page = get("/v1/audit")->wait().body;
  EXPECT_EQ(page.find(key.substr(key.rfind('_') + 1)), std::string::npos);
  EXPECT_FALSE(records()[0].contains("details"));
}

TEST_F(AuditTest, NothingSecretIsRecorded) {
  const auto put = ask("PUT", "/v1/queues/q",
                       R"({"max_attempts":3,"webhook":{"url":"https://example.com/in",)"
                       R"("secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}})");
  ASSERT_EQ(put->status(), 200) << put->wait().body;
  ASSERT_EQ(post("/v1/dlq/redrive", R"({"queue":"q","patch":{"card":"4111"}})")->status(), 202);
  const auto page = get("/v1/audit")->wait().body;
  EXPECT_EQ(page.find("whsec_"), std::string::npos) << page;
  EXPECT_EQ(page.find("4111"), std::string::npos) << page;
  EXPECT_EQ(records()[0]["details"]["patch"], "***");
  EXPECT_EQ(records()[1]["details"]["webhook"]["url"], "https://example.com/in");
  EXPECT_EQ(records()[1]["details"]["max_attempts"], 3);
}

TEST_F(AuditTest, FiltersAndPages) {
  for (const char* queue : {"a", "b", "c"}) {
    ASSERT_EQ(ask("PUT", std::string("/v1/queues/") + queue, "{}")->status(), 200);
    ASSERT_EQ(post(std::string("/v1/queues/") + queue + "/pause")->status(), 200);
  }
  EXPECT_EQ(actions("?target=b").size(), 2U);
  EXPECT_EQ(actions("?action=queues.pause").size(), 3U);
  EXPECT_EQ(actions("?action=queues").size(), 6U);
  EXPECT_THAT(actions("?action=queue"), IsEmpty());
  EXPECT_THAT(actions("?after=2100-01-01T00:00:00Z"), IsEmpty());
  EXPECT_THAT(actions("?before=2000-01-01T00:00:00Z"), IsEmpty());
  std::vector<std::string> seen;
  std::string cursor;
  for (int page = 0; page < 3; ++page) {
    const auto body =
        get("/v1/audit?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor))->body();
    ASSERT_EQ(body["items"].size(), 2U);
    for (const auto& record : body["items"]) seen.push_back(record["target"]);
    if (page < 2) cursor = body["next_cursor"];
    EXPECT_EQ(body["next_cursor"].is_null(), page == 2);
  }
  EXPECT_THAT(seen, ElementsAre("c", "c", "b", "b", "a", "a"));
  EXPECT_EQ(get("/v1/audit?cursor=x")->reason(), "invalid_request");
  EXPECT_EQ(get("/v1/audit?after=x")->reason(), "bad_parameter");
}

TEST_F(AuditTest, IsForAdminsOnly) {
  const auto key = make_key(R"(["queues:admin"])");
  EXPECT_EQ(ask("GET", "/v1/audit", "", as(key))->reason(), "missing_scope");
}

}  // namespace
}  // namespace weir::api
