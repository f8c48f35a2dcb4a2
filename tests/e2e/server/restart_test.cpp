// What was accepted is there after every kind of end.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

std::set<std::string> submit_some(WeirServer& server, int count) {
  std::set<std::string> accepted;
  auto client = server.client();
  for (int i = 0; i < count; ++i) {
    const auto answer = client.post("/v1/jobs", R"({"queue":"q","type":"t"})");
    EXPECT_EQ(answer.status, 201) << answer.body;
    accepted.insert(answer.json().find("id").as_string().value_or(""));
  }
  return accepted;
}

void expect_waiting(WeirServer& server, const std::set<std::string>& ids) {
  auto client = server.client();
  for (const auto& id : ids) {
    const auto answer = client.get("/v1/jobs/" + id);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.json().find("status").as_string(), "unprocessed") << answer.body;
  }
  EXPECT_EQ(client.get("/health/status").json().find("jobs").find("total").as_int(),
            static_cast<std::int64_t>(ids.size()));
}

TEST(Restart, AGracefulStopKeepsEverything) {
  WeirServer server;
  server.start();
  const auto ids = submit_some(server, 20);
  EXPECT_EQ(server.stop(), 0) << server.log();
  server.start();
  expect_waiting(server, ids);
}

TEST(Restart, KillingServerAndNatsLosesNothingAccepted) {
  WeirServer server;
  server.start();
  const auto ids = submit_some(server, 20);
  server.kill();
  server.start();
  expect_waiting(server, ids);
  auto client = server.client();
  EXPECT_EQ(client.post("/v1/jobs", R"({"queue":"q","type":"t"})").status, 201);
}

TEST(Restart, ANewCoordinatorReadsTheWholeLog) {
  NatsServer nats;
  nats.start();
  std::set<std::string> ids;
  std::string key;
  {
    WeirServer first({.nats_url = nats.url()});
    first.start();
    key = first.key();
    ids = submit_some(first, 20);
  }
  WeirServer second({.key = key, .nats_url = nats.url()});
  second.start();
  HttpClient client(second.port(), key);  // keys are replicated too
  for (const auto& id : ids) EXPECT_EQ(client.get("/v1/jobs/" + id).status, 200);
}

TEST(Restart, TwoCoordinatorsShareOneTruth) {
  NatsServer nats;
  nats.start();
  WeirServer one({.nats_url = nats.url()});
  one.start();
  WeirServer two({.key = one.key(), .nats_url = nats.url()});
  two.start();
  auto first = one.client();
  HttpClient second(two.port(), one.key());
  const auto sent = first.post("/v1/jobs", R"({"queue":"q","type":"t"})");
  ASSERT_EQ(sent.status, 201) << sent.body;
  const auto leased = second.post("/v1/queues/q/lease", R"({"worker":"w","wait_ms":10000})");
  ASSERT_EQ(leased.status, 200) << leased.body;
  const auto job = *leased.json().find("jobs").elements().begin();
  ASSERT_EQ(job.find("id").as_string(), sent.json().find("id").as_string());
  const auto lease = job.find("lease").as_string().value_or("");
  EXPECT_EQ(first.post("/v1/leases/" + lease + "/complete", "{}").status, 200);
  const auto counts = [](HttpClient& client) {
    const auto answer = client.get("/health/status");
    return std::string(answer.json().find("jobs").raw());
  };
  EXPECT_TRUE(wait_until([&] { return counts(first) == counts(second); }));
  EXPECT_NE(counts(first).find("\"completed\":1"), std::string::npos) << counts(first);
}

TEST(Restart, ASecondServerOnTheSameDataIsRefused) {
  WeirServer server;
  server.start();
  const auto second =
      run({.argv = {weir_binary(), "serve", "--http", "127.0.0.1:" + std::to_string(free_port()),
                    "--data-dir", server.data_dir()},
           .env = {{"WEIR_API_KEY", server.key()}}},
          std::chrono::seconds(20));
  EXPECT_GT(second.code, 0) << "must end by itself";
  EXPECT_FALSE(second.err.empty()) << "and say why";
  EXPECT_EQ(server.anonymous().get("/ready").status, 200);
}

TEST(Restart, ATakenPortIsSaidClearly) {
  WeirServer server;
  server.start();
  const TempDir other;
  const auto second =
      run({.argv = {weir_binary(), "serve", "--http", "127.0.0.1:" + std::to_string(server.port()),
                    "--data-dir", other.file("data")}},
          std::chrono::seconds(20));
  EXPECT_GT(second.code, 0);
  EXPECT_NE(second.err.find(std::to_string(server.port())), std::string::npos) << second.err;
}

}  // namespace
}  // namespace weir::test
