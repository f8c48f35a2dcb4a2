// A server whose time the test sets (`weir serve --test-clock`): what takes a year takes seconds,
// and when an advance has answered everything that became due is done.
#include <gtest/gtest.h>

#include <future>
#include <string>

#include "pkg/base/time_text.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

class TestClock : public testing::Test {
 protected:
  TestClock() : server_({.flags = {"--test-clock"}}) {
    server_.start();
    client_.reset(new HttpClient(server_.client()));
  }

  // Of a write that has to succeed.
  HttpAnswer post(const std::string& path, const std::string& body) {
    auto answer = client_->post(path, body);
    EXPECT_TRUE(answer.status >= 200 && answer.status < 300) << path << " " << answer.body;
    return answer;
  }
  void put(const std::string& path, const std::string& body) {
    const auto answer = client_->put(path, body);
    ASSERT_LT(answer.status, 300) << answer.body;
  }
  void set_clock(const std::string& change) { post("/v1/test/clock", change); }
  void advance(const std::string& by) { set_clock(R"({"advance":")" + by + "\"}"); }
  Timestamp now() {
    const auto text = client_->get("/v1/test/clock").json().find("now").as_string().value_or("");
    const auto time = parse_rfc3339(text);
    EXPECT_TRUE(time) << text;
    return time ? *time : Timestamp{};
  }

  void submit(const std::string& id, const std::string& more = "") {
    post("/v1/jobs", R"({"id":")" + id + R"(","queue":"q","type":"t")" + more + "}");
  }
  std::string status(const std::string& id) {
    const auto answer = client_->get("/v1/jobs/" + id);
    if (answer.status != 200) return std::to_string(answer.status);
    return answer.json().find("status").as_string().value_or("");
  }
  // Ids of the leased jobs, one after the other.
  std::string lease(const std::string& terms = R"({"worker":"w","max":10})") {
    const auto answer = post("/v1/queues/q/lease", terms);
    std::string ids;
    for (const auto job : answer.json().find("jobs").elements()) {
      ids += (ids.empty() ? "" : ",") + job.find("id").as_string().value_or("?");
      lease_ = job.find("lease").as_string().value_or("");
    }
    return ids;
  }

  WeirServer server_;
  std::unique_ptr<HttpClient> client_;
  std::string lease_;  // the last one
};

TEST_F(TestClock, AYearOfADailyScheduleInSeconds) {
  put("/v1/schedules/daily",
      R"({"cron":"30 9 * * *","time_zone":"Europe/Berlin","job":{"queue":"q","type":"t"}})");
  const auto before = now();
  advance("365d");
  EXPECT_GE(now() - before, std::chrono::hours(24 * 365));
  const auto schedule = client_->get("/v1/schedules/daily").json().raw();
  EXPECT_EQ(client_->get("/v1/schedules/daily").json().find("runs").as_int(), 365) << schedule;
  const auto queue = client_->get("/v1/queues/q");
  EXPECT_EQ(queue.json().find("counts").find("unprocessed").as_int(), 365) << queue.body;
}

TEST_F(TestClock, AJumpIsAnOutage) {
  put("/v1/schedules/hourly",
      R"({"cron":"0 * * * *","catchup":"last","job":{"queue":"q","type":"t"}})");
  const auto answer = client_->post("/v1/test/clock", R"({"advance":"10h","jump":true})");
  EXPECT_EQ(answer.json().find("steps").as_int(), 1) << answer.body;
  EXPECT_EQ(client_->get("/v1/schedules/hourly").json().find("runs").as_int(), 1)
      << "catch-up of the last run only";
}

TEST_F(TestClock, LeasesExpireAndRetriesComeBack) {
  set_clock(R"({"freeze":true})");
  submit("a", R"(,"max_attempts":2,"backoff":{"kind":"fixed","delay_ms":60000,"jitter":0})");
  EXPECT_EQ(lease(R"({"worker":"w","lease_ms":30000})"), "a");
  advance("29999ms");
  EXPECT_EQ(status("a"), "processing");
  advance("1ms");
  EXPECT_EQ(status("a"), "scheduled") << "the worker said nothing: an attempt is lost";
  advance("59999ms");
  EXPECT_EQ(status("a"), "scheduled");
  advance("1ms");
  EXPECT_EQ(status("a"), "unprocessed");
  EXPECT_EQ(lease(R"({"worker":"w","lease_ms":30000})"), "a");
  advance("1h");
  EXPECT_EQ(status("a"), "dlq");
}

TEST_F(TestClock, ExpiryDelaysAndRetention) {
  set_clock(R"({"freeze":true})");
  submit("late", R"(,"expires_at":")" + format_rfc3339(now() + std::chrono::hours(1)) + "\"");
  submit("soon", R"(,"delay_ms":7200000)");
  advance("1h");
  EXPECT_EQ(status("late"), "failed");
  EXPECT_EQ(status("soon"), "scheduled");
  advance("1h");
  EXPECT_EQ(status("soon"), "unprocessed");
  EXPECT_EQ(lease(), "soon");
  post("/v1/leases/" + lease_ + "/complete", "{}");
  advance("6d");
  EXPECT_EQ(status("soon"), "completed");
  advance("25h");
  EXPECT_EQ(status("soon"), "404") << "kept for 7 days";
}

TEST_F(TestClock, RateLimitsRefill) {
  put("/v1/queues/q", R"({"rate":{"limit":1,"per_ms":20000}})");
  set_clock(R"({"freeze":true})");
  submit("a");
  submit("b");
  EXPECT_EQ(lease(), "a");
  EXPECT_EQ(lease(), "");
  advance("20s");
  EXPECT_EQ(lease(), "b");
}

TEST_F(TestClock, AWaitingWorkerIsServedByAnAdvance) {
  submit("a", R"(,"delay_ms":86400000)");
  auto worker = std::async(std::launch::async, [this] {
    return server_.client().post("/v1/queues/q/lease", R"({"worker":"w","wait_ms":25000})").body;
  });
  ASSERT_TRUE(wait_until([this] {
    const auto body = client_->get("/health/status");
    return body.json().find("workers").find("waiting").as_int() == 1;
  }));
  advance("1d");
  const auto answer = worker.get();
  EXPECT_NE(answer.find("\"id\":\"a\""), std::string::npos) << answer;
}

TEST_F(TestClock, StructuresExpireToo) {
  const auto found = [this] {
    return client_->get("/structures/short").json().find("found").as_bool();
  };
  post("/set/short/add", R"({"member":1})");
  post("/structures/short/expire", R"({"ttl":3600})");
  advance("59m");
  EXPECT_EQ(found(), true);
  advance("2m");
  EXPECT_EQ(found(), false);
}

TEST_F(TestClock, AFrozenTimeSurvivesKillAndRestart) {
  set_clock(R"({"freeze":true,"advance":"30d"})");
  const auto frozen = now();
  server_.kill();
  server_.start();
  client_.reset(new HttpClient(server_.client()));
  EXPECT_EQ(now(), frozen);
  submit("a");
  const auto created = client_->get("/v1/jobs/a").json().find("created_at").as_string();
  EXPECT_EQ(created, format_rfc3339(frozen));
  set_clock(R"({"freeze":false})");
  EXPECT_TRUE(wait_until([&] { return now() > frozen; }));
  EXPECT_LT(now(), frozen + std::chrono::hours(1));
}

TEST_F(TestClock, SaysSoAndTakesTheCommandLine) {
  EXPECT_EQ(client_->get("/health").json().find("clock").as_string(), "test");
  EXPECT_NE(server_.log().find("test_clock"), std::string::npos);
  EXPECT_EQ(server_.cli({"clock", "freeze"}).code, 0);
  const auto advanced = server_.cli({"clock", "advance", "2h", "--json"});
  EXPECT_EQ(advanced.code, 0) << advanced.err;
  EXPECT_NE(advanced.out.find("\"frozen\": true"), std::string::npos) << advanced.out;
  EXPECT_EQ(server_.cli({"clock", "advance", "soon"}).code, 2);
  EXPECT_NE(server_.cli({"clock", "show"}).out.find("ahead of real time, frozen"),
            std::string::npos);
}

TEST_F(TestClock, BadRequestsSayWhy) {
  for (const char* body : {"{}", R"({"advance":"-1h"})", R"({"advance":"11 years"})",
                           R"({"advance":"99999d"})", R"({"freeze":"yes"})", R"({"back":"1h"})"}) {
    const auto answer = client_->post("/v1/test/clock", body);
    EXPECT_TRUE(answer.status == 400 || answer.status == 422) << body << " " << answer.status;
  }
}

TEST_F(TestClock, ItsDataIsForTestClocksOnly) {
  server_.stop();
  const auto refused = run({.argv = {weir_binary(), "serve", "--http", "127.0.0.1:0", "--data-dir",
                                     server_.data_dir(), "--dev-no-auth"}});
  EXPECT_NE(refused.code, 0);
  EXPECT_NE(refused.err.find("written with a test clock"), std::string::npos) << refused.err;
}

TEST(TestClockLog, ARealLogRefusesTheTestClock) {
  WeirServer real;
  real.start();
  EXPECT_EQ(real.client().get("/v1/test/clock").status, 404);
  EXPECT_EQ(real.client().get("/health").json().find("clock").as_string(), "real");
  real.stop();
  const auto refused = run({.argv = {weir_binary(), "serve", "--http", "127.0.0.1:0", "--data-dir",
                                     real.data_dir(), "--dev-no-auth", "--test-clock"}});
  EXPECT_NE(refused.code, 0);
  EXPECT_NE(refused.err.find("written with real time"), std::string::npos) << refused.err;
}

}  // namespace
}  // namespace weir::test
