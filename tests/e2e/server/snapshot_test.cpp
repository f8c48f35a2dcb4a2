// Stored copies of the state, as an operator and a new coordinator use them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using testing::HasSubstr;

void submit(WeirServer& server, int count) {
  std::string body = R"({"jobs":[)";
  for (int i = 0; i < count; ++i) body += std::string(i > 0 ? "," : "") + R"({"queue":"q"})";
  ASSERT_EQ(server.client().post("/v1/jobs/batch", body + "]}").status, 201);
}

std::int64_t waiting(WeirServer& server) {
  const auto answer = server.client().get("/health/status");
  return answer.json().find("jobs").find("unprocessed").as_int().value_or(-1);
}

TEST(Snapshot, IsTakenListedAndVerified) {
  WeirServer server;
  server.start();
  EXPECT_THAT(server.cli({"snapshot", "list"}).out, HasSubstr("No snapshots yet"));
  submit(server, 100);
  const auto saved = server.cli({"snapshot", "save"});
  EXPECT_EQ(saved.code, 0) << saved.err;
  EXPECT_THAT(saved.out, HasSubstr("saved "));
  const auto listed = server.client().get("/v1/snapshots");
  ASSERT_EQ(listed.status, 200) << listed.body;
  const auto items = listed.json().find("items");
  ASSERT_NE(items.elements().begin(), items.elements().end());
  const auto id = (*items.elements().begin()).find("id").as_string().value_or("");
  EXPECT_EQ(server.cli({"snapshot", "verify", id}).code, 0);
  const auto unknown = server.cli({"snapshot", "verify", "1-nothing"});
  EXPECT_EQ(unknown.code, 3);
  EXPECT_THAT(unknown.err, HasSubstr("There is no such snapshot"));
  EXPECT_EQ(server.anonymous().get("/v1/snapshots").status, 401);
}

TEST(Snapshot, AWipedCoordinatorBeginsWithIt) {
  NatsServer nats;
  nats.start();
  WeirServer server({.nats_url = nats.url()});
  server.start();
  for (int round = 0; round < 3; ++round) {
    submit(server, 500);
    ASSERT_EQ(server.client().post("/v1/snapshots", "{}").status, 201);
  }
  submit(server, 7);
  EXPECT_EQ(server.stop(), 0);
  std::filesystem::remove_all(server.data_dir());
  server.start();
  EXPECT_EQ(waiting(server), 1'507);
  EXPECT_THAT(server.log(), HasSubstr("snapshot_restored"));
  EXPECT_EQ(server.client().post("/v1/jobs", R"({"queue":"q"})").status, 201);
}

// Submits, leases and completes 200 jobs.
void turn_over(WeirServer& server, HttpClient& client) {
  submit(server, 200);
  const auto leased =
      client.post("/v1/work", R"({"worker":"w","lease":{"queues":["q"],"max":200}})");
  ASSERT_EQ(leased.status, 200) << leased.body.substr(0, 300);
  std::string complete = R"({"worker":"w","complete":[)";
  for (const auto job : leased.json().find("jobs").elements()) {
    if (complete.back() == '}') complete += ',';
    complete += R"({"lease":")" + job.find("lease").as_string().value_or("") + R"("})";
  }
  ASSERT_EQ(client.post("/v1/work", complete + "]}").status, 200);
}

// The leader does it by itself: the log does not grow for ever.
TEST(Snapshot, TheLogIsTruncatedUnderLoad) {
  WeirServer server({.flags = {"--snapshot-log-bytes", "256KiB"}});
  server.start();
  auto client = server.client();
  // Finished jobs go at once: a snapshot waits for a log of half the size of the database.
  const auto configured = client.put("/v1/queues/q", R"({"retention":{"completed_ms":0}})");
  ASSERT_EQ(configured.status, 200) << configured.body;
  const auto truncated = [&] {
    turn_over(server, client);
    const auto status = client.get("/health/status");
    const auto applied = status.json().find("replica").find("applied_revision").as_int();
    for (const auto stream : status.json().find("streams").elements()) {
      if (stream.find("name").as_string() != "JOBS") continue;
      return stream.find("messages").as_int().value_or(0) < applied.value_or(0);
    }
    return false;
  };
  EXPECT_TRUE(wait_until(truncated, std::chrono::seconds(60))) << server.log();
  EXPECT_EQ(server.stop(), 0);
  server.start();
  EXPECT_EQ(waiting(server), 0);
}

}  // namespace
}  // namespace weir::test
