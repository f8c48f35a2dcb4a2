// Schedules over the API.
#include "tests/unit/api/api_fixture.hpp"

namespace weir::api {
namespace {

constexpr const char* kNightly =
    R"({"cron":"30 2 * * *","time_zone":"Europe/Berlin","job":{"queue":"reports","type":"t"}})";

class SchedulesTest : public ApiTest {
 protected:
  std::shared_ptr<Client> put(const std::string& name, const std::string& body = kNightly,
                              Headers headers = {}) {
    return ask("PUT", "/v1/schedules/" + name, body, std::move(headers));
  }
};

TEST_F(SchedulesTest, SetShowListDelete) {
  const auto made = put("nightly");
  ASSERT_EQ(made->status(), 200) << made->wait().body;
  const auto shown = get("/v1/schedules/nightly?upcoming=3")->body();
  EXPECT_EQ(shown["cron"], "30 2 * * *");
  EXPECT_EQ(shown["time_zone"], "Europe/Berlin");
  EXPECT_EQ(shown["overlap"], "allow");
  EXPECT_EQ(shown["catchup"], "last");
  EXPECT_EQ(shown["job"]["queue"], "reports");
  EXPECT_EQ(shown["paused"], false);
  EXPECT_EQ(shown["runs"], 0);
  ASSERT_EQ(shown["next_runs"].size(), 3U);
  EXPECT_EQ(shown["next_runs"][0], shown["next_at"]);
  const auto page = get("/v1/schedules")->body();
  ASSERT_EQ(page["items"].size(), 1U);
  EXPECT_EQ(page["items"][0]["name"], "nightly");
  EXPECT_TRUE(page["next_cursor"].is_null());
  EXPECT_EQ(ask("DELETE", "/v1/schedules/nightly")->status(), 200);
  EXPECT_EQ(get("/v1/schedules/nightly")->reason(), "schedule_not_found");
}

TEST_F(SchedulesTest, PauseResumeTriggerBackfillRuns) {
  put("nightly");
  EXPECT_EQ(post("/v1/schedules/nightly/pause")->body()["paused"], true);
  EXPECT_TRUE(get("/v1/schedules/nightly")->body()["next_at"].is_null());
  EXPECT_EQ(post("/v1/schedules/nightly/resume")->body()["paused"], false);
  EXPECT_FALSE(get("/v1/schedules/nightly")->body()["next_at"].is_null());
  const auto triggered = post("/v1/schedules/nightly/trigger");
  ASSERT_EQ(triggered->status(), 201);
  const std::string id = triggered->body()["id"];
  EXPECT_EQ(get("/v1/jobs/" + id)->body()["queue"], "reports");
  const auto filled = post("/v1/schedules/nightly/backfill",
                           R"({"from":"2025-03-29T00:00:00Z","to":"2025-03-31T00:00:00Z"})");
  ASSERT_EQ(filled->status(), 200) << filled->wait().body;
  EXPECT_EQ(filled->body()["submitted"], 2);
  // 30 March 2025: 02:30 is skipped, the run comes at 03:00 in Berlin.
  EXPECT_EQ(get("/v1/jobs/nightly:2025-03-30T01:00:00Z")->status(), 200);
  const auto runs = get("/v1/schedules/nightly/runs?limit=2")->body();
  ASSERT_EQ(runs["items"].size(), 2U);
  EXPECT_EQ(runs["items"][0]["id"], id);
  EXPECT_EQ(runs["items"][0]["kind"], "trigger");
  EXPECT_EQ(runs["items"][1]["kind"], "backfill");
  const std::string cursor = runs["next_cursor"];
  EXPECT_EQ(get("/v1/schedules/nightly/runs?cursor=" + cursor)->body()["items"].size(), 1U);
  EXPECT_EQ(get("/v1/schedules/nightly/runs?cursor=x")->reason(), "invalid_request");
}

TEST_F(SchedulesTest, WhatIsWrongIsSaid) {
  const auto bad = put("s", R"({"cron":"61 * * * *","time_zone":"Mars","job":{"queue":"q"}})");
  EXPECT_EQ(bad->reason(), "invalid_schedule");
  EXPECT_EQ(bad->status(), 422);
  EXPECT_EQ(put("a b")->reason(), "invalid_schedule");
  EXPECT_EQ(put("s", "")->status(), 400);
  for (const char* verb : {"/pause", "/resume", "/trigger"}) {
    EXPECT_EQ(post(std::string("/v1/schedules/none") + verb)->reason(), "schedule_not_found");
  }
  EXPECT_EQ(post("/v1/schedules/none/backfill", R"({"from":1,"to":2})")->reason(),
            "schedule_not_found");
  put("s", R"({"every":"1s","job":{"queue":"q"}})");
  EXPECT_EQ(post("/v1/schedules/s/backfill", R"({"from":0,"to":5000000})")->reason(),
            "backfill_too_large");
  EXPECT_EQ(get("/v1/schedules/s?upcoming=101")->reason(), "bad_parameter");
}

TEST_F(SchedulesTest, KeysAndTheirQueues) {
  put("nightly");
  put("other", R"({"cron":"@daily","job":{"queue":"emails"}})");
  const auto reader = as(make_key(R"(["jobs:read"])"));
  EXPECT_EQ(ask("GET", "/v1/schedules", "", reader)->status(), 403);
  const auto mail = as(make_key(R"(["queues:admin"])", R"(,"queues":["emails"])"));
  EXPECT_EQ(ask("GET", "/v1/schedules", "", mail)->body()["items"].size(), 1U);
  EXPECT_EQ(ask("GET", "/v1/schedules/nightly", "", mail)->reason(), "queue_not_allowed");
  EXPECT_EQ(ask("POST", "/v1/schedules/nightly/trigger", "{}", mail)->reason(),
            "queue_not_allowed");
  EXPECT_EQ(ask("DELETE", "/v1/schedules/nightly", "", mail)->reason(), "queue_not_allowed");
  EXPECT_EQ(put("fresh", kNightly, mail)->reason(), "queue_not_allowed");
  const std::string taken = R"({"cron":"@daily","job":{"queue":"emails"}})";
  EXPECT_EQ(put("nightly", taken, mail)->reason(), "queue_not_allowed");
  EXPECT_EQ(put("fresh", taken, mail)->status(), 200);
}

TEST_F(SchedulesTest, AuditAndMetrics) {
  put("nightly");
  post("/v1/schedules/nightly/trigger");
  const auto records = get("/v1/audit?action=schedules")->body()["items"];
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0]["action"], "schedules.trigger");
  EXPECT_EQ(records[1]["action"], "schedules.configure");
  EXPECT_EQ(records[1]["target"], "nightly");
  EXPECT_FALSE(records[1].contains("details")) << "a job has a payload";
  const auto metrics = get("/metrics")->wait().body;
  EXPECT_THAT(metrics, testing::HasSubstr("weir_schedule_runs_total 1"));
  EXPECT_THAT(metrics, testing::HasSubstr("weir_schedule_missed_total 0"));
  EXPECT_THAT(metrics, testing::HasSubstr("weir_schedule_lateness_seconds_total 0"));
}

}  // namespace
}  // namespace weir::api
