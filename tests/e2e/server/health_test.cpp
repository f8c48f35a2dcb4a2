// What an operator watches: /health, /health/status, /ready and /live of the running binary.
#include <gtest/gtest.h>

#include <chrono>

#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using json::Kind;
using json::View;

struct Field {
  const char* path;  // members with dots
  Kind kind;
};

View at_path(View view, std::string_view path) {
  while (!path.empty()) {
    const auto dot = path.find('.');
    view = view.find(path.substr(0, dot));
    path = dot == std::string_view::npos ? "" : path.substr(dot + 1);
  }
  return view;
}

void expect_fields(const View& body, std::initializer_list<Field> fields) {
  for (const auto& [path, kind] : fields) {
    EXPECT_EQ(at_path(body, path).kind(), kind) << path << " of " << body.raw();
  }
}

// Every field and type of the published body, whatever the state of the server.
void expect_status_body(const View& body) {
  expect_fields(body, {{"status", Kind::string},
                       {"components", Kind::object},
                       {"version", Kind::string},
                       {"uptime", Kind::string},
                       {"nats.url", Kind::string},
                       {"nats.version", Kind::string},
                       {"streams", Kind::array},
                       {"kv_buckets", Kind::array},
                       {"jobs.total", Kind::number},
                       {"jobs.unprocessed", Kind::number},
                       {"jobs.failed", Kind::number},
                       {"jobs.processing", Kind::number},
                       {"jobs.dlq", Kind::number},
                       {"jobs.completed", Kind::number},
                       {"jobs.blocked", Kind::number},
                       {"jobs.scheduled", Kind::number},
                       {"jobs.cancelled", Kind::number}});
  for (const json::Member& component : body.find("components").members()) {
    EXPECT_TRUE(component.value.find("status").is_string()) << component.raw_key;
  }
  for (const View stream : body.find("streams").elements()) {
    expect_fields(stream, {{"name", Kind::string},
                           {"messages", Kind::number},
                           {"bytes", Kind::number},
                           {"consumers", Kind::number}});
  }
  for (const View bucket : body.find("kv_buckets").elements()) {
    expect_fields(bucket,
                  {{"name", Kind::string}, {"keys", Kind::number}, {"bytes", Kind::number}});
  }
}

TEST(Health, StatusHasEveryFieldWithTrueNumbers) {
  WeirServer server;
  server.start();
  auto client = server.client();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(client.post("/v1/jobs", R"({"queue":"q","type":"t"})").status, 201);
  }
  const auto leased = client.post("/v1/queues/q/lease", R"({"worker":"w","max":1})");
  ASSERT_EQ(leased.status, 200) << leased.body;

  const auto answer = client.get("/health/status");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const View body = answer.json();
  expect_status_body(body);
  EXPECT_EQ(body.find("status").as_string(), "ok");
  EXPECT_EQ(at_path(body, "jobs.total").as_int(), 3);
  EXPECT_EQ(at_path(body, "jobs.unprocessed").as_int(), 2);
  EXPECT_EQ(at_path(body, "jobs.processing").as_int(), 1);
  bool log_stream = false;
  for (const View stream : body.find("streams").elements()) {
    if (stream.find("name").as_string() != "JOBS") continue;
    log_stream = true;
    EXPECT_GE(stream.find("messages").as_int().value_or(0), 1);
    EXPECT_GT(stream.find("bytes").as_int().value_or(0), 0);
  }
  EXPECT_TRUE(log_stream) << answer.body;
}

TEST(Health, StatusNeedsAKeyWithItsScope) {
  WeirServer server;
  server.start();
  const auto none = server.anonymous().get("/health/status");
  EXPECT_EQ(none.status, 401);
  EXPECT_TRUE(none.json().find("error").is_string()) << none.body;
  EXPECT_TRUE(none.json().find("details").is_string()) << none.body;
  EXPECT_EQ(none.json().find("code").as_int(), 401) << none.body;
  EXPECT_EQ(HttpClient(server.port(), "weir_000000000000_" + std::string(64, '0'))
                .get("/health/status")
                .status,
            401);

  auto admin = server.client();
  const auto weak = admin.post("/v1/keys", R"({"name":"weak","scopes":["jobs:read"]})");
  ASSERT_EQ(weak.status, 201) << weak.body;
  HttpClient reader(server.port(), weak.json().find("key").as_string().value_or(""));
  const auto refused = reader.get("/health/status");
  EXPECT_EQ(refused.status, 403) << refused.body;
  EXPECT_EQ(refused.json().find("code").as_int(), 403) << refused.body;
  EXPECT_EQ(reader.get("/v1/jobs").status, 200);

  const auto watch = admin.post("/v1/keys", R"({"name":"watch","scopes":["health:read"]})");
  ASSERT_EQ(watch.status, 201) << watch.body;
  HttpClient watcher(server.port(), watch.json().find("key").as_string().value_or(""));
  EXPECT_EQ(watcher.get("/health/status").status, 200);
  EXPECT_EQ(watcher.get("/v1/jobs").status, 403);
}

TEST(Health, StatusSaysSoWhileNatsIsAwayAndRecovers) {
  NatsServer nats;
  nats.start();
  WeirServer server({.nats_url = nats.url()});
  server.start();
  HttpClient client(server.port(), server.key(), std::chrono::seconds(5));
  ASSERT_EQ(client.get("/health/status").status, 200);

  nats.stop();
  ASSERT_TRUE(wait_until([&] { return client.get("/health/status").status == 503; }));
  const auto before = std::chrono::steady_clock::now();
  const auto away = client.get("/health/status");
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
  EXPECT_EQ(away.status, 503);
  expect_status_body(away.json());
  EXPECT_EQ(away.json().find("status").as_string(), "degraded");

  nats.start();
  EXPECT_TRUE(wait_until([&] { return client.get("/health/status").status == 200; },
                         std::chrono::seconds(30)));
  EXPECT_EQ(client.post("/v1/jobs", R"({"queue":"q","type":"t"})").status, 201);
}

// A server that hangs keeps its connections: only a deadline finds it out.
TEST(Health, StatusAnswersInASecondWhileNatsHangs) {
  NatsServer nats;
  nats.start();
  WeirServer server({.nats_url = nats.url()});
  server.start();
  HttpClient client(server.port(), server.key(), std::chrono::seconds(5));
  ASSERT_EQ(client.get("/health/status").status, 200);
  nats.suspend();
  for (int i = 0; i < 5; ++i) {
    const auto before = std::chrono::steady_clock::now();
    const auto answer = client.get("/health/status");
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
    EXPECT_TRUE(answer.status == 200 || answer.status == 503) << answer.status;
  }
  nats.resume();
  EXPECT_TRUE(wait_until([&] { return client.get("/health/status").status == 200; },
                         std::chrono::seconds(30)));
}

TEST(Health, ProbesNeedNoKey) {
  WeirServer server;
  server.start();
  auto client = server.anonymous();
  const auto health = client.get("/health");
  EXPECT_EQ(health.status, 200);
  expect_fields(health.json(), {{"status", Kind::string},
                                {"timestamp", Kind::string},
                                {"version", Kind::string},
                                {"uptime", Kind::number},
                                {"connections.active", Kind::number},
                                {"persistence.primary.type", Kind::string},
                                {"persistence.fallback.type", Kind::string}});
  EXPECT_EQ(health.json().find("status").as_string(), "healthy");
  const auto ready = client.get("/ready");
  EXPECT_EQ(ready.status, 200);
  EXPECT_EQ(ready.json().find("ready").as_bool(), true);
  expect_fields(ready.json(),
                {{"checks.persistence", Kind::string}, {"checks.memory", Kind::string}});
  const auto live = client.get("/live");
  EXPECT_EQ(live.status, 200);
  EXPECT_EQ(live.json().find("alive").as_bool(), true);
  EXPECT_EQ(client.get("/metrics").status, 200);
  EXPECT_EQ(client.get("/openapi.json").status, 200);
}

}  // namespace
}  // namespace weir::test
