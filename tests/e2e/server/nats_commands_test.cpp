// Commands over NATS as another client sees them: by the bare C library, on every server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nats/nats.h>

#include <map>
#include <set>

#include "pkg/json/view.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using testing::HasSubstr;
using Headers = std::map<std::string, std::string>;

constexpr std::int64_t kWaitMs = 10'000;

struct Answer {
  std::string data;
  std::string error;       // header Nats-Service-Error
  std::string error_code;  // header Nats-Service-Error-Code
  json::View json() const { return json::View(data); }
};

class BareClient {
 public:
  explicit BareClient(const std::string& url) {
    EXPECT_EQ(natsConnection_ConnectTo(&connection_, url.c_str()), NATS_OK);
  }
  ~BareClient() { natsConnection_Destroy(connection_); }
  BareClient(const BareClient&) = delete;
  BareClient& operator=(const BareClient&) = delete;

  Answer request(const std::string& subject, const std::string& data,
                 const Headers& headers = {}) const {
    natsMsg* message = nullptr;
    EXPECT_EQ(natsMsg_Create(&message, subject.c_str(), nullptr, data.data(),
                             static_cast<int>(data.size())),
              NATS_OK);
    for (const auto& [name, value] : headers)
      EXPECT_EQ(natsMsgHeader_Set(message, name.c_str(), value.c_str()), NATS_OK);
    natsMsg* reply = nullptr;
    const auto status = natsConnection_RequestMsg(&reply, connection_, message, kWaitMs);
    EXPECT_EQ(status, NATS_OK) << subject << ": " << natsStatus_GetText(status);
    natsMsg_Destroy(message);
    Answer out;
    if (reply != nullptr) out = read(reply);
    natsMsg_Destroy(reply);
    return out;
  }

  // The answers of `count` services, and of none more that come at once.
  std::vector<Answer> discover(const std::string& subject, std::size_t count) const {
    const std::string inbox = "_INBOX.discover." + subject;
    natsSubscription* subscription = nullptr;
    EXPECT_EQ(natsConnection_SubscribeSync(&subscription, connection_, inbox.c_str()), NATS_OK);
    EXPECT_EQ(natsConnection_PublishRequestString(connection_, subject.c_str(), inbox.c_str(), ""),
              NATS_OK);
    std::vector<Answer> out;
    natsMsg* message = nullptr;
    while (natsSubscription_NextMsg(&message, subscription, out.size() < count ? kWaitMs : 50) ==
           NATS_OK) {
      out.push_back(read(message));
      natsMsg_Destroy(message);
    }
    natsSubscription_Destroy(subscription);
    return out;
  }

 private:
  static std::string header(natsMsg* message, const char* name) {
    const char* value = nullptr;
    return natsMsgHeader_Get(message, name, &value) == NATS_OK ? value : "";
  }
  static Answer read(natsMsg* message) {
    return {.data = std::string(natsMsg_GetData(message),
                                static_cast<std::size_t>(natsMsg_GetDataLength(message))),
            .error = header(message, "Nats-Service-Error"),
            .error_code = header(message, "Nats-Service-Error-Code")};
  }
  natsConnection* connection_ = nullptr;
};

class NatsCommandsTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    nats_.start();
    server_.start();
    client_ = std::make_unique<BareClient>(nats_.url());
    // NATS may hear of this client before it hears what the server subscribed to.
    ASSERT_TRUE(wait_until([&] { return !client_->discover("$SRV.PING.weir", 0).empty(); }));
  }
  Headers key() const { return {{"Authorization", "Bearer " + server_.key()}}; }
  std::string ask(const std::string& command, const std::string& payload) const {
    const auto answer = client_->request("weir.cmd." + command, payload, key());
    EXPECT_EQ(answer.error_code, "") << answer.error << " " << answer.data;
    return answer.data;
  }

  NatsServer nats_{GetParam()};
  WeirServer server_{{.nats_url = nats_.url()}};
  std::unique_ptr<BareClient> client_;
};

TEST_P(NatsCommandsTest, PayloadsInAndOut) {
  const auto set = ask("kv.set", R"({"key":"user:1","value":{"name":"Alice"},"ttl":3600})");
  EXPECT_EQ(json::View(set).find("success").raw(), "true") << set;
  const auto got = ask("kv.get", R"({"key":"user:1"})");
  EXPECT_EQ(json::View(got).find("value").raw(), R"({"name":"Alice"})") << got;
  const auto over_http = server_.client().post(
      "/api/v1/command", R"({"command":"kv.get","payload":{"key":"user:1"}})");
  EXPECT_EQ(over_http.json().find("payload").find("value").raw(), R"({"name":"Alice"})");
  const auto published =
      ask("stream.publish", R"({"room":"r","event_type":"message","data":{"text":"hello"}})");
  EXPECT_EQ(json::View(published).find("offset").raw(), "1") << published;
  EXPECT_TRUE(json::check(ask("admin.stats", ""))) << "no body is an empty payload";
}

TEST_P(NatsCommandsTest, CredentialsInEveryForm) {
  const auto get = [&](const Headers& headers) {
    return client_->request("weir.cmd.kv.exists", R"({"key":"k"})", headers).error_code;
  };
  EXPECT_EQ(get(key()), "");
  EXPECT_EQ(get({{"X-API-Key", server_.key()}}), "");
  EXPECT_EQ(get({{"authorization", "bearer " + server_.key()}}), "");
  EXPECT_EQ(get({}), "401");
  EXPECT_EQ(get({{"Authorization", "Bearer wrong"}}), "401");
  const auto reader =
      server_.client().post("/v1/keys", R"({"name":"reader","scopes":["kv:read"]})");
  const Headers read{{"X-API-Key", reader.json().find("key").as_string().value_or("")}};
  EXPECT_EQ(get(read), "");
  const auto refused = client_->request("weir.cmd.kv.set", R"({"key":"k","value":1})", read);
  EXPECT_EQ(refused.error_code, "403");
  EXPECT_EQ(refused.json().find("code").raw(), "\"FORBIDDEN\"") << refused.data;
}

TEST_P(NatsCommandsTest, TheRateOfAKeyHolds) {
  const auto made = server_.client().post(
      "/v1/keys", R"({"name":"k","scopes":["kv:read"],"rate":{"limit":2,"per_ms":"1h"}})");
  const Headers limited{{"X-API-Key", made.json().find("key").as_string().value_or("")}};
  const auto get = [&] { return client_->request("weir.cmd.kv.dbsize", "", limited); };
  EXPECT_EQ(get().error_code, "");
  EXPECT_EQ(get().error_code, "");
  const auto refused = get();
  EXPECT_EQ(refused.error_code, "429");
  EXPECT_EQ(refused.json().find("code").as_string(), "RATE_LIMIT_EXCEEDED") << refused.data;
}

TEST_P(NatsCommandsTest, ErrorsAreServiceErrors) {
  struct Case {
    const char* command;
    const char* payload;
    const char* status;
    const char* code;
  };
  for (const auto& c : {Case{"no.such", "{}", "400", "INVALID_COMMAND"},
                        Case{"stream.subscribe", R"({"room":"r"})", "400", "INVALID_COMMAND"},
                        Case{"kv.set", "{", "400", "INVALID_REQUEST"},
                        Case{"kv.set", "[]", "422", "INVALID_PAYLOAD"},
                        Case{"kv.set", R"({"key":"k"})", "422", "INVALID_PAYLOAD"},
                        Case{"stream.history", R"({"room":"nowhere"})", "404", "ROOM_NOT_FOUND"}}) {
    const auto answer = client_->request("weir.cmd." + std::string(c.command), c.payload, key());
    EXPECT_EQ(answer.error_code, c.status) << c.command << " " << c.payload;
    EXPECT_NE(answer.error, "");
    ASSERT_TRUE(json::check(answer.data)) << answer.data;
    EXPECT_EQ(answer.json().find("code").as_string(), c.code) << answer.data;
    EXPECT_TRUE(answer.json().find("details").is_object());
  }
}

TEST_P(NatsCommandsTest, ARepeatedRequestIdDoesNothingAgain) {
  auto headers = key();
  headers["Weir-Request-Id"] = "once";
  const std::string event = R"({"room":"r","event_type":"t","data":1})";
  const auto first = client_->request("weir.cmd.stream.publish", event, headers);
  EXPECT_EQ(client_->request("weir.cmd.stream.publish", event, headers).data, first.data);
  headers["Weir-Request-Id"] = std::string(200, 'x');
  EXPECT_EQ(client_->request("weir.cmd.stream.publish", event, headers).error_code, "400");
  EXPECT_EQ(json::View(ask("stream.stats", R"({"room":"r"})")).find("message_count").raw(), "1");
}

TEST_P(NatsCommandsTest, IsFoundByTheStandardProtocol) {
  const auto pings = client_->discover("$SRV.PING", 1);
  ASSERT_EQ(pings.size(), 1U);
  const auto ping = pings[0].json();
  EXPECT_EQ(ping.find("type").raw(), "\"io.nats.micro.v1.ping_response\"") << pings[0].data;
  EXPECT_EQ(ping.find("name").raw(), "\"weir\"");
  EXPECT_TRUE(ping.find("metadata").is_object());
  const auto id = ping.find("id").as_string().value_or("");
  const auto version = ping.find("version").as_string().value_or("");
  EXPECT_NE(server_.client().get("/health").body.find(version), std::string::npos);
  for (const auto* verb : {"PING", "INFO", "STATS"}) {
    const std::string all = "$SRV." + std::string(verb);
    EXPECT_EQ(client_->discover(all + ".weir", 1).size(), 1U);
    EXPECT_EQ(client_->discover(all + ".weir." + id, 1).size(), 1U);
    EXPECT_EQ(client_->discover(all + ".other", 0).size(), 0U);
    EXPECT_EQ(client_->discover(all + ".weir.other", 0).size(), 0U);
  }
  const auto info = client_->discover("$SRV.INFO.weir", 1).at(0);
  EXPECT_EQ(info.json().find("type").raw(), "\"io.nats.micro.v1.info_response\"");
  EXPECT_TRUE(info.json().find("description").as_string().has_value());
  std::set<std::string> subjects;
  for (const auto endpoint : info.json().find("endpoints").elements()) {
    subjects.insert(endpoint.find("subject").as_string().value_or(""));
    EXPECT_EQ(endpoint.find("queue_group").raw(), "\"q\"");
    EXPECT_EQ(endpoint.find("name").raw().find('.'), std::string::npos) << endpoint.raw();
    EXPECT_TRUE(endpoint.find("metadata").find("summary").as_string().has_value());
  }
  EXPECT_TRUE(subjects.contains("weir.cmd.kv.set"));
  EXPECT_TRUE(subjects.contains("weir.cmd.stream.publish"));
  EXPECT_FALSE(subjects.contains("weir.cmd.stream.subscribe")) << "nothing can be pushed";
}

TEST_P(NatsCommandsTest, CountsWhatItDoes) {
  ask("kv.exists", R"({"key":"k"})");
  ask("kv.exists", R"({"key":"k"})");
  client_->request("weir.cmd.kv.exists", "{}", key());
  const auto figures = [&] {
    const auto stats = client_->discover("$SRV.STATS.weir", 1).at(0);
    EXPECT_EQ(stats.json().find("type").raw(), "\"io.nats.micro.v1.stats_response\"");
    EXPECT_TRUE(stats.json().find("started").as_string().has_value());
    for (const auto endpoint : stats.json().find("endpoints").elements())
      if (endpoint.find("name").raw() == "\"kv-exists\"") return std::string(endpoint.raw());
    return std::string();
  };
  // An answer is counted when it was sent: it may be here before.
  ASSERT_TRUE(wait_until([&] { return json::View(figures()).find("num_requests").as_int() == 3; }))
      << figures();
  const auto text = figures();
  const json::View endpoint(text);
  EXPECT_EQ(endpoint.find("num_errors").as_int(), 1);
  EXPECT_THAT(endpoint.find("last_error").as_string().value_or(""), HasSubstr("422:"));
  const auto total = endpoint.find("processing_time").as_int().value_or(0);
  EXPECT_GT(total, 0);
  EXPECT_EQ(endpoint.find("average_processing_time").as_int(), total / 3);
}

TEST_P(NatsCommandsTest, CoordinatorsShareTheRequests) {
  WeirServer second({.key = server_.key(), .nats_url = nats_.url()});
  second.start();
  std::set<std::string> ids;
  for (const auto& ping : client_->discover("$SRV.PING.weir", 2))
    ids.insert(ping.json().find("id").as_string().value_or(""));
  EXPECT_EQ(ids.size(), 2U);
  constexpr int kRequests = 60;
  for (int i = 0; i < kRequests; ++i) ask("kv.incr", R"({"key":"n"})");
  EXPECT_EQ(json::View(ask("kv.get", R"({"key":"n"})")).find("value").raw(), "60");
  std::int64_t requests = 0;
  ASSERT_TRUE(wait_until([&] {
    requests = 0;
    for (const auto& stats : client_->discover("$SRV.STATS.weir", 2)) {
      for (const auto endpoint : stats.json().find("endpoints").elements())
        if (endpoint.find("name").raw() == "\"kv-incr\"")
          requests += endpoint.find("num_requests").as_int().value_or(0);
    }
    return requests == kRequests;
  })) << requests;
  const auto nodes = ask("replication.status", "");
  std::set<std::string> replicas;
  int leaders = 0;
  for (const auto replica : json::View(nodes).find("replicas").elements()) {
    replicas.insert(replica.find("id").as_string().value_or(""));
    leaders += replica.find("role").as_string() == "leader" ? 1 : 0;
    EXPECT_TRUE(replica.find("lag_entries").as_int().has_value()) << nodes;
  }
  EXPECT_EQ(replicas.size(), 2U) << nodes;
  EXPECT_EQ(leaders, 1) << nodes;
  EXPECT_EQ(server_.stop(), 0);
  EXPECT_EQ(json::View(ask("kv.incr", R"({"key":"n"})")).find("value").raw(), "61");
  EXPECT_EQ(client_->discover("$SRV.PING.weir", 1).size(), 1U);
}

TEST_P(NatsCommandsTest, AnAnswerThatIsTooLongIsAnError) {
  const std::string value = "\"" + std::string(400'000, 'x') + "\"";
  for (const auto* name : {"a", "b", "c"})
    ask("kv.set", R"({"key":")" + std::string(name) + R"(","value":)" + value + "}");
  const auto all = client_->request("weir.cmd.kv.mget", R"({"keys":["a","b","c"]})", key());
  EXPECT_EQ(all.error_code, "413") << all.data.substr(0, 200);
  EXPECT_EQ(all.json().find("code").raw(), "\"PAYLOAD_TOO_LARGE\"");
  EXPECT_GT(ask("kv.mget", R"({"keys":["a","b"]})").size(), 800'000U);
}

TEST_P(NatsCommandsTest, GoesOnAfterARestartOfNats) {
  ask("kv.set", R"({"key":"k","value":7})");
  nats_.stop();
  nats_.start();
  client_ = std::make_unique<BareClient>(nats_.url());
  ASSERT_TRUE(wait_until([&] { return !client_->discover("$SRV.PING.weir", 0).empty(); }));
  ASSERT_TRUE(wait_until([&] {
    return client_->request("weir.cmd.kv.get", R"({"key":"k"})", key()).error_code.empty();
  }));
  EXPECT_EQ(json::View(ask("kv.get", R"({"key":"k"})")).find("value").raw(), "7");
}

TEST_P(NatsCommandsTest, OperatorsSeeTheSettingsAndStopTheServer) {
  const auto config = ask("admin.config", "");
  const auto settings = json::View(config).find("config");
  EXPECT_EQ(settings.find("max_connections").find("value").as_string(), "10000") << config;
  EXPECT_EQ(settings.find("api_key").find("value").as_string(), "***");
  EXPECT_EQ(config.find(server_.key()), std::string::npos);
  EXPECT_EQ(ask("admin.shutdown", ""), R"({"success":true})");
  EXPECT_TRUE(wait_until([&] { return !server_.running(); }));
  EXPECT_EQ(server_.stop(), 0);
}

INSTANTIATE_TEST_SUITE_P(Versions, NatsCommandsTest, testing::ValuesIn(nats_server_programs()),
                         version_name);

TEST(NatsCommandsOff, NobodyAnswers) {
  NatsServer nats;
  nats.start();
  WeirServer server({.nats_url = nats.url(), .flags = {"--nats-commands=false"}});
  server.start();
  const BareClient client(nats.url());
  EXPECT_EQ(client.discover("$SRV.PING", 0).size(), 0U);
}

}  // namespace
}  // namespace weir::test
