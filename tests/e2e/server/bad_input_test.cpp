// Whatever comes in: the documented error, and a server that goes on serving.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/server_suite.hpp"

namespace weir::test {
namespace {

class BadInputTest : public ServerSuite {
 protected:
  void TearDown() override {
    // After every case the server still does its work.
    const auto answer = server_->client().post("/v1/jobs", R"({"queue":"alive","type":"t"})");
    EXPECT_EQ(answer.status, 201) << answer.body << server_->log();
  }

  // Every error has the same envelope.
  static void expect_error(const HttpAnswer& answer, int status, const std::string& what) {
    EXPECT_EQ(answer.status, status) << what << ": " << answer.body;
    EXPECT_TRUE(answer.json().find("error").is_string()) << what << ": " << answer.body;
    EXPECT_TRUE(answer.json().find("reason").is_string()) << what << ": " << answer.body;
    EXPECT_EQ(answer.json().find("code").as_int(), status) << what << ": " << answer.body;
    EXPECT_FALSE(answer.header("X-Request-Id").empty()) << what;
  }
};

struct BodyCase {
  const char* name;
  std::string body;
  int status;
};

std::string job_with(const std::string& member) {
  return R"({"queue":"q","type":"t",)" + member + "}";
}

TEST_F(BadInputTest, SubmitBodies) {
  const std::string deep(100'000, '[');
  const BodyCase cases[] = {
      {"empty", "", 400},
      {"not JSON", "hello", 400},
      {"cut", R"({"queue":"q")", 400},
      {"an array", "[]", 400},
      {"deep", job_with("\"payload\":" + deep + std::string(100'000, ']')), 400},
      {"unbalanced deep", job_with("\"payload\":" + deep), 400},
      {"not UTF-8", job_with("\"payload\":\"\xff\xfe\""), 400},
      {"lone surrogate", job_with(R"("payload":"\ud800")"), 400},
      {"unknown field", job_with(R"("color":"red")"), 400},
      {"wrong type of queue", R"({"queue":7,"type":"t"})", 400},
      {"wrong type of priority", job_with(R"("priority":"high")"), 400},
      {"no queue", R"({"type":"t"})", 422},
      {"illegal queue name", R"({"queue":"a b","type":"t"})", 422},
      {"wildcard queue", R"({"queue":"a.*","type":"t"})", 422},
      {"long queue name", R"({"queue":")" + std::string(129, 'q') + R"(","type":"t"})", 422},
      {"empty queue name", R"({"queue":"","type":"t"})", 422},
      {"priority too high", job_with(R"("priority":10)"), 422},
      {"priority negative", job_with(R"("priority":-1)"), 422},
      {"attempts huge", job_with(R"("max_attempts":1e18)"), 422},
      {"attempts zero", job_with(R"("max_attempts":0)"), 422},
      {"lease negative", job_with(R"("lease_ms":-5)"), 422},
      {"number out of range", job_with(R"("lease_ms":1e999)"), 400},
      {"illegal id", job_with(R"("id":"a b")"), 422},
      {"bad time", job_with(R"("run_at":"tomorrow")"), 422},
  };
  auto client = server_->client();
  for (const auto& [name, body, status] : cases) {
    const auto answer = client.post("/v1/jobs", body);
    // A wrong JSON type may be told as malformed or as invalid; both name the field.
    const bool either =
        std::string(name).starts_with("wrong type") || std::string(name) == "no queue";
    if (either && (answer.status == 400 || answer.status == 422)) continue;
    expect_error(answer, status, name);
  }
}

TEST_F(BadInputTest, Payloads) {
  auto client = server_->client();
  EXPECT_EQ(client.post("/v1/jobs", job_with(R"("payload":"")")).status, 201);
  EXPECT_EQ(client.post("/v1/jobs", job_with(R"("payload":null)")).status, 201);
  const auto big =
      client.post("/v1/jobs", job_with("\"payload\":\"" + std::string(900U << 10U, 'x') + "\""));
  EXPECT_EQ(big.status, 201) << big.body;
  const auto id = big.json().find("id").as_string().value_or("");
  EXPECT_EQ(client.get("/v1/jobs/" + id).json().find("payload").raw().size(), (900U << 10U) + 2);
  expect_error(
      client.post("/v1/jobs", job_with("\"payload\":\"" + std::string(10U << 20U, 'x') + "\"")),
      413, "10 MB");
}

TEST_F(BadInputTest, RoutesAndMethods) {
  auto client = server_->client();
  expect_error(client.get("/v1/nothing"), 404, "unknown route");
  expect_error(client.get("/v1/jobs/no-such-job"), 404, "unknown job");
  expect_error(client.post("/v1/jobs/no-such-job/cancel", "{}"), 404, "cancel unknown job");
  expect_error(client.get("/v1/queues/no-such-queue"), 404, "unknown queue");
  const auto method = client.send("DELETE", "/v1/jobs", "");
  expect_error(method, 405, "wrong method");
  EXPECT_NE(method.header("Allow").find("POST"), std::string::npos);
  const auto lease = client.post("/v1/leases/not-a-lease/complete", "{}");
  EXPECT_TRUE(lease.status == 404 || lease.status == 409) << lease.body;
  expect_error(client.get("/v1/jobs?limit=0"), 422, "limit 0");
  expect_error(client.get("/v1/jobs?limit=x"), 422, "limit x");
  expect_error(client.send("POST", "/v1/jobs", "<job/>", {{"Content-Type", "text/xml"}}), 415,
               "content type");
}

TEST_F(BadInputTest, RawRequests) {
  struct Raw {
    const char* name;
    std::string bytes;
    const char* answer;  // how the answer starts; "" = the server may just close
  };
  const std::string host = "Host: x\r\n";
  const Raw cases[] = {
      {"garbage", "\x16\x03\x01 nonsense\r\n\r\n", ""},
      {"no version", "GET /live\r\n\r\n", ""},
      {"huge header",
       "GET /live HTTP/1.1\r\n" + host + "X: " + std::string(1U << 20U, 'x') + "\r\n\r\n",
       "HTTP/1.1 431"},
      {"two lengths",
       "POST /v1/jobs HTTP/1.1\r\n" + host + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
       "HTTP/1.1 400"},
      {"length and chunked",
       "POST /v1/jobs HTTP/1.1\r\n" + host +
           "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       "HTTP/1.1 400"},
      {"negative length", "POST /v1/jobs HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n",
       "HTTP/1.1 400"},
  };
  for (const auto& [name, bytes, answer] : cases) {
    const auto got = exchange_raw(server_->port(), bytes, std::chrono::seconds(2));
    EXPECT_TRUE(got.starts_with(answer)) << name << ": " << got.substr(0, 200);
  }
}

TEST_F(BadInputTest, AThousandOpenConnections) {
  // Idle connections, each with half a request: nobody else may notice.
  const std::string half = "GET /live HTTP/1.1\r\nHost: x\r\n";
  OpenConnections idle(server_->port(), 1'000, half);
  EXPECT_EQ(idle.size(), 1'000U);
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(server_->client().get("/v1/jobs?limit=1").status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
}

}  // namespace
}  // namespace weir::test
