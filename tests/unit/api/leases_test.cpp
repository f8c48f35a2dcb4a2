#include "tests/unit/api/api_fixture.hpp"

namespace weir::api {
namespace {

class LeasesTest : public ApiTest {
 protected:
  std::shared_ptr<Client> park(const std::string& queue, const std::string& wait = "\"30s\"") {
    return post("/v1/queues/" + queue + "/lease", R"({"worker":"w1","wait_ms":)" + wait + "}");
  }
  std::size_t count_proposed(const std::string& name) const {
    const auto names = instance_->proposed();
    return static_cast<std::size_t>(std::count(names.begin(), names.end(), name));
  }
  std::string status_of(const std::string& id) { return get("/v1/jobs/" + id)->body()["status"]; }
};

TEST_F(LeasesTest, LeaseCompleteAndTheStaleLease) {
  const auto id = submit("q", R"(,"payload":[1,2])");
  const auto jobs = lease("q");
  ASSERT_EQ(jobs.size(), 1U);
  for (const char* member : {"id", "queue", "lease", "attempt", "deadline", "type", "payload"}) {
    EXPECT_TRUE(jobs[0].contains(member)) << member;
  }
  EXPECT_EQ(jobs[0]["id"], id);
  const std::string path = "/v1/leases/" + jobs[0]["lease"].get<std::string>();
  const auto beat = post(path + "/heartbeat", R"({"message":"half"})")->body();
  EXPECT_EQ(beat["ok"], true);
  EXPECT_EQ(beat["cancel"], false);
  EXPECT_EQ(post(path + "/complete", "")->body()["ok"], true);
  for (const char* verb : {"/complete", "/release", "/heartbeat"}) {
    const auto stale = post(path + verb);
    EXPECT_EQ(stale->status(), 409) << verb;
    EXPECT_EQ(stale->reason(), "lease_lost") << verb;
  }
  EXPECT_EQ(post(path + "/fail", R"({"error":{"message":"no"}})")->reason(), "lease_lost");
  EXPECT_EQ(lease("q").size(), 0U);
}

TEST_F(LeasesTest, FailAndReleaseBringTheJobBack) {
  const auto id = submit("q");
  auto token = lease("q")[0]["lease"].get<std::string>();
  EXPECT_EQ(post("/v1/leases/" + token + "/release")->status(), 200);
  EXPECT_EQ(status_of(id), "unprocessed");
  const auto again = lease("q")[0];
  EXPECT_EQ(again["attempt"], 1);
  token = again["lease"];
  EXPECT_EQ(post("/v1/leases/" + token + "/fail",
                 R"({"error":{"type":"E","message":"no"},"retry_after_ms":3600000})")
                ->status(),
            200);
  EXPECT_EQ(status_of(id), "scheduled");
}

TEST_F(LeasesTest, ACommaListNamesSeveralQueues) {
  submit("b");
  EXPECT_EQ(lease("a,b").size(), 1U);
}

TEST_F(LeasesTest, AParkedLeaseGetsTheNextJob) {
  const auto waiting = park("q");
  EXPECT_FALSE(waiting->answered());
  EXPECT_EQ(instance_->open_waiters(), 1U);
  const auto id = submit("q");
  ASSERT_EQ(waiting->status(), 200);
  EXPECT_EQ(waiting->body()["jobs"][0]["id"], id);
  EXPECT_EQ(instance_->open_waiters(), 0U);
}

TEST_F(LeasesTest, ADeliveryMayOvertakeTheReply) {
  instance_->hold_replies();
  const auto waiting = park("q");
  post("/v1/jobs", R"({"queue":"q"})");
  instance_->release_replies();
  EXPECT_EQ(waiting->body()["jobs"].size(), 1U);
}

TEST_F(LeasesTest, AParkedLeaseEndsEmptyWithItsTime) {
  const auto waiting = park("q", "30");
  EXPECT_EQ(waiting->status(), 200);
  EXPECT_EQ(waiting->body()["jobs"], Json::array());
  EXPECT_EQ(instance_->open_waiters(), 0U);
  EXPECT_EQ(count_proposed("jobs.waiter_close"), 1U);
  const auto id = submit("q");  // nobody waits: it stays
  EXPECT_EQ(status_of(id), "unprocessed");
}

TEST_F(LeasesTest, AClientThatLeavesGivesUpItsPlace) {
  const auto waiting = park("q");
  waiting->hang_up();
  EXPECT_EQ(instance_->open_waiters(), 0U);
  EXPECT_EQ(count_proposed("jobs.waiter_close"), 1U);
  const auto id = submit("q");
  EXPECT_EQ(status_of(id), "unprocessed");
}

TEST_F(LeasesTest, AClientThatLeavesBeforeTheReplyGivesItsJobBack) {
  const auto id = submit("q");
  instance_->hold_replies();
  const auto waiting = park("q");
  waiting->hang_up();
  instance_->release_replies();
  EXPECT_EQ(count_proposed("jobs.work"), 1U);
  EXPECT_EQ(status_of(id), "unprocessed");
  EXPECT_EQ(get("/v1/jobs/" + id)->body()["attempt"], 0);
}

TEST_F(LeasesTest, AClientThatLeavesBeforeItIsParkedClosesItsWaiter) {
  instance_->hold_replies();
  const auto waiting = park("q");
  waiting->hang_up();
  instance_->release_replies();
  EXPECT_EQ(count_proposed("jobs.waiter_close"), 1U);
}

TEST_F(LeasesTest, ADeliveryForNobodyIsGivenBack) {
  const auto waiting = park("q");
  instance_->hold_replies();
  post("/v1/jobs", R"({"id":"late","queue":"q","type":"t"})");
  waiting->hang_up();
  instance_->release_replies();
  EXPECT_EQ(count_proposed("jobs.work"), 1U);
  EXPECT_EQ(status_of("late"), "unprocessed");
}

TEST_F(LeasesTest, DrainAnswersWhoeverWaitsAndParksNobodyElse) {
  const auto waiting = park("q");
  api_->drain();
  EXPECT_EQ(waiting->body()["jobs"], Json::array());
  const auto later = park("q");
  EXPECT_EQ(later->body()["jobs"], Json::array());
  EXPECT_EQ(instance_->open_waiters(), 0U);
}

TEST_F(LeasesTest, WorkReportsAndLeasesInOneRoundTrip) {
  const auto done = submit("q");
  const auto failed = submit("q");
  const auto jobs = lease("q", 2);
  ASSERT_EQ(jobs.size(), 2U);
  const auto third = submit("q");
  const Json request = {
      {"worker", "w1"},
      {"complete", {{{"lease", jobs[0]["lease"]}, {"result", 1}}, {{"lease", "stale"}}}},
      {"fail", {{{"lease", jobs[1]["lease"]}, {"error", {{"message", "no"}}}}}},
      {"lease", {{"queues", {"q"}}, {"max", 5}}}};
  const auto answer = post("/v1/work", request.dump());
  ASSERT_EQ(answer->status(), 200) << answer->wait().body;
  const Json body = answer->body();
  EXPECT_EQ(body["complete"][0]["ok"], true);
  EXPECT_EQ(body["complete"][1]["reason"], "lease_lost");
  EXPECT_EQ(body["complete"][1]["code"], 409);
  EXPECT_EQ(body["fail"][0]["ok"], true);
  ASSERT_EQ(body["jobs"].size(), 1U);
  EXPECT_EQ(body["jobs"][0]["id"], third);
  EXPECT_EQ(status_of(done), "completed");
  EXPECT_EQ(status_of(failed), "scheduled");
}

TEST_F(LeasesTest, WorkParksWithItsResults) {
  submit("q");
  const auto job = lease("q")[0];
  const Json request = {{"worker", "w1"},
                        {"complete", {{{"lease", job["lease"]}}}},
                        {"lease", {{"queues", {"q"}}, {"wait_ms", 30000}}}};
  const auto waiting = post("/v1/work", request.dump());
  EXPECT_FALSE(waiting->answered());
  const auto next = submit("q");
  EXPECT_EQ(waiting->body()["complete"][0]["ok"], true);
  EXPECT_EQ(waiting->body()["jobs"][0]["id"], next);
}

TEST_F(LeasesTest, ACancelledJobIsToldByTheHeartbeat) {
  const auto id = submit("q");
  const std::string path = "/v1/leases/" + lease("q")[0]["lease"].get<std::string>();
  EXPECT_EQ(post("/v1/jobs/" + id + "/cancel")->status(), 200);
  EXPECT_EQ(post(path + "/heartbeat")->body()["cancel"], true);
}

TEST_F(LeasesTest, QueuePatternsAreEnforced) {
  const auto key = make_key(R"(["jobs:work"])", R"(,"queues":["mine"])");
  const auto try_lease = [&](const std::string& queues) {
    return ask("POST", "/v1/queues/" + queues + "/lease", R"({"worker":"w"})", as(key))->status();
  };
  EXPECT_EQ(try_lease("mine"), 200);
  EXPECT_EQ(try_lease("mine,theirs"), 403);
  const auto work =
      ask("POST", "/v1/work", R"({"worker":"w","lease":{"queues":["theirs"]}})", as(key));
  EXPECT_EQ(work->reason(), "queue_not_allowed");
}

TEST_F(LeasesTest, BadRequestsAreRefused) {
  struct Case {
    const char* body;
    int status;
  };
  const Case cases[] = {{"{}", 422},
                        {R"({"worker":"w","max":0})", 422},
                        {R"({"worker":"w","max":"one"})", 400},
                        {R"({"worker":"w","surprise":1})", 400},
                        {R"({"worker":"w","wait_ms":-5})", 422}};
  for (const auto& c : cases) {
    EXPECT_EQ(post("/v1/queues/q/lease", c.body)->status(), c.status) << c.body;
  }
}

}  // namespace
}  // namespace weir::api
