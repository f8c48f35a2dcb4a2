// Batches over HTTP and the command line: waiting, callbacks, a kill in the middle, keys.
#include <gtest/gtest.h>

#include <future>
#include <string>

#include "tests/support/follower.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

std::string member(HttpClient& client, const std::string& path, std::string_view name) {
  return client.get(path).json().find(name).as_string().value_or("");
}

// Leases and completes one job; its id.
std::string run_one(HttpClient& client, const std::string& queue = "q") {
  const auto leased =
      client.post("/v1/queues/" + queue + "/lease", R"({"worker":"w","wait_ms":5000})");
  EXPECT_EQ(leased.status, 200) << leased.body;
  for (const auto job : leased.json().find("jobs").elements()) {
    const auto token = job.find("lease").as_string().value_or("");
    EXPECT_EQ(client.post("/v1/leases/" + token + "/complete", "{}").status, 200);
    return job.find("id").as_string().value_or("");
  }
  ADD_FAILURE() << "nothing to lease in " << queue;
  return {};
}

constexpr const char* kNew = R"({"id":"b","name":"three","jobs":[
  {"id":"m1","queue":"q"},{"id":"m2","queue":"q"},{"id":"m3","queue":"q"}],
  "on_success":{"id":"yes","queue":"after"},"on_complete":{"id":"done","queue":"after"}})";

TEST(Batches, EndOnceOverAKill) {
  WeirServer server;
  server.start();
  {
    auto client = server.client();
    const auto made = client.post("/v1/batches", kNew);
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(made.json().find("status").as_string(), "sealed");
    EXPECT_EQ(client.post("/v1/batches", kNew).status, 200) << "its id makes it safe to repeat";
    run_one(client);
  }
  server.kill();
  server.start();
  auto client = server.client();
  EXPECT_EQ(client.get("/v1/batches/b").json().find("progress").as_int(), 33);
  auto waiting = std::async(std::launch::async, [&server] {
    auto other = server.client();
    return other.get("/v1/batches/b?wait=30s");
  });
  run_one(client);
  EXPECT_EQ(client.get("/v1/jobs/done").status, 404);
  run_one(client);
  const auto ended = waiting.get();
  EXPECT_EQ(ended.json().find("status").as_string(), "succeeded") << ended.body;
  EXPECT_EQ(ended.json().find("counts").find("completed").as_int(), 3);
  EXPECT_EQ(run_one(client, "after"), "yes");
  EXPECT_EQ(run_one(client, "after"), "done");
  const auto page = client.get("/v1/batches/b/jobs?status=completed&limit=2");
  EXPECT_TRUE(page.json().find("next_cursor").is_string()) << page.body;
}

TEST(Batches, TakeJobsUntilTheyAreSealed) {
  WeirServer server;
  server.start();
  auto client = server.client();
  const auto made = client.post("/v1/batches", R"({"on_complete":{"queue":"after"}})");
  ASSERT_EQ(made.status, 201) << made.body;
  const auto id = made.json().find("id").as_string().value_or("");
  const std::string job = R"({"queue":"q","batch":")" + id + "\"}";
  EXPECT_EQ(client.post("/v1/jobs", job).status, 201);
  run_one(client);
  EXPECT_EQ(client.post("/v1/jobs", job).status, 201);
  EXPECT_EQ(client.post("/v1/batches/" + id + "/seal", "{}").status, 200);
  const auto late = client.post("/v1/jobs", job);
  EXPECT_EQ(late.status, 409) << late.body;
  EXPECT_EQ(late.json().find("reason").as_string(), "batch_sealed");
  const auto cancelled = client.post("/v1/batches/" + id + "/cancel", "{}");
  EXPECT_EQ(cancelled.json().find("status").as_string(), "cancelled") << cancelled.body;
  const auto callback = cancelled.json().find("on_complete").find("id").as_string().value_or("");
  EXPECT_EQ(run_one(client, "after"), callback);
  EXPECT_EQ(client.post("/v1/batches/nobody/seal", "{}").status, 404);
  EXPECT_EQ(client.post("/v1/jobs", R"({"queue":"q","batch":"nobody"})").status, 404);
  EXPECT_EQ(client.get("/v1/batches/nobody?wait=1s").status, 404);
}

TEST(Batches, AKeyNeedsAllItsQueues) {
  WeirServer server;
  server.start();
  auto admin = server.client();
  ASSERT_EQ(admin.post("/v1/batches", kNew).status, 201);
  ASSERT_EQ(admin.post("/v1/batches", R"({"id":"own","jobs":[{"queue":"q"}]})").status, 201);
  const auto made =
      admin.post("/v1/keys", R"({"name":"k","scopes":["jobs:read","jobs:write"],"queues":["q"]})");
  ASSERT_EQ(made.status, 201) << made.body;
  HttpClient narrow(server.port(), made.json().find("key").as_string().value_or(""));
  EXPECT_EQ(narrow.get("/v1/batches/own").status, 200);
  EXPECT_EQ(narrow.get("/v1/batches/b").status, 403);
  EXPECT_EQ(narrow.get("/v1/batches/b?wait=1s").status, 403);
  EXPECT_EQ(narrow.get("/v1/batches/b/jobs").status, 403);
  EXPECT_EQ(narrow.post("/v1/batches/b/cancel", "{}").status, 403);
  EXPECT_EQ(narrow.post("/v1/batches", R"({"on_success":{"queue":"vault"}})").status, 403);
  EXPECT_EQ(narrow.post("/v1/batches", R"({"jobs":[{"queue":"vault"}]})").status, 403);
  const auto page = narrow.get("/v1/batches");
  EXPECT_NE(page.body.find(R"("id":"own")"), std::string::npos) << page.body;
  EXPECT_EQ(page.body.find(R"("id":"b")"), std::string::npos) << page.body;
}

TEST(Batches, TheirEndIsAnEvent) {
  WeirServer server;
  server.start();
  auto client = server.client();
  ASSERT_EQ(client.put("/v1/queues/q", R"({"events":true})").status, 200);
  const auto since = client.get("/v1/queues/q").header("weir-revision");
  ASSERT_EQ(client.post("/v1/batches", R"({"id":"b","jobs":[{"queue":"q"}]})").status, 201);
  run_one(client);
  const Follower follower(
      server, {"events", "--queue", "q", "--since", since, "--type", "batch_succeeded"});
  EXPECT_TRUE(follower.hears("batch_succeeded b  q")) << follower.out();
}

TEST(Batches, FromTheCommandLine) {
  WeirServer server;
  server.start();
  auto client = server.client();
  EXPECT_EQ(
      server.cli({"batch", "create", "--id", "album", "--on-complete", R"({"queue":"r"})"}).out,
      "album\n");
  EXPECT_EQ(server.cli({"submit", "--queue", "q", "--batch", "album", "--id", "first", "1"}).code,
            0);
  EXPECT_EQ(server
                .cli({"submit", "--queue", "q", "--batch", "album", "--depends-on", "first",
                      "--on-failure", "run", "--id", "second", "2"})
                .code,
            0);
  EXPECT_EQ(member(client, "/v1/jobs/second", "status"), "blocked");
  EXPECT_EQ(member(client, "/v1/jobs/second", "on_failure"), "run");
  EXPECT_EQ(server.cli({"batch", "seal", "album"}).out,
            "batch album is sealed, 2 of 2 jobs pending\n");
  EXPECT_NE(server.cli({"batch", "jobs", "album"}).out.find("second"), std::string::npos);
  run_one(client);
  run_one(client);
  EXPECT_EQ(server.cli({"batch", "wait", "album", "--timeout", "30s"}).code, 0);
  EXPECT_NE(server.cli({"batch", "list", "--status", "succeeded"}).out.find("album"),
            std::string::npos);
  EXPECT_NE(server.cli({"batch", "cancel", "album"}).code, 0);
}

}  // namespace
}  // namespace weir::test
