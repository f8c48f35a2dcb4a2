// Explain over HTTP and at the command line, on a server with limits.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

std::string codes(HttpClient& client, const std::string& id) {
  const auto answer = client.get("/v1/jobs/" + id + "/explain");
  EXPECT_EQ(answer.status, 200) << answer.body;
  std::string out;
  for (const auto reason : answer.json().find("reasons").elements()) {
    out += reason.find("code").as_string().value_or("?") + " ";
  }
  return out;
}

TEST(Explain, SaysWhyAJobDoesNotRun) {
  WeirServer server;
  server.start();
  auto client = server.client();
  ASSERT_EQ(client.put("/v1/queues/q", R"({"per_key":{"concurrency":1}})").status, 200);
  for (const auto* id : {"a1", "a2"}) {
    const auto job = std::string(R"({"queue":"q","key":"acme","id":")") + id + "\"}";
    ASSERT_EQ(client.post("/v1/jobs", job).status, 201);
  }
  ASSERT_EQ(
      client.post("/v1/jobs", R"({"queue":"q","id":"child","depends_on":["a1","a2"]})").status,
      201);
  EXPECT_EQ(codes(client, "a1"), "ready no_worker ");
  ASSERT_EQ(client.post("/v1/queues/q/lease", R"({"worker":"w"})").status, 200);
  EXPECT_EQ(codes(client, "a1"), "running ");
  EXPECT_EQ(codes(client, "a2"), "key_concurrency ");
  EXPECT_EQ(codes(client, "child"), "blocked_by_parents ");
  ASSERT_EQ(client.post("/v1/queues/q/pause", "").status, 200);
  EXPECT_EQ(codes(client, "a2"), "queue_paused key_concurrency ");
  EXPECT_EQ(client.get("/v1/jobs/nothing/explain").status, 404);
}

TEST(ManyJobs, CancelByFilterPageByPage) {
  WeirServer server;
  server.start();
  auto client = server.client();
  std::string batch = R"({"jobs":[)";
  for (int i = 0; i < 25; ++i) {
    batch += std::string(i == 0 ? "" : ",") + R"({"queue":"q","type":")" +
             (i % 5 == 0 ? "keep" : "drop") + "\"}";
  }
  ASSERT_EQ(client.post("/v1/jobs/batch", batch + "]}").status, 201);
  std::string cursor;
  std::int64_t cancelled = 0;
  for (int page = 0; page < 10; ++page) {
    const auto answer =
        client.post("/v1/jobs/cancel", R"({"filter":{"type":"drop"},"limit":6)" + cursor + "}");
    ASSERT_EQ(answer.status, 200) << answer.body;
    cancelled += answer.json().find("cancelled").as_int().value_or(0);
    const auto next = answer.json().find("next_cursor").as_string();
    if (!next) break;
    cursor = R"(,"cursor":")" + *next + "\"";
  }
  EXPECT_EQ(cancelled, 20);
  const auto left = client.get("/v1/jobs?status=unprocessed&type=keep&sort=created");
  EXPECT_EQ(left.json().find("status_counts").find("unprocessed").as_int(), 5);
  EXPECT_EQ(client.get("/v1/jobs?status=nothing").status, 422);
}

}  // namespace
}  // namespace weir::test
