// Keys for some queues: every route that touches a job or a queue refuses the others, and lists do
// not show them. Quotas of keys on waiting jobs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/server_suite.hpp"

namespace weir::test {
namespace {

using json::View;
using testing::HasSubstr;
using testing::Not;

const std::multimap<std::string, std::string> kJson{{"Content-Type", "application/json"}};

class TenancyTest : public ServerSuite {
 protected:
  static void SetUpTestSuite() {
    ServerSuite::SetUpTestSuite();
    prepare();
  }

  static std::string text(const HttpAnswer& answer, std::string_view name) {
    return answer.json().find(name).as_string().value_or("");
  }
  static std::string make_key(const std::string& more) {
    return text(
        server_->client().post("/v1/keys",
                               R"({"name":"tenant","scopes":["jobs:read","jobs:write","jobs:work",)"
                               R"("queues:admin"])" +
                                   more + "}"),
        "key");
  }
  static void expect_done(const HttpAnswer& answer) {
    EXPECT_LT(answer.status, 300) << answer.body;
    EXPECT_GE(answer.status, 200) << answer.body;
  }

  // The same objects in the tenant's queue (a "mine-" in their names) and in somebody else's.
  static void prepare() {
    auto admin = server_->client();
    for (const std::string who : {"mine", "other"}) {
      const std::string queue = who + ".q";
      const auto submit = [&](const std::string& id, const std::string& more = "") {
        expect_done(admin.post("/v1/jobs", R"({"id":")" + who + "-" + id + R"(","queue":")" +
                                               queue + "\"" + more + "}"));
      };
      submit("dead", R"(,"max_attempts":1)");
      const auto leased = admin.post("/v1/queues/" + queue + "/lease", R"({"worker":"w"})");
      for (const View job : leased.json().find("jobs").elements()) {
        expect_done(
            admin.post("/v1/leases/" + job.find("lease").as_string().value_or("") + "/fail", "{}"));
      }
      submit("job");
      submit("later", R"(,"delay_ms":"1h")");
      expect_done(admin.put("/v1/schedules/" + who + "-plan",
                            R"({"every":"1h","job":{"queue":")" + queue + R"("}})"));
      expect_done(admin.post(
          "/v1/batches", R"({"id":")" + who + R"(-batch","jobs":[{"queue":")" + queue + R"("}]})"));
      const auto redrive = admin.post(
          "/v1/dlq/redrive", R"({"filter":{"queue":")" + queue + R"(","type":"none"},"patch":{}})");
      EXPECT_EQ(redrive.status, 202) << redrive.body;
      redrives_[who] = text(redrive, "id");
    }
    key_ = make_key(R"(,"queues":["mine.*"])");
  }
  static std::string key_;
  static std::map<std::string, std::string> redrives_;
};

std::string TenancyTest::key_;
std::map<std::string, std::string> TenancyTest::redrives_;

struct Route {
  const char* method;
  const char* path;  // @ is "mine" or "other", % the id of the redrive
  const char* body = "";
};

std::multimap<std::string, std::string> headers_of(const Route& route) {
  return *route.body == '\0' ? std::multimap<std::string, std::string>{} : kJson;
}

constexpr Route kRoutes[] = {
    {"POST", "/v1/jobs", R"({"queue":"@.q"})"},
    {"POST", "/v1/jobs", R"({"queue":"mine.q","depends_on":["@-job"]})"},
    {"POST", "/v1/jobs", R"({"queue":"mine.q","batch":"@-batch"})"},
    {"POST", "/v1/jobs/batch", R"({"jobs":[{"queue":"mine.q"},{"queue":"@.q"}]})"},
    {"POST", "/v1/jobs/batch", R"({"jobs":[{"queue":"mine.q","batch":"@-batch"}],"atomic":true})"},
    {"GET", "/v1/jobs?queue=@.q"},
    {"GET", "/v1/jobs/@-job"},
    {"GET", "/v1/jobs/@-job?wait=1ms"},
    {"GET", "/v1/jobs/@-job/timeline"},
    {"GET", "/v1/jobs/@-job/logs"},
    {"GET", "/v1/jobs/@-dead/logs?follow=true"},
    {"GET", "/v1/jobs/@-job/explain"},
    {"GET", "/v1/jobs/@-dead/events"},
    {"PATCH", "/v1/jobs/@-job", R"({"priority":6})"},
    {"POST", "/v1/jobs/@-later/promote", "{}"},
    {"POST", "/v1/jobs/@-later/cancel", "{}"},
    {"POST", "/v1/jobs/@-later/retry", R"({"as_new":true})"},
    {"DELETE", "/v1/jobs/@-later"},
    {"POST", "/v1/jobs/cancel", R"({"filter":{"queue":"@.q","type":"none"}})"},
    {"POST", "/v1/queues/@.q/lease", R"({"worker":"w","types":["none"]})"},
    {"POST", "/v1/queues/mine.q,@.q/lease", R"({"worker":"w","types":["none"]})"},
    {"POST", "/v1/work", R"({"worker":"w","lease":{"queues":["mine.q","@.q"],"types":["none"]}})"},
    {"GET", "/v1/queues/@.q"},
    {"POST", "/v1/queues/@.q/pause", "{}"},
    {"POST", "/v1/queues/@.q/resume", "{}"},
    {"PUT", "/v1/queues/@.q", R"({"events":true})"},
    {"GET", "/v1/dlq?queue=@.q"},
    {"GET", "/v1/dlq/@-dead"},
    {"POST", "/v1/dlq/redrive", R"({"filter":{"queue":"@.q","type":"none"}})"},
    {"POST", "/v1/dlq/redrive", R"({"filter":{"queue":"@.q"},"dry_run":true})"},
    {"POST", "/v1/dlq/redrive", R"({"filter":{"queue":"@.q","type":"none"},"rate_per_s":1})"},
    {"GET", "/v1/dlq/redrives/%"},
    {"POST", "/v1/dlq/redrive", R"({"queue":"@.q"})"},
    {"POST", "/v1/dlq/purge", R"({"queue":"@.q"})"},
    {"GET", "/v1/schedules/@-plan"},
    {"GET", "/v1/schedules/@-plan/runs"},
    {"PUT", "/v1/schedules/@-plan", R"({"every":"2h","job":{"queue":"mine.q"}})"},
    {"PUT", "/v1/schedules/mine-new", R"({"every":"2h","job":{"queue":"@.q"}})"},
    {"POST", "/v1/schedules/@-plan/pause", "{}"},
    {"POST", "/v1/schedules/@-plan/resume", "{}"},
    {"POST", "/v1/schedules/@-plan/trigger", "{}"},
    {"POST", "/v1/schedules/@-plan/backfill",
     R"({"from":"2026-01-01T00:00:00Z","to":"2026-01-01T00:00:01Z"})"},
    {"DELETE", "/v1/schedules/@-plan"},
    {"POST", "/v1/batches", R"({"id":"@-new","jobs":[{"queue":"@.q"}]})"},
    {"POST", "/v1/batches",
     R"({"id":"@-newer","jobs":[{"queue":"mine.q"}],"on_success":{"queue":"@.q"}})"},
    {"GET", "/v1/batches/@-batch"},
    {"GET", "/v1/batches/@-batch/jobs"},
    {"POST", "/v1/batches/@-batch/seal", "{}"},
    {"POST", "/v1/batches/@-batch/cancel", "{}"},
    {"GET", "/v1/events?queue=@.q&since=999999999"},
    {"POST", "/v1/queues/@.q/purge", "{}"},
};

std::string put_in(std::string text, const std::string& who, const std::string& redrive) {
  for (std::size_t at = 0; (at = text.find_first_of("@%", at)) != std::string::npos;) {
    const auto& value = text[at] == '@' ? who : redrive;
    text.replace(at, 1, value);
    at += value.size();
  }
  return text;
}

TEST_F(TenancyTest, EveryRouteRefusesQueuesTheKeyIsNotFor) {
  HttpClient tenant(server_->port(), key_);
  for (const auto& route : kRoutes) {
    const auto path = put_in(route.path, "other", redrives_["other"]);
    const auto answer =
        tenant.send(route.method, path, put_in(route.body, "other", ""), headers_of(route));
    EXPECT_EQ(answer.status, 403) << route.method << " " << path << " " << answer.body;
    EXPECT_EQ(text(answer, "reason"), "queue_not_allowed") << route.method << " " << path;
  }
  for (const auto& route : kRoutes) {
    const std::string path = put_in(route.path, "mine", redrives_["mine"]);
    // These answer with a stream, or have nothing to do any more.
    if (path.find("follow") != std::string::npos || path.find("events") != std::string::npos)
      continue;
    const auto answer =
        tenant.send(route.method, path, put_in(route.body, "mine", ""), headers_of(route));
    EXPECT_NE(answer.status, 403) << route.method << " " << path << " " << answer.body;
    EXPECT_LT(answer.status, 500) << route.method << " " << path << " " << answer.body;
    EXPECT_NE(answer.status, 400) << route.method << " " << path << " " << answer.body;
    EXPECT_NE(answer.status, 422) << route.method << " " << path << " " << answer.body;
  }
}

TEST_F(TenancyTest, WhatNamesNoQueueIsRefusedOrShowsOwnOnly) {
  HttpClient tenant(server_->port(), key_);
  const Route refused[] = {
      {"GET", "/v1/jobs"},
      {"GET", "/v1/dlq"},
      {"POST", "/v1/jobs/cancel", R"({"filter":{"type":"none"}})"},
      {"POST", "/v1/dlq/redrive", R"({"ids":["other-dead"]})"},
      {"POST", "/v1/dlq/redrive", R"({"filter":{"ids":["other-dead"]}})"},
      {"POST", "/v1/dlq/redrive", R"({"ids":["other-dead"],"rate_per_s":1})"},
      {"POST", "/v1/dlq/redrive", R"({"filter":{"type":"none"},"patch":{}})"},
      {"POST", "/v1/dlq/purge", R"({"ids":["other-dead"]})"},
      {"PUT", "/v1/limits", R"({"concurrency":1})"},
  };
  for (const auto& route : refused) {
    const auto answer = tenant.send(route.method, route.path, route.body, headers_of(route));
    EXPECT_EQ(answer.status, 403) << route.path << " " << route.body << " " << answer.body;
  }
  // A queue of its own does not open the door for ids of others.
  for (const char* body : {R"({"filter":{"queue":"mine.q"},"ids":["other-dead"],"patch":{}})",
                           R"({"filter":{"queue":"mine.q","ids":["other-dead"]},"patch":{}})",
                           R"({"queue":"mine.q","filter":{"ids":["other-dead"]}})",
                           R"({"queue":"mine.q","ids":["other-dead"]})"}) {
    EXPECT_GE(tenant.post("/v1/dlq/redrive", body).status, 400) << body;
  }
  EXPECT_EQ(text(server_->client().get("/v1/jobs/other-dead"), "status"), "dlq");
  for (const char* path : {"/v1/queues", "/v1/schedules", "/v1/batches", "/v1/dlq/redrives"}) {
    const auto answer = tenant.get(path);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_THAT(answer.body, Not(HasSubstr("other"))) << path;
    EXPECT_THAT(server_->client().get(path).body, HasSubstr("other")) << path;
  }
}

TEST_F(TenancyTest, AQuotaBoundsTheWaitingJobsOfAKey) {
  HttpClient tenant(server_->port(), make_key(R"(,"max_waiting":2)"));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(tenant.post("/v1/jobs", R"({"queue":"quota"})").status, 201);
  }
  const auto full = tenant.post("/v1/jobs", R"({"queue":"quota"})");
  EXPECT_EQ(full.status, 429) << full.body;
  EXPECT_EQ(text(full, "reason"), "quota_exceeded");
  EXPECT_FALSE(full.header("retry-after").empty());
  EXPECT_EQ(tenant.post("/v1/batches", R"({"jobs":[{"queue":"quota"}]})").status, 429);
  EXPECT_EQ(server_->client().post("/v1/jobs", R"({"queue":"quota"})").status, 201);
  EXPECT_THAT(server_->client().get("/v1/keys").body,
              testing::AllOf(HasSubstr(R"("max_waiting":2)"), HasSubstr(R"("waiting":2)")));
  EXPECT_THAT(server_->cli({"key", "list"}).out, HasSubstr("2 of 2"));
  const auto leased = tenant.post("/v1/queues/quota/lease", R"({"worker":"w"})");
  EXPECT_THAT(leased.body, HasSubstr("lease"));
  EXPECT_EQ(tenant.post("/v1/jobs", R"({"queue":"quota"})").status, 201);
  const auto bad =
      server_->client().post("/v1/keys", R"({"name":"k","scopes":["jobs:write"],"max_waiting":0})");
  EXPECT_EQ(bad.status, 422);
  EXPECT_THAT(bad.body, HasSubstr(R"("field":"max_waiting")"));
}

// A key with patterns of streams sees those streams and rooms only, whichever way it asks.
TEST(StreamPatterns, HoldOnEverySurface) {
  WeirServer server;
  server.start();
  auto admin = server.client();
  for (const auto* name : {"acme-orders", "other"}) {
    const auto subject = std::string(R"({"subjects":[")") + name + R"(.>"]})";
    ASSERT_EQ(admin.put(std::string("/v1/streams/") + name, subject).status, 201);
    ASSERT_EQ(admin.send("PUT", std::string("/v1/rooms/") + name, "").status, 201);
  }
  const auto made = admin.post(
      "/v1/keys",
      R"({"name":"acme","scopes":["streams:read","streams:write"],"streams":["acme-*","one"]})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.json().find("streams").raw(), R"(["acme-*","one"])");
  HttpClient acme(server.port(), made.json().find("key").as_string().value_or(""));
  const auto reason = [](const HttpAnswer& answer) {
    return std::to_string(answer.status) + " " +
           answer.json().find("reason").as_string().value_or("");
  };
  for (const auto* path : {"/v1/streams/acme-orders", "/v1/rooms/acme-orders",
                           "/v1/streams/acme-orders/messages", "/v1/rooms/acme-orders/events"}) {
    EXPECT_EQ(acme.get(path).status, 200) << path;
  }
  for (const auto* path :
       {"/v1/streams/other", "/v1/streams/other/messages", "/v1/streams/other/tail",
        "/v1/streams/other/consumers", "/v1/rooms/other", "/v1/rooms/other/events",
        "/v1/rooms/other/events?follow=true"}) {
    EXPECT_EQ(reason(acme.get(path)), "403 stream_not_allowed") << path;
  }
  EXPECT_EQ(reason(acme.send("PUT", "/v1/streams/mine", R"({"subjects":["mine"]})")),
            "403 stream_not_allowed");
  EXPECT_EQ(reason(acme.send("DELETE", "/v1/rooms/other", "")), "403 stream_not_allowed");
  const auto streams = acme.get("/v1/streams").body;
  EXPECT_NE(streams.find("acme-orders"), std::string::npos) << streams;
  EXPECT_EQ(streams.find("\"other\""), std::string::npos) << streams;
  const auto rooms = acme.get("/v1/rooms").body;
  EXPECT_NE(rooms.find("acme-orders"), std::string::npos) << rooms;
  EXPECT_EQ(rooms.find("\"other\""), std::string::npos) << rooms;
  const auto ask = [&](const std::string& command, const std::string& payload) {
    const auto answer = acme.post("/api/v1/command",
                                  R"({"command":")" + command + R"(","payload":)" + payload + "}");
    return std::to_string(answer.status) + " " +
           answer.json().find("error").find("code").as_string().value_or("");
  };
  EXPECT_EQ(ask("stream.publish", R"({"room":"acme-chat","event_type":"t","data":1})"), "200 ");
  EXPECT_EQ(ask("stream.stats", R"({"room":"acme-chat"})"), "200 ");
  EXPECT_EQ(ask("stream.publish", R"({"room":"other","event_type":"t","data":1})"),
            "403 FORBIDDEN");
  for (const auto* command : {"stream.history", "stream.stats", "stream.create", "stream.delete"}) {
    EXPECT_EQ(ask(command, R"({"room":"other"})"), "403 FORBIDDEN") << command;
  }
  WebSocketClient socket(server.port(), "/api/v1/ws",
                         "X-API-Key: " + made.json().find("key").as_string().value_or("") + "\r\n");
  socket.say(R"({"command":"stream.subscribe","payload":{"room":"other"}})");
  EXPECT_NE(socket.hear().find("FORBIDDEN"), std::string::npos);
  socket.say(R"({"command":"stream.subscribe","payload":{"room":"acme-chat"}})");
  EXPECT_NE(socket.hear().find("success"), std::string::npos);
  const auto bad =
      admin.post("/v1/keys", R"({"name":"b","scopes":["streams:read"],"streams":["a*b",""]})");
  EXPECT_EQ(bad.status, 422);
  EXPECT_NE(bad.body.find("streams[1]"), std::string::npos) << bad.body;
}

}  // namespace
}  // namespace weir::test
