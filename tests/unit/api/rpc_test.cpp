// POST /api/v1/command: frames, credentials and refusals as the wire shows them.
#include "pkg/base/base64.hpp"
#include "tests/unit/api/api_fixture.hpp"

namespace weir::api {
namespace {

class RpcTest : public ApiTest {
 protected:
  std::shared_ptr<Client> command(const std::string& frame, const Headers& headers = {}) {
    return ask("POST", "/api/v1/command", frame, headers);
  }
};

TEST_F(RpcTest, TheSeedsStats) {
  const auto client = command(R"({"command":"admin.stats","request_id":"r-1"})");
  EXPECT_EQ(client->status(), 200);
  const Json body = client->body();
  EXPECT_EQ(body["type"], "response");
  EXPECT_EQ(body["request_id"], "r-1");
  EXPECT_EQ(body["status"], "success");
  EXPECT_EQ(body["success"], true);
  const Json& payload = body["payload"];
  EXPECT_TRUE(payload["server"]["version"].is_string());
  EXPECT_TRUE(payload["server"]["uptime_secs"].is_number_integer());
  for (const auto* path :
       {"/memory/used_bytes", "/memory/limit_bytes", "/kv/total_keys", "/kv/operations_per_sec",
        "/queues/total_queues", "/queues/total_messages", "/streams/total_rooms",
        "/streams/total_subscribers", "/pubsub/total_topics", "/pubsub/total_subscribers"}) {
    EXPECT_TRUE(payload.contains(Json::json_pointer(path))) << path;
  }
}

TEST_F(RpcTest, HealthIsTheHealthDocument) {
  const Json payload = command(R"({"command":"admin.health"})")->body()["payload"];
  EXPECT_EQ(payload["status"], get("/health")->body()["status"]);
  EXPECT_TRUE(payload["components"].is_object());
}

TEST_F(RpcTest, ReplicationStatusKnowsThisOneWithoutNats) {
  const Json payload = command(R"({"command":"replication.status"})")->body()["payload"];
  EXPECT_TRUE(payload["role"] == "leader" || payload["role"] == "follower");
  for (const char* name : {"applied", "log_last", "lag_entries", "lag_ms"}) {
    EXPECT_TRUE(payload[name].is_number_integer()) << name;
  }
  ASSERT_EQ(payload["replicas"].size(), 1U);
  EXPECT_EQ(payload["replicas"][0]["id"], payload["id"]);
  EXPECT_TRUE(payload["replicas"][0]["last_seen"].is_string());
}

TEST_F(RpcTest, OperatorsCommandsWantTheScopeAdmin) {
  const auto key = make_key(R"(["health:read"])");
  for (const char* name : {"admin.config", "admin.shutdown"}) {
    const auto refused = command(R"({"command":")" + std::string(name) + R"("})", as(key));
    EXPECT_EQ(refused->status(), 403) << name;
    EXPECT_EQ(refused->body()["error"]["code"], "FORBIDDEN") << name;
  }
  EXPECT_EQ(command(R"({"command":"admin.shutdown"})")->body()["error"]["code"],
            "SERVICE_UNAVAILABLE")
      << "nobody runs this API";
}

TEST_F(RpcTest, CredentialsInEveryForm) {
  const std::string frame = R"({"command":"admin.health"})";
  EXPECT_EQ(command(frame, {{"authorization", "Bearer " + admin_}})->status(), 200);
  EXPECT_EQ(command(frame, {{"x-api-key", admin_}})->status(), 200);
  EXPECT_EQ(command(frame, {{"authorization", "Basic " + base64_encode("u:" + admin_)}})->status(),
            200);
  const Headers none = {{"authorization", "None"}};
  EXPECT_EQ(ask("POST", "/api/v1/command?api_key=" + admin_, frame, none)->status(), 200);
  EXPECT_EQ(ask("POST", "/api/v1/command", frame, none)->status(), 401);
  EXPECT_EQ(ask("GET", "/v1/jobs?api_key=" + admin_, "", none)->status(), 401)
      << "only where no header can be sent";
}

TEST_F(RpcTest, RefusalsHaveTheFrameAndTheStatus) {
  const auto wrong = command(R"({"command":"admin.health"})", {{"x-api-key", "nonsense"}});
  EXPECT_EQ(wrong->status(), 401);
  EXPECT_EQ(wrong->body()["type"], "response");
  EXPECT_EQ(wrong->body()["success"], false);
  EXPECT_EQ(wrong->body()["error"]["code"], "UNAUTHORIZED");
  EXPECT_NE(wrong->header("WWW-Authenticate"), "");

  const auto poor = command(R"({"command":"admin.health"})", as(make_key(R"(["pubsub"])")));
  EXPECT_EQ(poor->status(), 403);
  EXPECT_EQ(poor->body()["error"]["code"], "FORBIDDEN");

  const auto unknown = command(R"({"command":"no.such","request_id":"r"})");
  EXPECT_EQ(unknown->status(), 400);
  EXPECT_EQ(unknown->body()["error"]["code"], "INVALID_COMMAND");
  EXPECT_EQ(unknown->body()["request_id"], "r");
  EXPECT_EQ(command("not json")->body()["error"]["code"], "INVALID_REQUEST");
}

TEST_F(RpcTest, TheFrontsOwnErrorsHaveTheFrameToo) {
  for (const auto& route : routes_) {
    if (route.pattern != "/api/v1/command") continue;
    ASSERT_TRUE(route.error_response);
    const auto response =
        route.error_response({Code::too_large, "body_too_large", "Too large.", "16 MiB"}, "req");
    EXPECT_EQ(response.status, 413);
    EXPECT_EQ(Json::parse(response.body)["error"]["code"], "PAYLOAD_TOO_LARGE");
    return;
  }
  FAIL() << "no such route";
}

TEST_F(RpcTest, ABatchMayMix) {
  const auto client = command(R"({"type":"batch","request_id":"batch-001","commands":[
      {"command":"admin.health"},{"command":"no.such"}]})");
  EXPECT_EQ(client->status(), 200);
  const Json body = client->body();
  EXPECT_EQ(body["type"], "batch_response");
  EXPECT_EQ(body["request_id"], "batch-001");
  EXPECT_EQ(body["results"][0]["status"], "success");
  EXPECT_EQ(body["results"][1]["error"]["code"], "INVALID_COMMAND");
}

TEST_F(RpcTest, NatsThatIsAwayIs503AtOnce) {
  const auto get = command(R"({"command":"kv.get","payload":{"key":"k"}})");
  EXPECT_EQ(get->status(), 503);
  EXPECT_EQ(get->body()["error"]["code"], "SERVICE_UNAVAILABLE");
  EXPECT_NE(get->header("Retry-After"), "");
  for (const char* path : {"/v1/kv", "/v1/kv/b", "/v1/kv/b/k"}) {
    const auto client = this->get(path);
    EXPECT_EQ(client->status(), 503) << path;
    EXPECT_NE(client->header("Retry-After"), "") << path;
  }
  EXPECT_EQ(post("/kv/get", R"({"key":"k"})")->status(), 503);
  EXPECT_EQ(post("/kv/get", R"({"kye":"k"})")->status(), 422) << "what is wrong is said first";
  EXPECT_EQ(post("/kv/get", "[]")->status(), 422);
}

}  // namespace
}  // namespace weir::api
