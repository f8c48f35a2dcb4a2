// Dead letters over HTTP and from the command line: find, look at, redrive, purge.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/server_suite.hpp"
#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

using json::View;
using testing::HasSubstr;
using testing::Not;

class DeadLettersTest : public ServerSuite {
 protected:
  // A job of the queue that fails for good.
  void bury(const std::string& id, const std::string& queue, const std::string& error) {
    ASSERT_EQ(client_
                  .post("/v1/jobs", R"({"id":")" + id + R"(","queue":")" + queue +
                                        R"(","max_attempts":1,"payload":{"to":"a","v":1}})")
                  .status,
              201);
    const auto leased = client_.post("/v1/queues/" + queue + "/lease", R"({"worker":"w"})");
    for (const View job : leased.json().find("jobs").elements()) {
      ASSERT_EQ(client_
                    .post("/v1/leases/" + job.find("lease").as_string().value_or("") + "/fail",
                          R"({"error":")" + error + "\"}")
                    .status,
                200);
    }
  }
  std::string job(const std::string& id) { return client_.get("/v1/jobs/" + id).body; }
  std::string ended_redrive(const std::string& id) {
    std::string seen;
    EXPECT_TRUE(wait_until([&] {
      seen = client_.get("/v1/dlq/redrives/" + id).body;
      return member(seen, "state") != "running";
    })) << seen;
    return seen;
  }
};

TEST_F(DeadLettersTest, AreFoundByWhatTheyAreAndShownWithTheirAttempts) {
  bury("find-1", "find", "timeout after 30 s");
  bury("find-2", "find", "no such user");
  const auto page = client_.get("/v1/dlq?queue=find&error=TIMEOUT");
  EXPECT_THAT(page.body, HasSubstr("find-1"));
  EXPECT_THAT(page.body, Not(HasSubstr("find-2")));
  const auto one = client_.get("/v1/dlq/find-2");
  EXPECT_THAT(one.body, HasSubstr(R"("outcome":"failed")"));
  EXPECT_THAT(one.body, HasSubstr("no such user"));
  const auto purged = client_.post("/v1/dlq/purge", R"({"ids":["find-1"]})");
  EXPECT_EQ(member(purged.body, "purged"), "1");
  EXPECT_EQ(client_.get("/v1/dlq/find-1").status, 404);
}

TEST_F(DeadLettersTest, ARedriveGoesOnByItselfAtItsRateAndPatchesPayloads) {
  for (const char* id : {"r1", "r2", "r3"}) bury(id, "rated", "boom");
  const std::string filter = R"({"filter":{"queue":"rated","error":"boom"})";
  const auto dry = client_.post("/v1/dlq/redrive", filter + R"(,"dry_run":true,"rate_per_s":5})");
  EXPECT_EQ(dry.status, 200);
  EXPECT_EQ(member(dry.body, "matched"), "3");
  const auto begun = client_.post("/v1/dlq/redrive",
                                  filter + R"(,"rate_per_s":5,"patch":{"to":null,"relay":"mx2"}})");
  ASSERT_EQ(begun.status, 202) << begun.body;
  const auto seen = ended_redrive(member(begun.body, "id"));
  EXPECT_EQ(member(seen, "state"), "completed");
  EXPECT_EQ(member(seen, "redriven"), "3");
  EXPECT_EQ(member(job("r2"), "payload"), R"({"v":1,"relay":"mx2"})");
  EXPECT_EQ(member(job("r2"), "status"), "unprocessed");
  EXPECT_THAT(client_.get("/v1/dlq/redrives").body, HasSubstr(member(begun.body, "id")));
}

TEST_F(DeadLettersTest, ARedriveIsStopped) {
  for (const char* id : {"s1", "s2", "s3"}) bury(id, "stopped", "boom");
  const auto begun = client_.post("/v1/dlq/redrive", R"({"ids":["s1","s2","s3"],"rate_per_s":1})");
  const auto path = "/v1/dlq/redrives/" + member(begun.body, "id") + "/cancel";
  const auto stopped = client_.post(path, "{}");
  EXPECT_EQ(member(stopped.body, "state"), "cancelled") << stopped.body;
  EXPECT_EQ(client_.post(path, "{}").status, 409);
  EXPECT_EQ(client_.get("/v1/dlq/redrives/none").status, 404);
  EXPECT_EQ(member(job("s3"), "status"), "dlq");
}

TEST_F(DeadLettersTest, BadRedrivesNameTheirFields) {
  for (const auto& [body, field] : {std::pair{R"({"queue":"q","rate_per_s":0})", "rate_per_s"},
                                    {R"({"filter":{"colour":"red"},"patch":1})", "filter.colour"},
                                    {R"({"queue":"q","ids":["a"],"patch":1})", "filter"},
                                    {R"({"ids":["a"],"rate_per_s":"fast"})", "rate_per_s"}}) {
    const auto answer = client_.post("/v1/dlq/redrive", body);
    EXPECT_TRUE(answer.status == 422 || answer.status == 400) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr(field)) << body;
  }
}

TEST_F(DeadLettersTest, FromTheCommandLine) {
  for (const char* id : {"c1", "c2"}) bury(id, "cli", "boom");
  const auto ran = server_->cli(
      {"dlq", "redrive", "--queue", "cli", "--rate", "100", "--patch", R"({"v":2})", "--wait"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("is completed: 2 redriven, 0 skipped, 0 failed"));
  EXPECT_EQ(member(job("c1"), "payload"), R"({"to":"a","v":2})");
  EXPECT_THAT(server_->cli({"dlq", "redrives"}).out, HasSubstr("completed"));
  EXPECT_EQ(server_->cli({"dlq", "stop", "none"}).code, 3);
}

}  // namespace
}  // namespace weir::test
