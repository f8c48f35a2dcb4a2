// How many requests keys, and addresses without one, may make.
#include "tests/unit/api/api_fixture.hpp"

namespace weir::api {
namespace {

using testing::HasSubstr;

class RequestLimitsTest : public ApiTest {
 protected:
  std::shared_ptr<Client> anonymous(const std::string& path) {
    return ask("GET", path, "", {{"authorization", "none"}});
  }
};

TEST_F(RequestLimitsTest, AKeyWithARateIsToldAndRefusedBeyondIt) {
  const auto key = make_key(R"(["jobs:read"])", R"(,"rate":{"limit":3,"per_ms":60000})");
  const auto before = to_unix_ms(clock_.wall()) / 1000;
  for (int left = 2; left >= 0; --left) {
    const auto client = ask("GET", "/v1/jobs", "", as(key));
    EXPECT_EQ(client->status(), 200);
    EXPECT_EQ(client->header("X-RateLimit-Limit"), "3");
    EXPECT_EQ(client->header("X-RateLimit-Remaining"), std::to_string(left));
    const auto reset = std::stoll(client->header("X-RateLimit-Reset"));
    EXPECT_GT(reset, before);
    EXPECT_LE(reset, before + 70);
  }
  const auto refused = ask("GET", "/v1/jobs", "", as(key));
  EXPECT_EQ(refused->status(), 429);
  EXPECT_EQ(refused->reason(), "rate_limit_exceeded");
  EXPECT_EQ(refused->header("X-RateLimit-Remaining"), "0");
  EXPECT_GE(std::stoi(refused->header("Retry-After")), 1);
  EXPECT_LE(std::stoi(refused->header("Retry-After")), 60);

  const auto other = get("/v1/jobs");
  EXPECT_EQ(other->status(), 200) << "each key for itself";
  EXPECT_EQ(other->header("X-RateLimit-Limit"), "");
}

TEST_F(RequestLimitsTest, RefusalsOfTheCommandApiHaveItsLook) {
  const auto key = make_key(R"(["admin"])", R"(,"rate":{"limit":1,"per_ms":"1h"})");
  const std::string frame = R"({"command":"admin.health","request_id":"r1"})";
  EXPECT_EQ(ask("POST", "/api/v1/command", frame, as(key))->status(), 200);
  const auto refused = ask("POST", "/api/v1/command", frame, as(key));
  EXPECT_EQ(refused->status(), 429);
  EXPECT_EQ(refused->body()["status"], "error");
  EXPECT_EQ(refused->body()["error"]["code"], "RATE_LIMIT_EXCEEDED");
  EXPECT_THAT(refused->body()["error"]["message"].get<std::string>(),
              HasSubstr("Rate limit exceeded. Try again in "));
  EXPECT_EQ(refused->header("X-RateLimit-Limit"), "1");
}

TEST_F(RequestLimitsTest, ARefusedRequestChangesNothing) {
  const auto key = make_key(R"(["jobs:write"])", R"(,"rate":{"limit":1})");
  const std::string job = R"({"queue":"q","type":"t"})";
  EXPECT_EQ(ask("POST", "/v1/jobs", job, as(key))->status(), 201);
  EXPECT_EQ(ask("POST", "/v1/jobs", job, as(key))->status(), 429);
  EXPECT_EQ(get("/v1/jobs")->body()["total_items"], 1);
}

TEST_F(RequestLimitsTest, WithoutAKeyHealthIsLimitedByAddress) {
  EXPECT_EQ(get("/health")->header("X-RateLimit-Limit"), "") << "who has a key is not counted";
  for (int i = 0; i < 60; ++i) ASSERT_EQ(anonymous("/health")->status(), 200);
  const auto refused = anonymous("/health");
  EXPECT_EQ(refused->status(), 429);
  const auto body = refused->body();
  EXPECT_EQ(body["error"], "Rate limit exceeded");
  EXPECT_EQ(body["limit"], 60);
  EXPECT_EQ(body["window"], "1m");
  EXPECT_GE(body["retryAfter"], 1);
  EXPECT_LE(body["retryAfter"], 60);
  EXPECT_EQ(refused->header("Retry-After"), std::to_string(body["retryAfter"].get<int>()));
  EXPECT_EQ(get("/health")->status(), 200) << "who has a key is not limited";
  EXPECT_EQ(anonymous("/live")->status(), 200);
  EXPECT_EQ(anonymous("/stats")->header("X-RateLimit-Limit"), "30") << "counted by itself";
}

TEST_F(RequestLimitsTest, AreSharedByWhatIsBelowAPath) {
  RequestLimits limits({.health = 5, .stats = 0, .admin = 2}, clock_);
  EXPECT_EQ(limits.shared_limit("/health")->allowance.limit, 5);
  EXPECT_FALSE(limits.shared_limit("/stats")) << "turned off";
  EXPECT_EQ(limits.shared_limit("/admin/rooms")->name, "admin");
  EXPECT_EQ(limits.shared_limit("/admin/rooms/cleanup")->name, "admin");
  for (const char* path : {"/ready", "/live", "/health/status", "/v1/jobs", "/metrics"}) {
    EXPECT_FALSE(limits.shared_limit(path)) << path;
  }
}

TEST_F(RequestLimitsTest, BadRatesOfKeysAreRefused) {
  struct Case {
    const char* rate;
    const char* field;
  };
  constexpr Case kCases[] = {{R"({})", "rate.limit"},
                             {R"({"limit":0})", "rate.limit"},
                             {R"({"limit":1.5})", "rate.limit"},
                             {R"({"limit":"3"})", "rate.limit"},
                             {R"({"limit":1000000001})", "rate.limit"},
                             {R"({"limit":1,"per_ms":999})", "rate.per_ms"},
                             {R"({"limit":1,"per_ms":"2d"})", "rate.per_ms"},
                             {R"({"limit":1,"per_ms":"soon"})", "rate.per_ms"},
                             {R"({"limit":1,"burst":2})", "rate.burst"},
                             {R"("fast")", "rate.limit"}};
  for (const auto& c : kCases) {
    const auto client =
        post("/v1/keys", R"({"name":"k","scopes":["admin"],"rate":)" + std::string(c.rate) + "}");
    EXPECT_EQ(client->status(), 422) << c.rate;
    EXPECT_EQ(client->body()["fields"][0]["field"], c.field) << c.rate;
  }
}

TEST_F(RequestLimitsTest, TheRateIsShownAndKept) {
  const auto made =
      post("/v1/keys", R"({"name":"k","scopes":["admin"],"rate":{"limit":7,"per_ms":"2m"}})");
  EXPECT_EQ(made->body()["rate"], Json::parse(R"({"limit":7,"per_ms":120000})"));
  const Json page = get("/v1/keys")->body();
  for (const auto& key : page["items"]) {
    EXPECT_EQ(key["rate"].is_null(), key["id"] != made->body()["id"]) << key;
  }
}

}  // namespace
}  // namespace weir::api
