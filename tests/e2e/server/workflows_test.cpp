// Jobs that depend on each other, over HTTP and over a kill.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

struct Leased {
  std::string id;
  std::string lease;
  std::string body;
};

std::vector<Leased> lease(HttpClient& client, int max = 1) {
  const auto answer = client.post(
      "/v1/queues/q/lease", R"({"worker":"w","wait_ms":2000,"max":)" + std::to_string(max) + "}");
  EXPECT_EQ(answer.status, 200) << answer.body;
  std::vector<Leased> out;
  for (const auto job : answer.json().find("jobs").elements()) {
    out.push_back({job.find("id").as_string().value_or(""),
                   job.find("lease").as_string().value_or(""), std::string(job.raw())});
  }
  return out;
}

void complete(HttpClient& client, const Leased& job) {
  const auto answer = client.post("/v1/leases/" + job.lease + "/complete",
                                  R"({"result":{"of":")" + job.id + "\"}}");
  EXPECT_EQ(answer.status, 200) << answer.body;
}

std::string status(HttpClient& client, const std::string& id) {
  return client.get("/v1/jobs/" + id).json().find("status").as_string().value_or("");
}

constexpr const char* kDiamond = R"({"atomic":true,"jobs":[
  {"id":"report","queue":"q","depends_on":["left","right"]},
  {"id":"left","queue":"q","depends_on":["extract"]},
  {"id":"right","queue":"q","depends_on":["extract"]},
  {"id":"extract","queue":"q"}]})";

TEST(Workflows, ADiamondSurvivesAKillInItsMiddle) {
  WeirServer server;
  server.start();
  {
    auto client = server.client();
    ASSERT_EQ(client.post("/v1/jobs/batch", kDiamond).status, 201);
    complete(client, lease(client).at(0));
    EXPECT_EQ(status(client, "report"), "blocked");
  }
  server.kill();
  server.start();
  auto client = server.client();
  EXPECT_EQ(status(client, "left"), "unprocessed");
  EXPECT_EQ(status(client, "report"), "blocked");
  const auto middle = lease(client, 2);
  ASSERT_EQ(middle.size(), 2U);
  for (const auto& job : middle) complete(client, job);
  const auto last = lease(client).at(0);
  EXPECT_EQ(last.id, "report");
  EXPECT_NE(last.body.find(R"("left":{"status":"completed","result":{"of":"left"}})"),
            std::string::npos)
      << last.body;
  complete(client, last);
  EXPECT_EQ(status(client, "report"), "completed");
}

TEST(Workflows, AFailureEndsWhoWaitsForTheWholeGraph) {
  WeirServer server;
  server.start();
  auto client = server.client();
  ASSERT_EQ(client.post("/v1/jobs/batch", kDiamond).status, 201);
  const auto extract = lease(client).at(0);
  client.post("/v1/leases/" + extract.lease + "/fail", R"({"retry":false})");
  const auto ended = client.get("/v1/jobs/report?wait=10s");
  EXPECT_EQ(ended.json().find("status").as_string(), "failed") << ended.body;
  EXPECT_EQ(ended.json().find("error").find("type").as_string(), "parent_failed");
}

TEST(Workflows, AThousandChildrenFanOut) {
  WeirServer server;
  server.start();
  auto client = server.client();
  std::string body = R"({"atomic":true,"jobs":[{"id":"root","queue":"q"})";
  for (int i = 0; i < 1'500; ++i) {
    body += R"(,{"id":"c)" + std::to_string(i) + R"(","queue":"q","depends_on":["root"]})";
  }
  ASSERT_EQ(client.post("/v1/jobs/batch", body + "]}").status, 201);
  complete(client, lease(client).at(0));
  const auto ready = [&] {
    const auto queue = client.get("/v1/queues/q");
    return queue.json().find("counts").find("unprocessed").as_int().value_or(0);
  };
  EXPECT_TRUE(wait_until([&] { return ready() == 1'500; })) << ready();
}

TEST(Workflows, WhatCannotBeIsRefusedWhole) {
  WeirServer server;
  server.start();
  auto client = server.client();
  const auto cycle = client.post("/v1/jobs/batch", R"({"atomic":true,"jobs":[
    {"id":"a","queue":"q","depends_on":["b"]},{"id":"b","queue":"q","depends_on":["a"]}]})");
  EXPECT_EQ(cycle.status, 422) << cycle.body;
  EXPECT_NE(cycle.body.find("jobs[0].depends_on"), std::string::npos) << cycle.body;
  const auto unknown = client.post("/v1/jobs", R"({"id":"c","queue":"q","depends_on":["nobody"]})");
  EXPECT_EQ(unknown.status, 422) << unknown.body;
  EXPECT_EQ(unknown.json().find("reason").as_string(), "parent_not_found");
  EXPECT_EQ(client.get("/v1/jobs/a").status, 404);
  EXPECT_EQ(client.get("/v1/jobs/c").status, 404);
}

TEST(Workflows, AKeyCannotReadResultsOfOtherQueuesThroughAChild) {
  WeirServer server;
  server.start();
  auto admin = server.client();
  ASSERT_EQ(admin.post("/v1/jobs", R"({"id":"secret","queue":"vault"})").status, 201);
  const auto made =
      admin.post("/v1/keys", R"({"name":"k","scopes":["jobs:write","jobs:work"],"queues":["q"]})");
  ASSERT_EQ(made.status, 201) << made.body;
  HttpClient narrow(server.port(), made.json().find("key").as_string().value_or(""));
  const std::string child = R"({"queue":"q","depends_on":["secret"]})";
  EXPECT_EQ(narrow.post("/v1/jobs", child).status, 403);
  EXPECT_EQ(narrow.post("/v1/jobs/batch", R"({"jobs":[)" + child + "]}").status, 403);
}

}  // namespace
}  // namespace weir::test
