// Labels and targets over HTTP and at the command line: who gets a job, and what is shown of whom.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>

#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

std::string leased(HttpClient& client, const std::string& body) {
  const auto answer = client.post("/v1/queues/q/lease", body);
  EXPECT_EQ(answer.status, 200) << answer.body;
  std::string out;
  for (const auto job : answer.json().find("jobs").elements()) {
    out += job.find("id").as_string().value_or("?") + " ";
  }
  return out;
}

TEST(Workers, TargetsChooseThemAndTheListShowsThem) {
  WeirServer server;
  server.start();
  auto client = server.client();
  for (const auto* job :
       {R"({"queue":"q","id":"west","target":"label:region=eu.west"})",
        R"({"queue":"q","id":"a","target":"host:a"})", R"({"queue":"q","id":"any"})"}) {
    ASSERT_EQ(client.post("/v1/jobs", job).status, 201) << job;
  }
  EXPECT_EQ(leased(client, R"({"worker":"b","max":9,"labels":{"region":"eu.western"}})"), "any ");
  const auto explained = client.get("/v1/jobs/west/explain");
  EXPECT_NE(explained.body.find("no live worker of the queue q matches label:region=eu.west"),
            std::string::npos)
      << explained.body;
  const auto work = client.post("/v1/work", R"({"worker":"a","lease":{"queues":["q"],"max":9,)"
                                            R"("labels":{"region":"eu.west.1"}}})");
  EXPECT_NE(work.body.find(R"("id":"west")"), std::string::npos) << work.body;
  EXPECT_NE(work.body.find(R"("id":"a")"), std::string::npos) << work.body;

  const auto page = client.get("/v1/workers");
  ASSERT_EQ(page.status, 200);
  std::string seen;
  for (const auto worker : page.json().find("items").elements()) {
    seen += worker.find("name").as_string().value_or("?") + " " +
            std::string(worker.find("labels").raw()) + " " +
            std::string(worker.find("running").raw()) + "; ";
  }
  EXPECT_EQ(seen, R"(a {"region":"eu.west.1"} 2; b {"region":"eu.western"} 1; )");

  const auto bad = client.post("/v1/jobs", R"({"queue":"q","target":"region=eu"})");
  EXPECT_EQ(bad.status, 422);
  EXPECT_NE(bad.body.find(R"("field":"target")"), std::string::npos) << bad.body;
  const auto worse = client.post("/v1/queues/q/lease", R"({"worker":"w","labels":{"a":"b c"}})");
  EXPECT_EQ(worse.status, 422);
  EXPECT_NE(worse.body.find(R"("field":"labels.a")"), std::string::npos) << worse.body;
}

TEST(Workers, AJobForAllRunsAtEach) {
  WeirServer server;
  server.start();
  auto client = server.client();
  EXPECT_EQ(client.post("/v1/jobs", R"({"queue":"q","target":"_all"})").status, 409);
  for (const auto* worker : {"a", "b"}) {
    leased(client, std::string(R"({"worker":")") + worker + "\"}");
  }
  const auto made = client.post("/v1/jobs", R"({"queue":"q","id":"j","target":"_all"})");
  ASSERT_EQ(made.status, 201) << made.body;
  const auto token = [&](const std::string& worker) {
    const auto answer = client.post("/v1/queues/q/lease", R"({"worker":")" + worker + "\"}");
    for (const auto job : answer.json().find("jobs").elements()) {
      return job.find("lease").as_string().value_or("?");
    }
    return std::string("none");
  };
  const auto a = token("a");
  ASSERT_EQ(client.post("/v1/leases/" + a + "/complete", R"({"result":1})").status, 200);
  const auto b = token("b");
  ASSERT_EQ(client.post("/v1/leases/" + b + "/fail", R"({"error":"no","retry":false})").status,
            200);
  const auto job = client.get("/v1/jobs/j?wait=5s");
  EXPECT_EQ(job.json().find("status").as_string(), "partial_failure") << job.body;
  EXPECT_EQ(job.json().find("result").find("completed").as_int(), 1) << job.body;
}

TEST(Workers, ADrainedProgramEndsWhenItsJobHas) {
  WeirServer server;
  server.start();
  auto client = server.client();
  const std::map<std::string, std::string> env{{"WEIR_URL", server.url()},
                                               {"WEIR_API_KEY", server.key()}};
  ASSERT_EQ(client.post("/v1/jobs", R"({"queue":"q","id":"a"})").status, 201);
  std::thread program([&] {
    const auto ended = run({.argv = {weir_binary(), "work", "-q", "q", "--name", "w", "--label",
                                     "region=eu", "--exec", "cat"},
                            .env = env});
    EXPECT_EQ(ended.code, 0) << ended.err;
  });
  EXPECT_EQ(client.get("/v1/jobs/a?wait=10s").json().find("status").as_string(), "completed");
  const auto drained = run({.argv = {weir_binary(), "worker", "drain", "w", "--wait"}, .env = env});
  EXPECT_EQ(drained.code, 0) << drained.err;
  program.join();
  const auto listed = run({.argv = {weir_binary(), "worker", "list"}, .env = env});
  EXPECT_NE(listed.out.find("draining"), std::string::npos) << listed.out;
  EXPECT_NE(listed.out.find("region=eu"), std::string::npos) << listed.out;
  EXPECT_EQ(run({.argv = {weir_binary(), "worker", "undrain", "w"}, .env = env}).code, 0);
  EXPECT_EQ(client.get("/v1/workers/w").json().find("draining").as_bool(), false);
  EXPECT_EQ(client.post("/v1/workers/nobody/drain", "").status, 404);
}

}  // namespace
}  // namespace weir::test
