// The health documents, field by field as their readers know them.
#include "pkg/base/time_text.hpp"
#include "tests/unit/api/api_fixture.hpp"

namespace weir::api {
namespace {

using testing::HasSubstr;
using testing::Not;

// "persistence.primary.type" in `document`.
Json at(const Json& document, const std::string& path) {
  std::string pointer = "/" + path;
  std::replace(pointer.begin(), pointer.end(), '.', '/');
  const Json::json_pointer where(pointer);
  return document.contains(where) ? document[where] : Json();
}

struct Field {
  const char* path;
  Json::value_t type;
};

void expect_fields(const Json& document, const std::vector<Field>& fields) {
  for (const auto& field : fields) {
    const Json value = at(document, field.path);
    const bool both_numbers = value.is_number() && field.type == Json::value_t::number_float;
    const bool both_integers =
        value.is_number_integer() && field.type == Json::value_t::number_integer;
    EXPECT_TRUE(both_numbers || both_integers || value.type() == field.type)
        << field.path << " is " << value.type_name() << " in " << document.dump(1);
  }
}

constexpr auto kText = Json::value_t::string;
constexpr auto kInteger = Json::value_t::number_integer;
constexpr auto kNumber = Json::value_t::number_float;
constexpr auto kObject = Json::value_t::object;
constexpr auto kArray = Json::value_t::array;
constexpr auto kFlag = Json::value_t::boolean;

class HealthTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    probe_.facts.nats_url = "nats://localhost:4222";
    probe_.facts.nats_version = "2.10.0";
    probe_.facts.streams = {{.name = "JOBS", .messages = 42, .bytes = 1024, .consumers = 1}};
    probe_.facts.kv_buckets = {{.name = "weir-leader", .keys = 1, .bytes = 64}};
    api_->set_connections([] { return http::FrontStats{5, 15, 23}; });
  }
};

TEST_F(HealthTest, HealthHasEveryField) {
  const auto client = get("/health");
  EXPECT_EQ(client->status(), 200);
  const Json body = client->body();
  expect_fields(body, {{"status", kText},
                       {"timestamp", kText},
                       {"version", kText},
                       {"role", kText},
                       {"uptime", kInteger},
                       {"uptime_secs", kInteger},
                       {"components.nats", kText},
                       {"components.replica", kText},
                       {"components.kv_store", kText},
                       {"components.queue_system", kText},
                       {"components.event_stream", kText},
                       {"components.pubsub", kText},
                       {"components.replication", kText},
                       {"connections.active", kInteger},
                       {"connections.total", kInteger},
                       {"rooms.active", kInteger},
                       {"rooms.total", kInteger},
                       {"persistence.primary.type", kText},
                       {"persistence.primary.status", kText},
                       {"persistence.fallback.type", kText},
                       {"persistence.fallback.status", kText}});
  EXPECT_EQ(body["status"], "healthy");
  EXPECT_FALSE(body.contains("error"));
  EXPECT_TRUE(parse_rfc3339(body["timestamp"].get<std::string>()));
  EXPECT_EQ(at(body, "persistence.primary.type"), "nats");
  EXPECT_EQ(at(body, "persistence.fallback.type"), "sqlite");
  EXPECT_EQ(at(body, "connections.active"), 5);
  EXPECT_EQ(at(body, "connections.total"), 23);
}

TEST_F(HealthTest, HealthIs503WithoutNats) {
  instance_->set_connected(false);
  const auto client = get("/health");
  EXPECT_EQ(client->status(), 503);
  const Json body = client->body();
  EXPECT_EQ(body["status"], "unhealthy");
  EXPECT_FALSE(body["error"].get<std::string>().empty());
  EXPECT_EQ(at(body, "persistence.primary.status"), "disconnected");
  EXPECT_EQ(at(body, "persistence.fallback.status"), "connected");
}

const std::vector<Field> kStatusFields{{"status", kText},
                                       {"components", kObject},
                                       {"components.nats.status", kText},
                                       {"version", kText},
                                       {"uptime", kText},
                                       {"nats.url", kText},
                                       {"nats.version", kText},
                                       {"streams", kArray},
                                       {"streams.0.name", kText},
                                       {"streams.0.messages", kInteger},
                                       {"streams.0.bytes", kInteger},
                                       {"streams.0.consumers", kInteger},
                                       {"kv_buckets", kArray},
                                       {"kv_buckets.0.name", kText},
                                       {"kv_buckets.0.keys", kInteger},
                                       {"kv_buckets.0.bytes", kInteger},
                                       {"jobs.total", kInteger},
                                       {"jobs.unprocessed", kInteger},
                                       {"jobs.processing", kInteger},
                                       {"jobs.completed", kInteger},
                                       {"jobs.failed", kInteger},
                                       {"jobs.dlq", kInteger},
                                       {"jobs.scheduled", kInteger},
                                       {"jobs.blocked", kInteger},
                                       {"jobs.cancelled", kInteger},
                                       {"replica.applied_revision", kInteger},
                                       {"replica.lag", kInteger},
                                       {"workers.known", kInteger}};

TEST_F(HealthTest, StatusHasEveryFieldWithTrueNumbers) {
  submit("q");
  submit("q");
  submit("q", R"(,"delay_ms":"1h")");
  const std::string token = lease("q")[0]["lease"];
  ASSERT_EQ(post("/v1/leases/" + token + "/complete")->status(), 200);
  const auto client = get("/health/status");
  EXPECT_EQ(client->status(), 200);
  const Json body = client->body();
  expect_fields(body, kStatusFields);
  EXPECT_EQ(body["status"], "ok");
  EXPECT_EQ(body["streams"], Json::parse(R"([{"name":"JOBS","messages":42,"bytes":1024,
      "consumers":1,"replicas":1,"replicas_current":1,"discard":"new","max_bytes":null,
      "max_messages":null,"max_age_ms":null}])"));
  EXPECT_EQ(at(body, "jobs.total"), 3);
  EXPECT_EQ(at(body, "jobs.unprocessed"), 2);  // what waits for a worker, now or later
  EXPECT_EQ(at(body, "jobs.scheduled"), 1);
  EXPECT_EQ(at(body, "jobs.completed"), 1);
  EXPECT_EQ(at(body, "workers.known"), 1);
  EXPECT_TRUE(parse_duration(body["uptime"].get<std::string>()));
}

TEST_F(HealthTest, StatusSaysOfNatsOnlyWhatIsKnown) {
  const auto nats = [&] { return get("/health/status")->body()["nats"]; };
  EXPECT_TRUE(nats()["sync_always"].is_null());
  EXPECT_TRUE(nats()["clock_skew_ms"].is_null());
  EXPECT_EQ(nats()["clustered"], false);
  probe_.facts.sync_always = false;
  probe_.facts.clock_skew = Millis{-1'500};
  probe_.facts.clustered = true;
  EXPECT_EQ(nats()["sync_always"], false);
  EXPECT_EQ(nats()["clock_skew_ms"], -1'500);
  EXPECT_EQ(nats()["clustered"], true);
  probe_.facts.sync_always = true;
  EXPECT_EQ(nats()["sync_always"], true);
}

TEST_F(HealthTest, StatusIs503WithTheSameBodyWithoutNats) {
  instance_->set_connected(false);
  probe_.facts.fresh = false;
  probe_.facts.problem = "no answer";
  const auto client = get("/health/status");
  EXPECT_EQ(client->status(), 503);
  expect_fields(client->body(), kStatusFields);
  expect_fields(client->body(), {{"components.nats.error", kText}});
  EXPECT_EQ(client->body()["status"], "degraded");
  EXPECT_EQ(at(client->body(), "components.nats.status"), "unhealthy");
  instance_->set_connected(true);
  probe_.facts.fresh = true;
  EXPECT_EQ(get("/health/status")->status(), 200);
}

TEST_F(HealthTest, StatusNeedsItsScope) {
  EXPECT_EQ(ask("GET", "/health/status", "", as("wrong"))->status(), 401);
  EXPECT_EQ(ask("GET", "/health/status", "", as(make_key(R"(["jobs:read"])")))->status(), 403);
  EXPECT_EQ(ask("GET", "/health/status", "", as(make_key(R"(["health:read"])")))->status(), 200);
}

TEST_F(HealthTest, ReadyAndLive) {
  EXPECT_EQ(get("/live")->body(), Json::parse(R"({"alive":true})"));
  auto ready = get("/ready");
  EXPECT_EQ(ready->status(), 200);
  expect_fields(ready->body(), {{"ready", kFlag}});
  EXPECT_EQ(ready->body(),
            Json::parse(R"({"ready":true,"checks":{"persistence":"ok","memory":"ok"}})"));
  instance_->set_catching_up(true);
  ready = get("/ready");
  EXPECT_EQ(ready->status(), 503);
  EXPECT_EQ(ready->body(),
            Json::parse(R"({"ready":false,"checks":{"persistence":"failing","memory":"ok"}})"));
}

TEST_F(HealthTest, StatsHasEveryField) {
  submit("q");
  const auto client = get("/stats");
  EXPECT_EQ(client->status(), 200);
  const Json body = client->body();
  expect_fields(body, {{"server.version", kText},
                       {"server.compiler", kText},
                       {"server.uptime", kInteger},
                       {"server.platform", kText},
                       {"server.arch", kText},
                       {"connections.active", kInteger},
                       {"connections.peak", kInteger},
                       {"connections.total", kInteger},
                       {"rooms.active", kInteger},
                       {"rooms.peak", kInteger},
                       {"rooms.total", kInteger},
                       {"rooms.byStorage.nats", kInteger},
                       {"rooms.byStorage.sqlite", kInteger},
                       {"memory.used.value", kNumber},
                       {"memory.used.unit", kText},
                       {"memory.total.value", kNumber},
                       {"memory.total.unit", kText},
                       {"memory.percentage", kNumber},
                       {"persistence.primary.type", kText},
                       {"persistence.primary.status", kText},
                       {"persistence.primary.latency", kNumber},
                       {"persistence.primary.latencyUnit", kText},
                       {"persistence.primary.operations.read", kInteger},
                       {"persistence.primary.operations.write", kInteger},
                       {"persistence.fallback.type", kText},
                       {"persistence.fallback.status", kText},
                       {"persistence.fallback.records", kInteger},
                       {"persistence.fallback.fileSize.value", kNumber},
                       {"persistence.fallback.fileSize.unit", kText},
                       {"jobs.total", kInteger},
                       {"log.operations_applied", kInteger},
                       {"log.per_second.operations_applied", kNumber},
                       {"log.applier_busy", kNumber}});
  EXPECT_EQ(at(body, "persistence.fallback.records"), 1);
  EXPECT_EQ(at(body, "server.platform"), "linux");
}

}  // namespace
}  // namespace weir::api
