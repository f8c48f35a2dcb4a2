// Large payloads through the built program, on every nats-server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using testing::HasSubstr;

std::string big(char fill) {
  return "\"" + std::string(5U << 20U, fill) + "\"";
}

class LargePayloadsOnNats : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { nats_.start(); }
  WeirOptions joined(const std::string& key = "") { return {.key = key, .nats_url = nats_.url()}; }
  NatsServer nats_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Versions, LargePayloadsOnNats, testing::ValuesIn(nats_server_programs()),
                         version_name);

std::int64_t chunks(WeirServer& server) {
  const auto answer = server.client().get("/health/status");
  for (const auto stream : answer.json().find("streams").elements()) {
    if (stream.find("name").as_string() == "WEIR_BLOBS") {
      return stream.find("messages").as_int().value_or(-1);
    }
  }
  return -1;
}

TEST_P(LargePayloadsOnNats, SurviveCoordinatorsAndAreForgottenWithTheJob) {
  auto first = std::make_unique<WeirServer>(joined());
  first->start();
  const auto made =
      first->client().post("/v1/jobs", R"({"id":"big","queue":"q","payload":)" + big('p') + "}");
  ASSERT_EQ(made.status, 201) << made.body.substr(0, 400);
  WeirServer second(joined(first->key()));
  second.start();
  auto client = second.client();
  ASSERT_TRUE(wait_until([&] { return client.get("/v1/jobs/big").status == 200; }));
  first->kill();  // the leader, perhaps in the middle of something
  first.reset();
  const auto leased = client.post("/v1/queues/q/lease", R"({"worker":"w"})");
  ASSERT_EQ(leased.status, 200) << leased.body.substr(0, 400);
  std::string lease;
  for (const auto job : leased.json().find("jobs").elements()) {
    EXPECT_EQ(job.find("payload").raw(), big('p'));
    lease = job.find("lease").as_string().value_or("");
  }
  const auto done =
      client.post("/v1/leases/" + lease + "/complete", "{\"result\":" + big('r') + "}");
  EXPECT_EQ(done.status, 200) << done.body.substr(0, 400);
  second.stop();
  second.start();
  EXPECT_EQ(client.get("/v1/jobs/big").json().find("result").raw().size(), big('r').size());
  EXPECT_EQ(client.send("DELETE", "/v1/jobs/big", "").status, 200);
  EXPECT_TRUE(wait_until([&] { return chunks(second) == 0; }, std::chrono::seconds(60)))
      << chunks(second);
}

TEST_P(LargePayloadsOnNats, AreRefusedWhileNatsIsAway) {
  WeirServer server(joined());
  server.start();
  auto client = server.client();
  ASSERT_EQ(
      client.post("/v1/jobs", R"({"id":"big","queue":"q","payload":)" + big('p') + "}").status,
      201);
  nats_.kill();
  ASSERT_TRUE(wait_until([&] { return client.get("/health/status").status == 503; }));
  const auto away = client.post("/v1/jobs", R"({"queue":"q","payload":)" + big('p') + "}");
  EXPECT_EQ(away.status, 503) << away.body.substr(0, 400);
  EXPECT_THAT(away.body, HasSubstr("large_payload_unavailable"));
  EXPECT_EQ(client.post("/v1/jobs", R"({"id":"small","queue":"q","payload":1})").status, 202);
  EXPECT_THAT(client.get("/v1/jobs/big").body, HasSubstr("large_payload_unavailable"));
  nats_.start();
  ASSERT_TRUE(wait_until([&] { return client.get("/v1/jobs/big").status == 200; }));
}

TEST(LargePayloads, AreBoundedByTheSetting) {
  WeirServer server({.flags = {"--max-payload-bytes", "2MiB"}});
  server.start();
  auto client = server.client();
  const std::string longer = "\"" + std::string(2U << 20U, 'l') + "\"";
  const auto refused = client.post("/v1/jobs", R"({"queue":"q","payload":)" + longer + "}");
  EXPECT_EQ(refused.status, 413) << refused.body.substr(0, 400);
  EXPECT_THAT(refused.body, HasSubstr("payload_too_large"));
  const std::string fits = "\"" + std::string((2U << 20U) - 2, 'f') + "\"";
  EXPECT_EQ(client.post("/v1/jobs", R"({"queue":"q","payload":)" + fits + "}").status, 201);
}

}  // namespace
}  // namespace weir::test
