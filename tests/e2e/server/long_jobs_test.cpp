// Long jobs over HTTP and with `weir work`: log lines, progress, checkpoints, cancelling.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using json::View;
using testing::HasSubstr;

class LongJobsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = new WeirServer();
    server_->start();
  }
  static void TearDownTestSuite() {
    EXPECT_EQ(server_->stop(), 0);
    delete server_;
    server_ = nullptr;
  }

  std::string submit(const std::string& body) {
    const auto answer = client_.post("/v1/jobs", body);
    EXPECT_EQ(answer.status, 201) << answer.body;
    return answer.json().find("id").as_string().value_or("");
  }
  // One leased job of a queue: its body.
  std::string lease(const std::string& queue) {
    const auto answer = client_.post("/v1/queues/" + queue + "/lease",
                                     R"({"worker":"w","wait_ms":5000,"lease_ms":"1m"})");
    EXPECT_EQ(answer.status, 200) << answer.body;
    for (const View job : answer.json().find("jobs").elements()) return std::string(job.raw());
    return "{}";
  }
  std::string lease_token(const std::string& queue) { return member(lease(queue), "lease"); }
  static std::string member(const std::string& json, std::string_view name) {
    const auto value = View(json).find(name);
    return value.as_string().value_or(std::string(value.raw()));
  }
  HttpAnswer report(const std::string& token, const std::string& verb, const std::string& body) {
    return client_.post("/v1/leases/" + token + "/" + verb, body);
  }
  std::string job(const std::string& id) { return client_.get("/v1/jobs/" + id).body; }

  static WeirServer* server_;
  HttpClient client_ = server_->client();
};

WeirServer* LongJobsTest::server_ = nullptr;

TEST_F(LongJobsTest, LogLinesOfEveryReportAreKept) {
  const auto id = submit(R"({"queue":"logs","backoff":{"kind":"fixed","delay_ms":0}})");
  auto token = lease_token("logs");
  EXPECT_EQ(report(token, "heartbeat", R"({"log":"one"})").status, 200);
  EXPECT_EQ(
      report(token, "fail", R"({"error":"no","log":[{"level":"error","message":"two"}]})").status,
      200);
  token = lease_token("logs");
  const auto work = client_.post("/v1/work", R"({"worker":"w","heartbeat":[{"lease":")" + token +
                                                 R"(","log":["three","four"]}]})");
  EXPECT_EQ(work.status, 200) << work.body;
  const auto page = client_.get("/v1/jobs/" + id + "/logs?limit=3");
  EXPECT_EQ(page.status, 200) << page.body;
  EXPECT_THAT(page.body, HasSubstr(R"("attempt":1,"level":"error","message":"two")"));
  EXPECT_EQ(member(page.body, "next_cursor"), "3");
  const auto rest = client_.get("/v1/jobs/" + id + "/logs?cursor=3");
  EXPECT_THAT(rest.body, HasSubstr(R"("line":4)"));
  EXPECT_THAT(client_.get("/v1/jobs/" + id + "/logs?attempt=1").body,
              testing::Not(HasSubstr("three")));
  EXPECT_EQ(client_.get("/v1/jobs/none/logs").status, 404);
  EXPECT_EQ(client_.get("/v1/jobs/" + id + "/logs?attempt=x").status, 400);
  const auto bad = report(token, "heartbeat", R"({"log":[{"level":"loud","message":""}]})");
  EXPECT_EQ(bad.status, 422);
  EXPECT_THAT(bad.body, HasSubstr(R"("field":"log[0].level")"));
  EXPECT_THAT(bad.body, HasSubstr(R"("field":"log[0].message")"));
}

TEST_F(LongJobsTest, WorkForwardsStandardErrorAndJobLogsFollows) {
  const auto id = submit(R"({"queue":"shell","payload":7})");
  const TempDir directory;
  Child follower(
      {.argv = {weir_binary(), "job", "logs", id, "--follow", "--server", server_->url()},
       .env = {{"WEIR_API_KEY", server_->key()}},
       .output_file = directory.file("log")});
  const auto worked = server_->cli(
      {"work", "--queue", "shell", "--once", "--exec", "echo working on $(cat) >&2; echo 14"});
  EXPECT_EQ(worked.code, 0) << worked.err;
  EXPECT_EQ(follower.wait(), 0);
  std::ifstream followed(directory.file("log"));
  std::string line;
  EXPECT_TRUE(std::getline(followed, line));
  EXPECT_THAT(line, HasSubstr("#1  info   working on 7"));
  const auto shown = server_->cli({"job", "logs", id});
  EXPECT_THAT(shown.out, HasSubstr("#1  info   working on 7"));
  EXPECT_EQ(server_->cli({"job", "logs", "nobody"}).code, 3);
}

}  // namespace
}  // namespace weir::test
