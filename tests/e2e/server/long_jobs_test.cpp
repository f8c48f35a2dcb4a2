// Long jobs over HTTP and with `weir work`: log lines, progress, checkpoints, cancelling.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "pkg/base/time_text.hpp"
#include "tests/support/follower.hpp"
#include "tests/support/server_suite.hpp"
#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

using json::View;
using testing::HasSubstr;

const std::multimap<std::string, std::string> kJson{{"Content-Type", "application/json"}};

class LongJobsTest : public ServerSuite {
 protected:
  std::string submit(const std::string& body) {
    const auto answer = client_.post("/v1/jobs", body);
    EXPECT_EQ(answer.status, 201) << answer.body;
    return answer.json().find("id").as_string().value_or("");
  }
  // One leased job of a queue: its body.
  std::string lease(const std::string& queue) {
    const auto answer = client_.post("/v1/queues/" + queue + "/lease",
                                     R"({"worker":"w","wait_ms":5000,"lease_ms":"1m"})");
    EXPECT_EQ(answer.status, 200) << answer.body;
    for (const View job : answer.json().find("jobs").elements()) return std::string(job.raw());
    return "{}";
  }
  std::string lease_token(const std::string& queue) { return member(lease(queue), "lease"); }
  HttpAnswer report(const std::string& token, const std::string& verb, const std::string& body) {
    return client_.post("/v1/leases/" + token + "/" + verb, body);
  }
  std::string job(const std::string& id) { return client_.get("/v1/jobs/" + id).body; }
};

TEST_F(LongJobsTest, LogLinesOfEveryReportAreKept) {
  const auto id = submit(R"({"queue":"logs","backoff":{"kind":"fixed","delay_ms":0}})");
  auto token = lease_token("logs");
  EXPECT_EQ(report(token, "heartbeat", R"({"log":"one"})").status, 200);
  EXPECT_EQ(
      report(token, "fail", R"({"error":"no","log":[{"level":"error","message":"two"}]})").status,
      200);
  token = lease_token("logs");
  const auto work = client_.post("/v1/work", R"({"worker":"w","heartbeat":[{"lease":")" + token +
                                                 R"(","log":["three","four"]}]})");
  EXPECT_EQ(work.status, 200) << work.body;
  const auto page = client_.get("/v1/jobs/" + id + "/logs?limit=3");
  EXPECT_EQ(page.status, 200) << page.body;
  EXPECT_THAT(page.body, HasSubstr(R"("attempt":1,"level":"error","message":"two")"));
  EXPECT_EQ(member(page.body, "next_cursor"), "3");
  const auto rest = client_.get("/v1/jobs/" + id + "/logs?cursor=3");
  EXPECT_THAT(rest.body, HasSubstr(R"("line":4)"));
  EXPECT_THAT(client_.get("/v1/jobs/" + id + "/logs?attempt=1").body,
              testing::Not(HasSubstr("three")));
  EXPECT_EQ(client_.get("/v1/jobs/none/logs").status, 404);
  EXPECT_EQ(client_.get("/v1/jobs/" + id + "/logs?attempt=x").status, 400);
  const auto bad = report(token, "heartbeat", R"({"log":[{"level":"loud","message":""}]})");
  EXPECT_EQ(bad.status, 422);
  EXPECT_THAT(bad.body, HasSubstr(R"("field":"log[0].level")"));
  EXPECT_THAT(bad.body, HasSubstr(R"("field":"log[0].message")"));
}

TEST_F(LongJobsTest, ProgressIsShownAndTheCheckpointGoesToTheNextAttempt) {
  const auto id = submit(R"({"queue":"long","backoff":{"kind":"fixed","delay_ms":0}})");
  auto leased = lease("long");
  EXPECT_EQ(member(leased, "checkpoint"), "null");
  auto token = member(leased, "lease");
  EXPECT_EQ(
      report(token, "heartbeat", R"({"progress":40,"message":"page 12","checkpoint":{"page":12}})")
          .status,
      200);
  EXPECT_EQ(report(token, "heartbeat", R"({"progress":{"percent":45,"of":80}})").status, 200);
  const auto seen = job(id);
  EXPECT_EQ(member(seen, "progress"), R"({"percent":45,"of":80})");
  EXPECT_EQ(member(seen, "message"), "page 12");
  EXPECT_EQ(report(token, "fail", R"({"error":"the disk is full"})").status, 200);
  leased = lease("long");
  EXPECT_EQ(member(leased, "attempt"), "2");
  EXPECT_EQ(member(leased, "checkpoint"), R"({"page":12})");
  EXPECT_EQ(report(member(leased, "lease"), "complete", R"({"result":80})").status, 200);
  EXPECT_EQ(member(client_.get("/v1/jobs/" + id + "?wait=5s").body, "result"), "80");
}

TEST_F(LongJobsTest, ARunningJobThatIsCancelledIsTold) {
  for (const std::string verb : {"fail", "release", "complete"}) {
    const auto id = submit(R"({"queue":"cancelled"})");
    const auto token = lease_token("cancelled");
    const auto asked = client_.post("/v1/jobs/" + id + "/cancel", "{}");
    EXPECT_EQ(asked.status, 200) << asked.body;
    EXPECT_EQ(member(asked.body, "cancel_requested"), "true");
    const auto told = report(token, "heartbeat", "{}");
    EXPECT_EQ(member(told.body, "cancel"), "true");
    // No heartbeat goes beyond the grace.
    EXPECT_EQ(member(told.body, "deadline"), member(asked.body, "cancel_deadline"));
    EXPECT_EQ(report(token, verb, "{}").status, 200);
    EXPECT_EQ(member(job(id), "status"), verb == "complete" ? "completed" : "cancelled") << verb;
    EXPECT_EQ(report(token, "heartbeat", "{}").status, 409);
  }
}

struct FailureCase {
  const char* name;
  const char* job;   // members of the job
  const char* fail;  // what the worker says
  const char* status;
  std::int64_t delay_ms;  // of the next attempt; 0: there is none
};

class Failures : public LongJobsTest, public testing::WithParamInterface<FailureCase> {};

TEST_P(Failures, DecideWhatFollows) {
  const std::string queue = std::string("fail-") + GetParam().name;
  const auto id = submit(R"({"queue":")" + queue + "\"" + GetParam().job + "}");
  EXPECT_EQ(report(lease_token(queue), "fail", GetParam().fail).status, 200);
  const auto seen = job(id);
  EXPECT_EQ(member(seen, "status"), GetParam().status);
  if (GetParam().delay_ms == 0) return;
  const auto ended = View(seen).find("attempts").elements();
  const auto attempt = *ended.begin();
  const auto at = parse_rfc3339(attempt.find("ended_at").as_string().value_or(""));
  const auto next = parse_rfc3339(member(seen, "run_at"));
  ASSERT_TRUE(at && next) << seen;
  EXPECT_EQ((*next - *at).count(), Millis{GetParam().delay_ms}.count());
}

INSTANTIATE_TEST_SUITE_P(
    All, Failures,
    testing::Values(
        FailureCase{"retry", R"(,"backoff":{"kind":"fixed","delay_ms":60000,"jitter":0})", "{}",
                    "scheduled", 60'000},
        FailureCase{"linear", R"(,"backoff":{"kind":"linear","delay_ms":7000,"jitter":0})", "{}",
                    "scheduled", 7'000},
        FailureCase{"exponential",
                    R"(,"backoff":{"kind":"exponential","delay_ms":9000,"factor":3,"jitter":0})",
                    "{}", "scheduled", 9'000},
        FailureCase{"list", R"(,"backoff":{"kind":"list","list_ms":["5s","1m"],"jitter":0})", "{}",
                    "scheduled", 5'000},
        FailureCase{"after", "", R"({"error":{"type":"busy","message":"m"},"retry_after_ms":"2m"})",
                    "scheduled", 120'000},
        FailureCase{"last", R"(,"max_attempts":1)", "{}", "dlq", 0},
        FailureCase{"never", "", R"({"error":"no","retry":false})", "dlq", 0},
        FailureCase{"terminate", "", R"({"error":"no","terminate":true})", "failed", 0}),
    [](const auto& failure) { return std::string(failure.param.name); });

TEST_F(LongJobsTest, OwnersControlWhatWaits) {
  EXPECT_EQ(
      client_.put("/v1/queues/control", R"({"max_waiting":3,"per_key":{"max_waiting":1}})").status,
      200);
  const auto later = submit(R"({"queue":"control","delay_ms":"1h","key":"k"})");
  EXPECT_EQ(client_.post("/v1/jobs/" + later + "/promote", "{}").status, 200);
  const auto key_full = client_.post("/v1/jobs", R"({"queue":"control","key":"k"})");
  EXPECT_EQ(key_full.status, 429);
  EXPECT_EQ(member(key_full.body, "reason"), "queue_full");
  EXPECT_FALSE(key_full.header("retry-after").empty());
  const auto urgent = submit(R"({"queue":"control","priority":0,"payload":1})");
  submit(R"({"queue":"control"})");
  EXPECT_EQ(client_.post("/v1/jobs", R"({"queue":"control"})").status, 429);
  EXPECT_EQ(
      client_.send("PATCH", "/v1/jobs/" + urgent, R"({"priority":9,"payload":{"n":2}})", kJson)
          .status,
      200);
  EXPECT_EQ(client_.post("/v1/queues/control/pause", "{}").status, 200);
  const auto nothing = client_.post("/v1/queues/control/lease", R"({"worker":"w"})");
  EXPECT_EQ(nothing.body, R"({"jobs":[]})");
  EXPECT_THAT(client_.get("/v1/jobs/" + urgent + "/explain").body, HasSubstr("queue_paused"));
  EXPECT_EQ(client_.post("/v1/queues/control/resume", "{}").status, 200);
  const auto leased = lease("control");
  EXPECT_EQ(member(leased, "id"), urgent);
  EXPECT_EQ(member(leased, "payload"), R"({"n":2})");
  EXPECT_EQ(report(member(leased, "lease"), "release", R"({"delay_ms":"1h"})").status, 200);
  EXPECT_EQ(member(job(urgent), "status"), "scheduled");
  EXPECT_EQ(member(job(urgent), "attempt"), "0");
  const auto purged = client_.post("/v1/queues/control/purge", "{}");
  EXPECT_EQ(member(purged.body, "purged"), "3") << purged.body;
}

TEST_F(LongJobsTest, WhoWaitsForTheEndIsAnsweredThen) {
  const auto id = submit(R"({"queue":"awaited"})");
  const auto still = client_.get("/v1/jobs/" + id + "?wait=50ms");
  EXPECT_EQ(member(still.body, "status"), "unprocessed");
  auto waiting = std::async(std::launch::async, [&] {
    auto client = server_->client();
    return client.get("/v1/jobs/" + id + "?wait=20s");
  });
  EXPECT_EQ(report(lease_token("awaited"), "complete", R"({"result":{"ok":1}})").status, 200);
  EXPECT_EQ(member(waiting.get().body, "result"), R"({"ok":1})");
}

TEST_F(LongJobsTest, AJobMayBeForgottenAtOnce) {
  const auto id = submit(R"({"queue":"brief","retention_ms":0})");
  EXPECT_EQ(report(lease_token("brief"), "complete", "{}").status, 200);
  EXPECT_TRUE(wait_until([&] { return client_.get("/v1/jobs/" + id).status == 404; }));
  const auto bad = client_.post("/v1/jobs", R"({"queue":"brief","retention_ms":-5})");
  EXPECT_EQ(bad.status, 422) << bad.body;
  EXPECT_THAT(bad.body, HasSubstr(R"("field":"retention_ms")"));
}

TEST_F(LongJobsTest, WorkForwardsStandardErrorAndJobLogsFollows) {
  const auto id = submit(R"({"queue":"shell","payload":7})");
  Follower follower(*server_, {"job", "logs", id, "--follow"});
  const auto worked = server_->cli(
      {"work", "--queue", "shell", "--once", "--exec", "echo working on $(cat) >&2; echo 14"});
  EXPECT_EQ(worked.code, 0) << worked.err;
  EXPECT_EQ(follower.wait(), 0);
  EXPECT_THAT(follower.out(), HasSubstr("#1  info   working on 7"));
  const auto shown = server_->cli({"job", "logs", id});
  EXPECT_THAT(shown.out, HasSubstr("#1  info   working on 7"));
  EXPECT_EQ(server_->cli({"job", "logs", "nobody"}).code, 3);
}

}  // namespace
}  // namespace weir::test
