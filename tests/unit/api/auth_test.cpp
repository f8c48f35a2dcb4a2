// Authorization and body checks, as every command gets them from the gateway.
#include <algorithm>

#include "api/core/key_attempts.hpp"
#include "pkg/base/base64.hpp"
#include "pkg/base/time_text.hpp"
#include "tests/unit/api/api_fixture.hpp"

namespace weir::api {
namespace {

using testing::HasSubstr;

class AuthTest : public ApiTest {};

TEST_F(AuthTest, CredentialsAreTakenFromEitherHeader) {
  const Headers cases[] = {{{"authorization", "Bearer " + admin_}},
                           {{"authorization", "bearer   " + admin_}},
                           {{"authorization", "BEARER " + admin_}},
                           {{"authorization", "Basic " + base64_encode("weir:" + admin_)}},
                           {{"x-api-key", admin_}}};
  for (const auto& headers : cases) {
    EXPECT_EQ(ask("GET", "/v1/keys", "", headers)->status(), 200) << headers[0].second;
  }
}

TEST_F(AuthTest, BadCredentialsAre401) {
  struct Case {
    Headers headers;
    const char* reason;
  };
  const Case cases[] = {{{{"authorization", "Basic dXNlcg=="}}, "missing_credentials"},
                        {{{"authorization", "Basic dXNlcjpwYXNz"}}, "bad_api_key"},
                        {{{"authorization", "Digest x"}}, "missing_credentials"},
                        {{{"authorization", "Bearer "}}, "missing_credentials"},
                        {{{"authorization", "Bearer nonsense"}}, "bad_api_key"},
                        {{{"x-api-key", admin_ + "0"}}, "bad_api_key"}};
  for (const auto& c : cases) {
    const auto client = ask("GET", "/v1/jobs", "", c.headers);
    EXPECT_EQ(client->status(), 401);
    EXPECT_EQ(client->reason(), c.reason);
    EXPECT_THAT(client->header("WWW-Authenticate"), HasSubstr("Bearer"));
  }
}

TEST_F(AuthTest, WrongKeysAreLimited) {
  const auto other = make_key(R"(["health:read"])");
  for (int i = 0; i < KeyAttempts::kBurst; ++i) {
    EXPECT_EQ(ask("GET", "/v1/jobs", "", as(admin_ + "0"))->reason(), "bad_api_key");
    EXPECT_EQ(ask("GET", "/health/status", "", as(other))->status(), 200);
  }
  const auto refused = ask("GET", "/v1/jobs", "", as("nonsense"));
  EXPECT_EQ(refused->status(), 429);
  EXPECT_EQ(refused->reason(), "too_many_wrong_keys");
  EXPECT_GE(std::stoi(refused->header("Retry-After")), 1);
  EXPECT_EQ(ask("GET", "/v1/jobs", "", as(admin_))->status(), 429) << "a guess tells nothing";
  EXPECT_EQ(ask("GET", "/health/status", "", as(other))->status(), 200) << "was right before";
  EXPECT_EQ(get("/health")->status(), 200) << "needs no key";
}

TEST_F(AuthTest, EveryScopedRouteRefusesAKeyWithoutItsScope) {
  constexpr const char* kScoped[] = {"/v1/",  "/admin/",     "/hash/",      "/list/",
                                     "/set/", "/sortedset/", "/structures", "/memory/",
                                     "/kv/",  "/pubsub/"};
  const auto key = make_key(R"(["health:read"])");
  int scoped = 0;
  for (const auto& route : routes_) {
    const auto client = ask(route.method, route.pattern, "", as(key));
    const bool is_scoped =
        std::any_of(std::begin(kScoped), std::end(kScoped),
                    [&](const char* prefix) { return route.pattern.starts_with(prefix); });
    if (is_scoped) {
      ++scoped;
      EXPECT_EQ(client->status(), 403) << route.pattern;
      EXPECT_EQ(client->reason(), "missing_scope") << route.pattern;
      EXPECT_THAT(client->wait().body, HasSubstr("needs: "));
    } else {
      EXPECT_NE(client->status(), 403) << route.pattern;
    }
  }
  EXPECT_GT(scoped, 25);
  const auto other = make_key(R"(["kv:read"])");
  EXPECT_EQ(ask("GET", "/health/status", "", as(other))->status(), 403);
}

TEST_F(AuthTest, PublicRoutesNeedNoKey) {
  for (const char* path : {"/health", "/ready", "/live", "/stats", "/metrics", "/openapi.json",
                           "/docs", "/api/metrics/prometheus"}) {
    EXPECT_EQ(ask("GET", path, "", as("nonsense"))->status(), 200) << path;
  }
}

TEST_F(AuthTest, RevokedAndRotatedKeysStop) {
  const auto key = make_key(R"(["jobs:read"])");
  const std::string id = key.substr(5, auth::kKeyIdDigits);
  EXPECT_EQ(ask("GET", "/v1/jobs", "", as(key))->status(), 200);
  const auto rotated = post("/v1/keys/" + id + "/rotate");
  ASSERT_EQ(rotated->status(), 200);
  const std::string fresh = rotated->body()["key"];
  EXPECT_EQ(ask("GET", "/v1/jobs", "", as(key))->reason(), "bad_api_key");
  EXPECT_EQ(ask("GET", "/v1/jobs", "", as(fresh))->status(), 200);
  EXPECT_EQ(ask("DELETE", "/v1/keys/" + id)->status(), 200);
  EXPECT_EQ(ask("GET", "/v1/jobs", "", as(fresh))->reason(), "bad_api_key");
  EXPECT_EQ(post("/v1/keys/" + id + "/rotate")->reason(), "key_revoked");
}

TEST_F(AuthTest, AKeyExpires) {
  const auto soon = format_rfc3339(clock_.wall() + Millis{150});
  const auto key = make_key(R"(["jobs:read"])", R"(,"expires_at":")" + soon + "\"");
  expect_eventually([&] { return ask("GET", "/v1/jobs", "", as(key))->status() == 401; },
                    "never expired");
  EXPECT_EQ(ask("GET", "/v1/jobs", "", as(key))->reason(), "expired_api_key");
}

TEST_F(AuthTest, AnUnknownKeyWhileCatchingUpMayBeKnownLater) {
  instance_->set_catching_up(true);
  const auto client = ask("GET", "/v1/jobs", "", as("weir_unknown"));
  EXPECT_EQ(client->status(), 503);
  EXPECT_EQ(client->reason(), "catching_up");
}

TEST_F(AuthTest, WithoutAuthEverybodyIsAdminAndHealthSaysSo) {
  EXPECT_EQ(get("/health")->body()["auth"], "keys");
  make_api({.auth = AuthMode::off});
  EXPECT_EQ(ask("GET", "/v1/keys", "", as("nonsense"))->status(), 200);
  EXPECT_EQ(get("/health")->body()["auth"], "off");
}

TEST_F(AuthTest, BodiesAreChecked) {
  struct Case {
    const char* path;
    std::string body;
    const char* type;
    int status;
    const char* reason;
  };
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  const Case cases[] = {
      {"/v1/jobs", "", "application/json", 400, "body_required"},
      {"/v1/jobs", "{", "application/json", 400, "invalid_json"},
      {"/v1/jobs", "\xff", "application/json", 400, "invalid_json"},
      {"/v1/jobs", deep, "application/json", 400, "json_too_deep"},
      {"/v1/jobs", "[]", "application/json", 400, "body_not_object"},
      {"/v1/jobs", "{}", "text/plain", 415, "unsupported_content_type"},
      {"/v1/jobs", "{}", "application/x-ndjson", 415, "unsupported_content_type"},
      {"/v1/jobs/batch", "{}", "application/xml", 415, "unsupported_content_type"},
      {"/v1/jobs", R"({"surprise":1})", "application/json; charset=utf-8", 400, "unknown_field"},
      {"/v1/jobs", R"({"queue":7,"type":"t"})", "Application/JSON", 400, "wrong_type"},
      {"/v1/jobs", R"({"queue":"..","type":"t"})", "application/json", 422, "invalid_job"},
  };
  for (const auto& c : cases) {
    const auto client = ask("POST", c.path, c.body, {{"content-type", c.type}});
    EXPECT_EQ(client->status(), c.status) << c.body.substr(0, 40);
    EXPECT_EQ(client->reason(), c.reason) << client->wait().body;
  }
}

TEST_F(AuthTest, UnknownQueryParametersAreRefused) {
  const auto client = get("/v1/jobs?statsu=failed");
  EXPECT_EQ(client->status(), 400);
  EXPECT_EQ(client->reason(), "unknown_parameter");
  EXPECT_THAT(client->wait().body, HasSubstr("statsu"));
}

TEST_F(AuthTest, MinRevisionIsWaitedFor) {
  const auto made = post("/v1/jobs", R"({"queue":"q","type":"t"})");
  const auto revision = made->header("Weir-Revision");
  ASSERT_FALSE(revision.empty());
  const auto ask_at = [&](const std::string& text) {
    return ask("GET", "/v1/jobs", "", {{"weir-min-revision", text}});
  };
  const auto seen = ask_at(revision);
  EXPECT_EQ(seen->status(), 200);
  EXPECT_EQ(seen->header("Weir-Revision"), revision);
  EXPECT_EQ(ask_at("999999")->status(), 504);
  EXPECT_EQ(ask_at("soon")->reason(), "bad_min_revision");
}

TEST_F(AuthTest, WithoutNatsWritesAre503AndReadsGoOn) {
  instance_->set_connected(false);
  const auto refused = post("/v1/jobs", R"({"queue":"q","type":"t"})");
  EXPECT_EQ(refused->status(), 503);
  EXPECT_EQ(refused->reason(), "nats_unavailable");
  EXPECT_EQ(refused->header("Retry-After"), "1");
  EXPECT_EQ(get("/v1/jobs")->status(), 200);
}

}  // namespace
}  // namespace weir::api
