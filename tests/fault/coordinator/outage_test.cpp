// NATS goes away under load: submits and reports are accepted, and everything is done when it is
// back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using testing::HasSubstr;

class Outage : public testing::Test {
 protected:
  void SetUp() override {
    nats_.start();
    server_.start();
  }
  std::int64_t status_of(const std::string& path, const std::string& field) {
    const auto answer = server_.client().get("/health/status");
    return answer.json().find(path).find(field).as_int().value_or(-1);
  }
  static std::string token_of(const HttpAnswer& leased) {
    for (const auto job : leased.json().find("jobs").elements()) {
      return job.find("lease").as_string().value_or("");
    }
    return "";
  }
  bool nats_is_away() { return server_.client().get("/health/status").status == 503; }

  NatsServer nats_;
  WeirServer server_{{.nats_url = nats_.url()}};
};

TEST_F(Outage, SubmitsAreKeptAndAppearInOrder) {
  auto client = server_.client();
  nats_.kill();
  ASSERT_TRUE(wait_until([&] { return nats_is_away(); }));
  std::vector<std::string> ids;
  for (int i = 0; i < 50; ++i) {
    const auto answer = client.post("/v1/jobs", R"({"queue":"q"})");
    ASSERT_EQ(answer.status, 202) << answer.body;
    EXPECT_EQ(answer.json().find("storage").as_string(), "sqlite");
    EXPECT_EQ(answer.json().find("status").as_string(), "accepted");
    ids.push_back(answer.json().find("id").as_string().value_or(""));
  }
  const auto batch = client.post("/v1/jobs/batch", R"({"jobs":[{"queue":"q","id":"last"}]})");
  EXPECT_EQ(batch.status, 202) << batch.body;
  EXPECT_EQ(batch.json().find("storage").as_string(), "sqlite");
  ids.emplace_back("last");

  const auto health = client.get("/health");
  EXPECT_EQ(health.status, 200);
  EXPECT_EQ(health.json().find("status").as_string(), "degraded");
  EXPECT_EQ(health.json().find("components").find("outbox").as_string(), "degraded");
  EXPECT_EQ(client.get("/ready").status, 200);
  EXPECT_EQ(status_of("outbox", "operations"), 51);
  const auto lease = client.post("/v1/queues/q/lease", R"({"worker":"w"})");
  EXPECT_EQ(lease.status, 503) << lease.body;
  EXPECT_FALSE(lease.header("retry-after").empty());
  const auto unique =
      client.post("/v1/jobs", R"({"queue":"q","unique":{"key":"k","scope":"queued"}})");
  EXPECT_EQ(unique.status, 503) << "only the log can decide: " << unique.body;

  nats_.start();
  ASSERT_TRUE(wait_until([&] { return status_of("outbox", "operations") == 0; }));
  ASSERT_TRUE(wait_until([&] { return status_of("jobs", "unprocessed") == 51; }));
  const auto all = client.post("/v1/queues/q/lease", R"({"worker":"w","max":100})");
  ASSERT_EQ(all.status, 200) << all.body;
  std::size_t place = 0;
  for (const auto job : all.json().find("jobs").elements()) {
    ASSERT_LT(place, ids.size());
    EXPECT_EQ(job.find("id").as_string(), ids[place++]);
  }
  EXPECT_EQ(place, ids.size());
  EXPECT_EQ(client.get("/health").json().find("status").as_string(), "healthy");
}

TEST_F(Outage, KeptSubmitsSurviveAKilledCoordinator) {
  nats_.kill();
  ASSERT_TRUE(wait_until([&] { return nats_is_away(); }));
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(server_.client().post("/v1/jobs", R"({"queue":"q"})").status, 202);
  }
  server_.kill();
  server_.start();  // NATS is still away
  EXPECT_EQ(status_of("outbox", "operations"), 20);
  EXPECT_EQ(server_.client().post("/v1/jobs", R"({"queue":"q"})").status, 202);
  nats_.start();
  EXPECT_TRUE(wait_until([&] { return status_of("jobs", "unprocessed") == 21; }));
}

TEST_F(Outage, ResultsAreKeptToo) {
  auto client = server_.client();
  ASSERT_EQ(client.post("/v1/jobs/batch", R"({"jobs":[{"queue":"q"},{"queue":"q"},{"queue":"q"}]})")
                .status,
            201);
  const auto leased = client.post("/v1/queues/q/lease", R"({"worker":"w","max":3})");
  ASSERT_EQ(leased.status, 200);
  std::vector<std::string> leases;
  for (const auto job : leased.json().find("jobs").elements()) {
    leases.push_back(job.find("lease").as_string().value_or(""));
  }
  ASSERT_EQ(leases.size(), 3U);
  nats_.kill();
  ASSERT_TRUE(wait_until([&] { return nats_is_away(); }));
  const auto one = client.post("/v1/leases/" + leases[0] + "/complete", R"({"result":1})");
  EXPECT_EQ(one.status, 202) << one.body;
  const auto round = client.post("/v1/work", R"({"worker":"w","complete":[{"lease":")" + leases[1] +
                                                 R"("}],"fail":[{"lease":")" + leases[2] +
                                                 R"(","error":{"message":"no"},"retry":false}],)" +
                                                 R"("lease":{"queues":["q"],"wait_ms":1000}})");
  EXPECT_EQ(round.status, 202) << round.body;
  EXPECT_THAT(round.body, HasSubstr(R"("complete":[{"ok":true}])"));
  EXPECT_THAT(round.body, HasSubstr(R"("jobs":[])"));
  nats_.start();
  EXPECT_TRUE(wait_until(
      [&] { return status_of("jobs", "completed") == 2 && status_of("jobs", "dlq") == 1; }));
}

// The lease would have ended in the middle of it. A tick comes before the worker does.
TEST_F(Outage, LeasesOutliveIt) {
  auto client = server_.client();
  ASSERT_EQ(client.post("/v1/jobs", R"({"queue":"q","id":"j"})").status, 201);
  ASSERT_EQ(client.post("/v1/jobs", R"({"queue":"other","delay_ms":4000})").status, 201);
  const auto leased = client.post("/v1/queues/q/lease", R"({"worker":"w","lease_ms":3000})");
  ASSERT_EQ(leased.status, 200) << leased.body;
  nats_.kill();
  std::this_thread::sleep_for(std::chrono::milliseconds(5'500));
  nats_.start();
  ASSERT_TRUE(wait_until([&] { return status_of("jobs", "scheduled") == 0; })) << "no tick";
  const auto done = client.post("/v1/leases/" + token_of(leased) + "/complete", "{}");
  EXPECT_EQ(done.status, 200) << done.body;
  const auto job = client.get("/v1/jobs/j");
  EXPECT_EQ(job.json().find("attempt").as_int(), 1) << job.body;
}

// Every submit of a stream of them, as fast as it goes, is answered 2xx, whatever happens to NATS
// meanwhile, and there is one job for each. What was kept is in the log while they go on.
TEST_F(Outage, NoSubmitOfAStreamIsLost) {
  std::atomic<bool> stop{false};
  std::atomic<int> kept{0};
  std::atomic<int> direct{0};
  std::mutex mutex;
  std::vector<std::string> refused;
  std::set<std::string> ids;
  std::vector<std::thread> clients;
  for (int t = 0; t < 4; ++t) {
    clients.emplace_back([&] {
      HttpClient client(server_.port(), server_.key());
      while (!stop) {
        const auto answer = client.post("/v1/jobs", R"({"queue":"q"})");
        const std::lock_guard lock(mutex);
        if (answer.status != 201 && answer.status != 202) {
          refused.push_back(std::to_string(answer.status) + " " + answer.body);
        }
        ++(answer.status == 202 ? kept : direct);
        ids.insert(answer.json().find("id").as_string().value_or(""));
      }
    });
  }
  for (int round = 0; round < 2; ++round) {
    const int before = direct;
    EXPECT_TRUE(wait_until([&] { return direct > before + 200; }));
    nats_.kill();
    const int kept_before = kept;
    EXPECT_TRUE(wait_until([&] { return kept > kept_before + 500; }));
    nats_.start();
    const auto back = std::chrono::steady_clock::now();
    EXPECT_TRUE(wait_until([&] { return status_of("outbox", "operations") == 0; }));
    const std::chrono::duration<double> drained = std::chrono::steady_clock::now() - back;
    std::printf("outbox empty %.1f s after NATS was back\n", drained.count());
  }
  const int before = direct;
  EXPECT_TRUE(wait_until([&] { return direct > before + 200; }));
  stop = true;
  for (auto& client : clients) client.join();
  EXPECT_THAT(refused, testing::IsEmpty());
  EXPECT_TRUE(wait_until(
      [&] { return status_of("jobs", "unprocessed") == static_cast<std::int64_t>(ids.size()); },
      std::chrono::seconds(60)))
      << status_of("jobs", "unprocessed") << " jobs of " << ids.size();
  std::printf("%d submits answered directly, %d kept, %zu jobs\n", direct.load(), kept.load(),
              ids.size());
}

}  // namespace
}  // namespace weir::test
