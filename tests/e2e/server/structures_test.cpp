// Data structures as a client meets them on the wire: the literal requests of the documentation,
// the command API, batches, errors, restarts, and many clients at once.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "tests/support/nats_server.hpp"
#include "tests/support/server_suite.hpp"
#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

using Json = nlohmann::json;

class StructuresTest : public ServerSuite {
 protected:
  static Json command(const std::string& name, const Json& payload) {
    return Json::parse(
        server_->client()
            .post("/api/v1/command", Json{{"command", name}, {"payload", payload}}.dump())
            .body);
  }
  static Json post(const std::string& path, const std::string& body) {
    const auto answer = server_->client().post(path, body);
    EXPECT_EQ(answer.status, 200) << path << ": " << answer.body;
    return Json::parse(answer.body);
  }
  static Json get(const std::string& path) {
    const auto answer = server_->client().get(path);
    EXPECT_EQ(answer.status, 200) << path << ": " << answer.body;
    return Json::parse(answer.body);
  }
};

TEST_F(StructuresTest, TheFormsOfTheContract) {
  EXPECT_EQ(post("/hash/user:1/mset",
                 R"({"fields":{"name":"Alice","age":30,"email":"alice@example.com"}})"),
            (Json{{"success", true}, {"added", 3}}));
  EXPECT_EQ(post("/hash/user:2/mset", R"([{"field":"name","value":"Alice"},
                  {"field":"age","value":30},{"field":"email","value":"alice@example.com"}])"),
            (Json{{"success", true}, {"added", 3}}));
  for (const char* key : {"user:1", "user:2"}) {
    EXPECT_EQ(get("/hash/" + std::string(key) + "/getall")["fields"],
              (Json{{"name", "Alice"}, {"age", 30}, {"email", "alice@example.com"}}));
  }
  EXPECT_EQ(get("/hash/user:1/age"), (Json{{"found", true}, {"value", 30}}));

  EXPECT_EQ(post("/list/l1/rpush", R"({"values":["a","b","c","d","e"]})"), (Json{{"length", 5}}));
  EXPECT_EQ(post("/list/l1/lpop", R"({"count":3})"), (Json{{"values", {"a", "b", "c"}}}));
  EXPECT_EQ(post("/list/l1/lpop", "{}"), (Json{{"values", {"d"}}}));
  EXPECT_EQ(post("/list/l1/rpop", ""), (Json{{"values", {"e"}}}));
  EXPECT_EQ(post("/list/l1/lpush", R"({"value":{"deep":[1]}})"), (Json{{"length", 1}}));
  EXPECT_EQ(get("/list/l1/range?start=0&stop=-1")["values"], (Json{{{"deep", {1}}}}));

  EXPECT_EQ(post("/sortedset/z1/zadd", R"({"member":"player1","score":100.5})")["added"], 1);
  EXPECT_EQ(post("/sortedset/z1/zadd", R"({"members":[{"member":"player1","score":100.5},
                 {"member":"player2","score":200.0}]})")["added"],
            1);
  EXPECT_EQ(get("/sortedset/z1/zcard"), (Json{{"count", 2}}));
  EXPECT_EQ(
      get("/sortedset/z1/zrange?start=0&stop=-1&withscores=true")["members"],
      (Json{{{"member", "player1"}, {"score", 100.5}}, {{"member", "player2"}, {"score", 200}}}));
  EXPECT_EQ(get("/sortedset/z1/zrangebyscore?min=(100.5&max=%2Binf")["members"], (Json{"player2"}));

  EXPECT_EQ(server_->client().get("/memory/nothing/usage").body, R"({"bytes":0,"human":"0B"})");
  EXPECT_GT(get("/memory/z1/usage")["bytes"].get<int>(), 0);
}

TEST_F(StructuresTest, CommandsAnswerInFrames) {
  const Json set = command("set.sadd", {{"key", "s"}, {"members", {"a", "b"}}});
  EXPECT_EQ(set["type"], "response");
  EXPECT_EQ(set["status"], "success");
  EXPECT_EQ(set["payload"], (Json{{"added", 2}}));
  EXPECT_EQ(command("set.sismember", {{"key", "s"}, {"member", "a"}})["payload"],
            (Json{{"is_member", true}}));
  EXPECT_EQ(command("hash.hincrby", {{"key", "n"}, {"field", "f"}, {"increment", 41}})["payload"],
            (Json{{"value", 41}}));
  EXPECT_EQ(command("structure.expire", {{"key", "n"}, {"ttl", 100}})["payload"],
            (Json{{"result", true}}));
  EXPECT_EQ(command("structure.ttl", {{"key", "n"}})["payload"], (Json{{"ttl", 100}}));
}

TEST_F(StructuresTest, ErrorsOnTheWire) {
  post("/list/only-a-list/rpush", R"({"value":1})");
  const struct {
    Json frame;
    int status;
    const char* code;
  } frames[] = {
      {{{"command", "hash.hget"}, {"payload", {{"key", "only-a-list"}, {"field", "f"}}}},
       409,
       "CONFLICT"},
      {{{"command", "hash.fly"}, {"payload", Json::object()}}, 400, "INVALID_COMMAND"},
      {{{"command", "list.rpush"}, {"payload", {{"key", "l"}}}}, 422, "INVALID_PAYLOAD"},
      {{{"command", "list.rpush"}, {"payload", {{"key", "l"}, {"values", {1}}, {"other", 2}}}},
       422,
       "INVALID_PAYLOAD"},
      {{{"command", "set.sadd"}, {"payload", {{"key", std::string(513, 'k')}, {"member", 1}}}},
       422,
       "INVALID_PAYLOAD"},
  };
  for (const auto& one : frames) {
    const auto answer = server_->client().post("/api/v1/command", one.frame.dump());
    EXPECT_EQ(answer.status, one.status) << answer.body;
    EXPECT_EQ(Json::parse(answer.body)["error"]["code"], one.code) << answer.body;
  }
  const auto conflict =
      Json::parse(server_->client().post("/api/v1/command", frames[0].frame.dump()).body)["error"];
  EXPECT_NE(conflict["details"].dump().find("is a list"), std::string::npos) << conflict;

  const struct {
    const char* method;
    const char* path;
    const char* body;
    int status;
    const char* reason;
  } routes[] = {
      {"GET", "/hash/only-a-list/getall", "", 409, "wrong_structure_type"},
      {"POST", "/hash/h/mset", "{", 400, "invalid_json"},
      {"POST", "/hash/h/mset", "7", 400, "body_not_object"},
      {"POST", "/hash/h/mset", "{}", 422, "invalid_payload"},
      {"POST", "/hash/h/incrby", R"({"field":"f","increment":"x"})", 422, "invalid_payload"},
      {"GET", "/list/l/range?start=one", "", 422, "invalid_payload"},
      {"GET", "/list/l/range?from=1", "", 400, "unknown_parameter"},
      {"GET", "/sortedset/z/zrangebyscore?min=1", "", 422, "invalid_payload"},
  };
  for (const auto& one : routes) {
    auto client = server_->client();
    const auto answer =
        std::string(one.method) == "GET" ? client.get(one.path) : client.post(one.path, one.body);
    EXPECT_EQ(answer.status, one.status) << one.path << ": " << answer.body;
    EXPECT_EQ(Json::parse(answer.body)["reason"], one.reason) << one.path << ": " << answer.body;
  }
  EXPECT_EQ(server_->anonymous().get("/hash/h/getall").status, 401);
}

TEST_F(StructuresTest, ABatchRunsInOrder) {
  Json batch{{"type", "batch"}, {"request_id", "b1"}, {"commands", Json::array()}};
  for (int i = 0; i < 300; ++i) {
    batch["commands"].push_back(
        {{"command", "list.rpush"}, {"payload", {{"key", "ordered"}, {"value", i}}}});
  }
  batch["commands"].push_back({{"command", "list.llen"}, {"payload", {{"key", "ordered"}}}});
  batch["commands"].push_back({{"command", "list.rpop"}, {"payload", {{"key", "ordered"}}}});
  batch["commands"].push_back({{"command", "hash.hlen"}, {"payload", {{"key", "ordered"}}}});
  const auto answer = Json::parse(server_->client().post("/api/v1/command", batch.dump()).body);
  ASSERT_EQ(answer["results"].size(), 303U);
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(answer["results"][static_cast<std::size_t>(i)]["payload"]["length"], i + 1);
  }
  EXPECT_EQ(answer["results"][300]["payload"]["length"], 300);
  EXPECT_EQ(answer["results"][301]["payload"]["values"], (Json{299}));
  EXPECT_EQ(answer["results"][302]["error"]["code"], "CONFLICT");
}

TEST_F(StructuresTest, SixtyFourClientsLoseNothing) {
  constexpr int kClients = 64;
  constexpr int kEach = 20;
  std::vector<std::thread> clients;
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([c] {
      auto client = server_->client();
      for (int i = 0; i < kEach; ++i) {
        const std::string id = std::to_string(c) + "-" + std::to_string(i);
        EXPECT_EQ(client.post("/hash/many/incrby", R"({"field":"n"})").status, 200);
        EXPECT_EQ(client.post("/list/many-l/rpush", R"({"value":")" + id + R"("})").status, 200);
        EXPECT_EQ(client.post("/sortedset/many-z/zincrby", R"({"member":"m"})").status, 200);
      }
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(get("/hash/many/n")["value"], kClients * kEach);
  EXPECT_EQ(get("/sortedset/many-z/zscore?member=m")["score"], kClients * kEach);
  std::set<std::string> values;
  const Json all = get("/list/many-l/range");
  for (const auto& value : all["values"]) values.insert(value.get<std::string>());
  EXPECT_EQ(values.size(), static_cast<std::size_t>(kClients * kEach));
}

TEST_F(StructuresTest, WhatExpiresDisappears) {
  post("/set/short/add", R"({"member":1})");
  post("/structures/short/expire", R"({"ttl":1})");
  EXPECT_EQ(get("/structures/short")["found"], true);
  EXPECT_TRUE(wait_until([] { return get("/structures/short")["found"] == false; }));
  EXPECT_EQ(get("/memory/short/usage")["bytes"], 0);
}

TEST_F(StructuresTest, HealthAndMetricsShowTheLog) {
  EXPECT_EQ(get("/health")["components"]["structures"], "operational");
  post("/hash/seen/set", R"({"field":"f","value":1})");
  const Json status = get("/health/status");
  EXPECT_EQ(status["structures"]["replica"]["lag"], 0) << status["structures"];
  EXPECT_GE(status["structures"]["hash"]["keys"].get<int>(), 1);
  const auto page = server_->client().get("/metrics").body;
  for (const char* sample :
       {"weir_replica_lag_entries{log=\"data\"} 0", "weir_replica_lag_entries{log=\"jobs\"} 0",
        "weir_structures{type=\"hash\"}", "weir_structures_max_bytes 1073741824"}) {
    EXPECT_NE(page.find(sample), std::string::npos) << sample;
  }
}

TEST(StructuresOff, AreRefused) {
  WeirServer server({.env = {{"WEIR_STRUCTURES", "false"}}});
  server.start();
  const auto answer = server.client().get("/hash/h/getall");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(Json::parse(answer.body)["reason"], "structures_off");
  EXPECT_FALSE(
      Json::parse(server.client().get("/health").body)["components"].contains("structures"));
}

// The leader takes snapshots of this log too, truncates it, and a wiped coordinator begins with
// one.
TEST(StructuresSnapshot, AWipedCoordinatorBeginsWithIt) {
  NatsServer nats;
  nats.start();
  WeirServer server({.nats_url = nats.url(), .flags = {"--snapshot-log-bytes", "256KiB"}});
  server.start();
  auto client = server.client();
  ASSERT_EQ(client.post("/hash/kept/set", R"({"field":"f","value":"v"})").status, 200);
  const std::string push = R"({"value":")" + std::string(20'000, 'x') + R"("})";
  const auto truncated = [&] {
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(client.post("/list/turned/rpush", push).status, 200);
      EXPECT_EQ(client.post("/list/turned/lpop", "").status, 200);
    }
    const auto status = client.get("/health/status");
    const auto applied =
        status.json().find("structures").find("replica").find("applied_revision").as_int();
    for (const auto stream : status.json().find("streams").elements()) {
      if (stream.find("name").as_string() != "DATA") continue;
      return stream.find("messages").as_int().value_or(0) < applied.value_or(0);
    }
    return false;
  };
  ASSERT_TRUE(wait_until(truncated, std::chrono::seconds(60))) << server.log();
  HttpAnswer taken;  // refused while the leader takes one by itself
  ASSERT_TRUE(wait_until([&] {
    taken = client.post("/v1/snapshots?log=data", "{}");
    return taken.status == 201;
  })) << taken.body;
  const auto id = taken.json().find("id").as_string().value_or("");
  EXPECT_EQ(client.post("/v1/snapshots/" + id + "/verify?log=data", "{}").status, 200);
  EXPECT_EQ(client.post("/v1/snapshots/" + id + "/verify", "{}").status, 404);
  EXPECT_EQ(client.get("/v1/snapshots?log=others").status, 400);
  EXPECT_EQ(server.stop(), 0);
  std::filesystem::remove_all(server.data_dir());
  server.start();
  EXPECT_NE(server.log().find("snapshot_restored"), std::string::npos) << server.log();
  EXPECT_EQ(server.client().get("/hash/kept/f").body, R"({"found":true,"value":"v"})");
  EXPECT_EQ(server.client().get("/structures/turned").body,
            R"({"found":false,"type":"none","count":0,"bytes":0,"ttl":null})");
}

// On every server version: two coordinators see the same, also after one of them was killed and
// its data directory wiped.
class StructuresOnNats : public testing::TestWithParam<std::string> {};

TEST_P(StructuresOnNats, EveryCoordinatorHasThem) {
  NatsServer nats(GetParam());
  nats.start();
  const WeirOptions options{.nats_url = nats.url(), .env = {{"WEIR_STRUCTURES_MAX_BYTES", "2MiB"}}};
  WeirServer first(options);
  auto same_key = options;
  same_key.key = first.key();
  WeirServer second(same_key);
  first.start();
  second.start();
  ASSERT_EQ(first.client().post("/list/l/rpush", R"({"values":[1,2,3]})").status, 200);
  EXPECT_TRUE(
      wait_until([&] { return second.client().get("/list/l/len").body == R"({"length":3})"; }));
  EXPECT_EQ(second.client().post("/list/l/lpop", "").body, R"({"values":[1]})");
  first.kill();
  ASSERT_EQ(second.client().post("/list/l/rpush", R"({"value":4})").status, 200);
  std::filesystem::remove_all(first.data_dir());
  first.start();
  EXPECT_TRUE(wait_until(
      [&] { return first.client().get("/list/l/range").body == R"({"values":[2,3,4]})"; }));
  // The limit is in the log: both refuse.
  const std::string large = "\"" + std::string(900'000, 'x') + "\"";
  int status = 200;
  for (int i = 0; i < 5 && status == 200; ++i) {
    status = first.client().post("/list/l/rpush", R"({"value":)" + large + "}").status;
  }
  EXPECT_EQ(status, 507);
  EXPECT_EQ(second.client().post("/list/l/rpush", R"({"value":)" + large + "}").status, 507);
}

INSTANTIATE_TEST_SUITE_P(Servers, StructuresOnNats, testing::ValuesIn(nats_server_programs()),
                         version_name);

}  // namespace
}  // namespace weir::test
