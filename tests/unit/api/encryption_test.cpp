// Payload keys over the whole API: nothing that is proposed shows a value, and every answer does.
#include "pkg/base/base64.hpp"
#include "tests/unit/api/api_fixture.hpp"

namespace weir::api {
namespace {

constexpr const char* kSecret = "blue heron";

class EncryptionTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    use_keys("a");
  }
  void TearDown() override {
    EXPECT_EQ(instance_->proposed_text().find(kSecret), std::string::npos);
    ApiTest::TearDown();
  }

  // One letter a key; none: encryption is turned off.
  void use_keys(const std::string& ids) {
    std::string text;
    for (const char id : ids) {
      text += std::string(1, id) + ":" + base64_encode(std::string(32, id)) + "\n";
    }
    if (api_) api_->stop();
    api_.reset();
    payload_keys_ =
        ids.empty() ? nullptr : std::make_unique<PayloadKeys>(*crypto::KeyRing::parse(text));
    make_api({});
  }

  Json job(const std::string& id) { return get("/v1/jobs/" + id)->body(); }
  void complete(const Json& leased) {
    const auto path = "/v1/leases/" + leased["lease"].get<std::string>();
    EXPECT_EQ(post(path + "/heartbeat", R"({"checkpoint":{"at":"blue heron"}})")->status(), 200);
    EXPECT_EQ(post(path + "/complete", R"({"result":["blue heron"]})")->status(), 200);
  }
};

TEST_F(EncryptionTest, AJobsWholeLife) {
  const auto id = submit("q", R"(,"payload":{"s":"blue heron"})");
  EXPECT_EQ(job(id)["payload"]["s"], kSecret);
  auto leased = lease("q")[0];
  EXPECT_EQ(leased["payload"]["s"], kSecret);
  const auto path = "/v1/leases/" + leased["lease"].get<std::string>();
  EXPECT_EQ(post(path + "/heartbeat", R"({"checkpoint":"blue heron"})")->status(), 200);
  EXPECT_EQ(post(path + "/release")->status(), 200);
  leased = lease("q")[0];
  EXPECT_EQ(leased["checkpoint"], kSecret);
  complete(leased);
  const auto done = job(id);
  EXPECT_EQ(done["payload"]["s"], kSecret);
  EXPECT_EQ(done["result"][0], kSecret);
  EXPECT_EQ(done["checkpoint"]["at"], kSecret);
  EXPECT_FALSE(done.contains("$row"));
  EXPECT_EQ(get("/v1/jobs/" + id + "?wait=1s")->body()["result"][0], kSecret);
}

TEST_F(EncryptionTest, WorkAndParkedLeases) {
  const auto parked = post("/v1/queues/q/lease", R"({"worker":"w","wait_ms":20000})");
  submit("q", R"(,"payload":"blue heron")");
  const auto job = parked->body()["jobs"][0];
  EXPECT_EQ(job["payload"], kSecret);
  submit("q", R"(,"payload":["blue heron"])");
  const auto round =
      post("/v1/work", R"({"worker":"w","complete":[{"lease":")" + job["lease"].get<std::string>() +
                           R"(","result":"blue heron"}],"lease":{"queues":["q"]}})")
          ->body();
  EXPECT_EQ(round["complete"][0]["ok"], true);
  EXPECT_EQ(round["jobs"][0]["payload"][0], kSecret);
  EXPECT_EQ(this->job(job["id"])["result"], kSecret);
}

TEST_F(EncryptionTest, BatchesNdjsonAndCallbacks) {
  const auto many = post("/v1/jobs/batch", R"({"jobs":[{"queue":"b","payload":"blue heron"}]})");
  EXPECT_EQ(job(many->body()["results"][0]["id"])["payload"], kSecret);
  const auto lines = ask("POST", "/v1/jobs/batch", "{\"queue\":\"b\",\"payload\":\"blue heron\"}\n",
                         {{"content-type", "application/x-ndjson"}});
  EXPECT_EQ(job(lines->body()["results"][0]["id"])["payload"], kSecret);
  const auto batch =
      post("/v1/batches", R"({"seal":true,"on_success":{"queue":"c","payload":{"s":"blue heron"}},)"
                          R"("jobs":[{"queue":"m","payload":"blue heron"}]})");
  ASSERT_EQ(batch->status(), 201) << batch->wait().body;
  complete(lease("m")[0]);
  EXPECT_EQ(lease("c")[0]["payload"]["s"], kSecret);
}

TEST_F(EncryptionTest, ChildrenSeeTheResultsOfParents) {
  const auto parent = submit("p", R"(,"payload":1)");
  submit("child", R"(,"depends_on":[")" + parent + "\"]");
  complete(lease("p")[0]);
  EXPECT_EQ(lease("child")[0]["parents"][parent]["result"][0], kSecret);
}

TEST_F(EncryptionTest, EditsReplacementsAndCopies) {
  const auto id = submit("e", R"(,"payload":1)");
  EXPECT_EQ(ask("PATCH", "/v1/jobs/" + id, R"({"payload":"blue heron"})")->status(), 200);
  EXPECT_EQ(job(id)["payload"], kSecret);
  const std::string unique =
      R"(,"unique":{"key":"k","on_conflict":"replace"},"payload":{"n":"blue heron)";
  const auto first = submit("u", unique + " 1\"}");
  const auto second =
      post("/v1/jobs", R"({"queue":"u","type":"t")" + unique + " 2\"}}")->body()["id"];
  EXPECT_EQ(second, first);
  EXPECT_EQ(job(first)["payload"]["n"], "blue heron 2");
  complete(lease("e")[0]);
  const auto copy = post("/v1/jobs/" + id + "/retry", R"({"as_new":true})")->body();
  ASSERT_NE(copy.value("id", ""), id);
  EXPECT_EQ(job(copy["id"])["payload"], kSecret);
}

TEST_F(EncryptionTest, SchedulesMakeJobsThatOpen) {
  const auto put = ask("PUT", "/v1/schedules/nightly",
                       R"({"every":"1h","job":{"queue":"s","payload":{"s":"blue heron"}}})");
  ASSERT_LT(put->status(), 300) << put->wait().body;
  EXPECT_EQ(get("/v1/schedules/nightly")->body()["job"]["payload"]["s"], kSecret);
  EXPECT_EQ(post("/v1/schedules/nightly/trigger")->status(), 201);
  EXPECT_EQ(lease("s")[0]["payload"]["s"], kSecret);
}

TEST_F(EncryptionTest, DeadLettersOpen) {
  const auto id = submit("d", R"(,"payload":"blue heron","max_attempts":1)");
  const auto path = "/v1/leases/" + lease("d")[0]["lease"].get<std::string>();
  EXPECT_EQ(post(path + "/fail", R"({"error":"no"})")->status(), 200);
  EXPECT_EQ(get("/v1/dlq/" + id)->body()["payload"], kSecret);
}

TEST_F(EncryptionTest, AnIdempotencyKeyIsComparedByWhatTheClientSent) {
  const auto send = [&](const std::string& payload) {
    return ask("POST", "/v1/jobs", R"({"queue":"i","payload":")" + payload + "\"}",
               {{"idempotency-key", "once"}});
  };
  const auto first = send(kSecret)->body()["id"];
  EXPECT_EQ(send(kSecret)->body()["id"], first);
  EXPECT_EQ(send("other")->reason(), "idempotency_key_reused");
  use_keys("ba");  // rotated: the request is still known
  EXPECT_EQ(send(kSecret)->body()["id"], first);
  EXPECT_EQ(send("other")->reason(), "idempotency_key_reused");
}

TEST_F(EncryptionTest, WithoutItsKeyAJobIsNotLostAndSaysSo) {
  const auto id = submit("k", R"(,"payload":"blue heron")");
  use_keys("b");
  EXPECT_EQ(get("/v1/jobs/" + id)->status(), 503);
  EXPECT_EQ(get("/v1/jobs/" + id)->reason(), "payload_key_missing");
  const auto refused = post("/v1/queues/k/lease", R"({"worker":"w"})");
  EXPECT_EQ(refused->status(), 503);
  EXPECT_EQ(refused->reason(), "payload_key_missing");
  use_keys("ba");  // it waits, and the attempt does not count
  const auto job = this->job(id);
  EXPECT_EQ(job["status"], "scheduled");
  EXPECT_EQ(post("/v1/jobs/" + id + "/promote")->status(), 200);
  const auto leased = lease("k")[0];
  EXPECT_EQ(leased["attempt"], 1);
  EXPECT_EQ(leased["payload"], kSecret);
}

TEST_F(EncryptionTest, TurnedOffLaterWhatIsThereNeedsTheKeys) {
  const auto id = submit("o", R"(,"payload":1)");
  use_keys("");
  EXPECT_EQ(get("/v1/jobs/" + id)->reason(), "payload_key_missing");
  const auto plain = submit("o2", R"(,"payload":{"$weir":{"raw":5}})");
  EXPECT_EQ(lease("o2")[0]["payload"].dump(), R"({"$weir":{"raw":5}})");
  EXPECT_EQ(job(plain)["payload"].dump(), R"({"$weir":{"raw":5}})");
}

TEST_F(EncryptionTest, BadRequestsAreRefusedAsBefore) {
  const auto bad = post("/v1/jobs", R"({"payload":"blue heron","priority":77})");
  EXPECT_EQ(bad->reason(), "invalid_job");
  EXPECT_EQ(bad->body()["fields"].size(), 2U) << bad->wait().body;
  EXPECT_EQ(post("/v1/leases/no/complete", R"({"result":"blue heron"})")->reason(), "lease_lost");
}

}  // namespace
}  // namespace weir::api
