// The life of a job over HTTP, as clients and workers see it.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <set>

#include "tests/support/server_suite.hpp"

namespace weir::test {
namespace {

using json::View;

class JobsTest : public ServerSuite {
 protected:
  HttpAnswer post(const std::string& path, const std::string& body) {
    return client_.post(path, body);
  }

  std::string submit(const std::string& body) {
    const auto answer = post("/v1/jobs", body);
    EXPECT_EQ(answer.status, 201) << answer.body;
    return answer.json().find("id").as_string().value_or("");
  }

  // Leases one job of a queue; its lease token and id.
  struct Leased {
    std::string lease;
    std::string id;
    std::string body;
  };
  Leased lease(const std::string& queue, const std::string& more = "") {
    const auto answer =
        post("/v1/queues/" + queue + "/lease", R"({"worker":"w","wait_ms":5000)" + more + "}");
    EXPECT_EQ(answer.status, 200) << answer.body;
    for (const View job : answer.json().find("jobs").elements()) {
      return {job.find("lease").as_string().value_or(""), job.find("id").as_string().value_or(""),
              std::string(job.raw())};
    }
    return {};
  }

  std::string status(const std::string& id) {
    return client_.get("/v1/jobs/" + id).json().find("status").as_string().value_or("");
  }
};

TEST_F(JobsTest, SubmitLeaseComplete) {
  const auto id = submit(R"({"queue":"life","type":"t","payload":{"n":[1,"two",null]}})");
  EXPECT_EQ(status(id), "unprocessed");
  const auto job = lease("life");
  EXPECT_EQ(job.id, id);
  EXPECT_EQ(View(job.body).find("payload").raw(), R"({"n":[1,"two",null]})");
  EXPECT_EQ(View(job.body).find("attempt").as_int(), 1);
  EXPECT_EQ(status(id), "processing");
  const auto done = post("/v1/leases/" + job.lease + "/complete", R"({"result":{"sum":3}})");
  EXPECT_EQ(done.status, 200) << done.body;
  const auto detail = client_.get("/v1/jobs/" + id);
  EXPECT_EQ(detail.json().find("status").as_string(), "completed");
  EXPECT_EQ(detail.json().find("result").raw(), R"({"sum":3})");
  // The token is spent.
  const auto again = post("/v1/leases/" + job.lease + "/complete", "{}");
  EXPECT_EQ(again.status, 409) << again.body;
  EXPECT_EQ(again.json().find("reason").as_string(), "lease_lost");
}

TEST_F(JobsTest, ALostLeaseCannotComplete) {
  const auto id = submit(R"({"queue":"fence","type":"t"})");
  const auto first = lease("fence", R"(,"lease_ms":200)");
  ASSERT_EQ(first.id, id);
  const auto second = lease("fence");  // parked until the first lease is over
  EXPECT_EQ(second.id, id);
  EXPECT_NE(second.lease, first.lease);
  const auto late = post("/v1/leases/" + first.lease + "/complete", R"({"result":1})");
  EXPECT_EQ(late.status, 409) << late.body;
  EXPECT_EQ(late.json().find("reason").as_string(), "lease_lost");
  EXPECT_EQ(post("/v1/leases/" + second.lease + "/complete", R"({"result":2})").status, 200);
  EXPECT_EQ(client_.get("/v1/jobs/" + id).json().find("result").as_int(), 2);
}

TEST_F(JobsTest, FailsRetriesAndEndsInTheDeadLetterQueue) {
  const auto id = submit(R"({"queue":"dead","type":"t","max_attempts":2,)"
                         R"("backoff":{"kind":"fixed","delay_ms":10,"jitter":0}})");
  for (int attempt = 1; attempt <= 2; ++attempt) {
    const auto job = lease("dead");
    ASSERT_EQ(job.id, id) << attempt;
    EXPECT_EQ(View(job.body).find("attempt").as_int(), attempt);
    const auto failed = post("/v1/leases/" + job.lease + "/fail",
                             R"({"error":{"type":"Boom","message":"it broke"}})");
    EXPECT_EQ(failed.status, 200) << failed.body;
  }
  EXPECT_EQ(status(id), "dlq");
  const auto letter = client_.get("/v1/dlq/" + id);
  EXPECT_EQ(letter.status, 200) << letter.body;
  EXPECT_NE(letter.body.find("it broke"), std::string::npos);
  EXPECT_NE(client_.get("/v1/dlq").body.find(id), std::string::npos);
  EXPECT_EQ(post("/v1/jobs/" + id + "/retry", "{}").status, 200);
  EXPECT_EQ(lease("dead").id, id);
}

TEST_F(JobsTest, AUniqueKeyIsHeldByOneJob) {
  const std::string body = R"({"queue":"once","unique":{"key":"k","on_conflict":)";
  const auto id = submit(body + R"("return"}})");
  const auto second = post("/v1/jobs", body + R"("return"}})");
  EXPECT_EQ(second.status, 200) << second.body;
  EXPECT_EQ(second.json().find("id").as_string(), id);
  EXPECT_EQ(second.json().find("duplicate").as_bool(), true);
  const auto rejected = post("/v1/jobs", body + R"("reject"}})");
  EXPECT_EQ(rejected.status, 409) << rejected.body;
  EXPECT_EQ(rejected.json().find("reason").as_string(), "unique_conflict");
  EXPECT_EQ(post("/v1/jobs", body + R"("replace"},"payload":2})").status, 200);
  const auto job = lease("once");
  EXPECT_EQ(View(job.body).find("payload").as_int(), 2);
  EXPECT_EQ(post("/v1/jobs", body + R"("replace"},"payload":3})").status, 409);
  EXPECT_EQ(post("/v1/leases/" + job.lease + "/complete", "{}").status, 200);
  EXPECT_NE(submit(body + R"("return"}})"), id);
  const auto bad = post("/v1/jobs", R"({"queue":"once","unique":{"key":"","scope":"x"}})");
  EXPECT_EQ(bad.status, 422) << bad.body;
}

TEST_F(JobsTest, AnIdempotencyKeyMakesOneJob) {
  const auto send = [&](const std::string& body) {
    return client_.send("POST", "/v1/jobs", body,
                        {{"Content-Type", "application/json"}, {"Idempotency-Key", "order-17"}});
  };
  const std::string body = R"({"queue":"idem","payload":1})";
  const auto first = send(body);
  EXPECT_EQ(first.status, 201) << first.body;
  const auto again = send(body);
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(again.json().find("id").raw(), first.json().find("id").raw());
  EXPECT_EQ(send(R"({"queue":"idem","payload":2})").status, 409);
}

TEST_F(JobsTest, AWaitingJobIsEditedARunningOneIsNot) {
  const auto id = submit(R"({"queue":"edit","payload":1,"delay_ms":"1h"})");
  const auto path = "/v1/jobs/" + id;
  const auto patch = [&](const std::string& body) {
    return client_.send("PATCH", path, body, {{"Content-Type", "application/json"}});
  };
  const auto edited = patch(R"({"payload":2,"priority":9,"delay_ms":0})");
  EXPECT_EQ(edited.status, 200) << edited.body;
  const auto job = lease("edit");
  EXPECT_EQ(job.id, id);
  EXPECT_EQ(View(job.body).find("payload").as_int(), 2);
  const auto late = patch(R"({"payload":3})");
  EXPECT_EQ(late.status, 409) << late.body;
  EXPECT_EQ(patch(R"({"priority":10})").status, 422);
  // Snoozed: it waits, and the attempt is not counted.
  EXPECT_EQ(post("/v1/leases/" + job.lease + "/release", R"({"delay_ms":200})").status, 200);
  EXPECT_EQ(status(id), "scheduled");
  EXPECT_EQ(View(lease("edit").body).find("attempt").as_int(), 1);
}

TEST_F(JobsTest, ATimeoutEndsTheAttempt) {
  const auto id = submit(R"({"queue":"slow","timeout_ms":300,"max_attempts":1})");
  const auto job = lease("slow");
  EXPECT_EQ(post("/v1/leases/" + job.lease + "/heartbeat", "{}").status, 200);
  const auto ended = client_.get("/v1/jobs/" + id + "?wait=10s");
  EXPECT_EQ(ended.json().find("status").as_string(), "dlq") << ended.body;
  EXPECT_EQ(ended.json().find("error").find("type").as_string(), "timeout");
}

TEST_F(JobsTest, ParkedLeaseIsAnsweredByALaterSubmit) {
  auto worker = std::async(std::launch::async, [this] {
    return server_->client().post("/v1/queues/parked/lease", R"({"worker":"w","wait_ms":20000})");
  });
  // Whether the lease is parked or not yet there, the job must reach it.
  const auto id = submit(R"({"queue":"parked","type":"t"})");
  const auto answer = worker.get();
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body.find(id), std::string::npos) << answer.body;
}

TEST_F(JobsTest, PriorityThenOrder) {
  std::vector<std::string> ids;
  for (const int priority : {1, 5, 9, 5}) {
    ids.push_back(
        submit(R"({"queue":"prio","type":"t","priority":)" + std::to_string(priority) + "}"));
  }
  for (const std::size_t expected : {2U, 1U, 3U, 0U}) EXPECT_EQ(lease("prio").id, ids[expected]);
}

TEST_F(JobsTest, DelayedJobsWait) {
  const auto id = submit(R"({"queue":"later","type":"t","run_at":"2099-01-01T00:00:00Z"})");
  EXPECT_EQ(status(id), "scheduled");
  const auto none = post("/v1/queues/later/lease", R"({"worker":"w"})");
  EXPECT_EQ(none.status, 200);
  EXPECT_TRUE(none.json().find("jobs").elements().begin() ==
              none.json().find("jobs").elements().end());
  EXPECT_EQ(post("/v1/jobs/" + id + "/promote", "{}").status, 200);
  EXPECT_EQ(lease("later").id, id);
}

TEST_F(JobsTest, CancelledJobsNeverRun) {
  const auto id = submit(R"({"queue":"cancel","type":"t"})");
  EXPECT_EQ(post("/v1/jobs/" + id + "/cancel", "{}").status, 200);
  EXPECT_EQ(status(id), "cancelled");
  EXPECT_EQ(lease("cancel", R"(,"max":1)").id, "");
}

TEST_F(JobsTest, BatchesThroughWork) {
  std::string batch;
  for (int i = 0; i < 500; ++i) {
    batch += std::string(i == 0 ? "" : ",") + R"({"queue":"batch","type":"t","payload":)" +
             std::to_string(i) + "}";
  }
  const auto sent = post("/v1/jobs/batch", R"({"jobs":[)" + batch + "]}");
  ASSERT_EQ(sent.status, 201) << sent.body;
  std::set<std::string> done;
  std::string complete;
  for (int round = 0; round < 20; ++round) {
    const auto answer = post("/v1/work", R"({"worker":"w","complete":[)" + complete +
                                             R"(],"lease":{"queues":["batch"],"max":100}})");
    ASSERT_EQ(answer.status, 200) << answer.body;
    complete.clear();
    for (const View result : answer.json().find("complete").elements()) {
      EXPECT_EQ(result.find("ok").as_bool(), true) << result.raw();
    }
    for (const View job : answer.json().find("jobs").elements()) {
      EXPECT_TRUE(done.insert(job.find("id").as_string().value_or("")).second) << "leased twice";
      complete += std::string(complete.empty() ? "" : ",") + R"({"lease":)" +
                  std::string(job.find("lease").raw()) + R"(,"result":null})";
    }
    if (complete.empty()) break;
  }
  EXPECT_EQ(done.size(), 500U);
  const auto list = client_.get("/v1/jobs?queue=batch&status=completed&limit=1");
  EXPECT_EQ(list.json().find("total_items").as_int(), 500) << list.body;
}

}  // namespace
}  // namespace weir::test
