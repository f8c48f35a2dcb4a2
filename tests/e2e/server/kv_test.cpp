// Keys and values as the wire shows them: the requests of the command API's reference, literally,
// and the resources under /v1/kv.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "pkg/json/view.hpp"
#include "tests/support/server_suite.hpp"

namespace weir::test {
namespace {

class KvTest : public ServerSuite {
 protected:
  // The answer's payload as text; a failed expectation when it is none.
  std::string command(const std::string& frame) {
    answer_ = client_.post("/api/v1/command", frame);
    EXPECT_EQ(answer_.status, 200) << answer_.body;
    EXPECT_EQ(text("type"), "response") << answer_.body;
    EXPECT_EQ(text("status"), "success");
    EXPECT_NE(text("request_id"), "");
    return std::string(answer_.json().find("payload").raw());
  }
  std::string text(std::string_view name) const {
    return answer_.json().find(name).as_string().value_or("");
  }
  static json::View find(const std::string& payload, std::string_view name) {
    return json::View(payload).find(name);
  }
  HttpAnswer answer_;
};

TEST_F(KvTest, TheReferencesSetGetAndDelete) {
  const auto set = command(R"({
    "command": "kv.set",
    "payload": {
      "key": "user:1001",
      "value": {"name": "Alice", "age": 30},
      "ttl": 3600,
      "nx": false,
      "xx": false
    }
  })");
  EXPECT_EQ(find(set, "key").raw(), "\"user:1001\"");
  EXPECT_EQ(find(set, "success").raw(), "true");
  EXPECT_EQ(find(set, "previous").raw(), "null");
  const auto get = command(R"({"command": "kv.get", "payload": {"key": "user:1001"}})");
  EXPECT_EQ(find(get, "found").raw(), "true");
  EXPECT_EQ(find(get, "value").raw(), R"({"name": "Alice", "age": 30})");
  const auto ttl = find(get, "ttl").as_int().value_or(0);
  EXPECT_GT(ttl, 3500);
  EXPECT_LE(ttl, 3600);
  const auto del =
      command(R"({"command": "kv.del", "payload": {"keys": ["user:1001", "user:1002"]}})");
  EXPECT_EQ(del, R"({"deleted":1})");
  EXPECT_EQ(command(R"({"command": "kv.get", "payload": {"key": "user:1001"}})"),
            R"({"found":false})");
}

TEST_F(KvTest, TheReferencesCounterAndScan) {
  for (int i = 1; i < 42; ++i) {
    command(R"({"command": "kv.incr", "payload": {"key": "counter:views", "amount": 1}})");
  }
  EXPECT_EQ(command(R"({"command": "kv.incr", "payload": {"key": "counter:views", "amount": 1}})"),
            R"({"value":42})");
  EXPECT_EQ(command(R"({"command": "kv.decr", "payload": {"key": "counter:views", "amount": 2}})"),
            R"({"value":40})");
  for (const auto* key : {"scan:1", "scan:2", "scan:3"}) {
    command(R"({"command":"kv.set","payload":{"key":")" + std::string(key) + R"(","value":1}})");
  }
  const auto all = command(
      R"({"command": "kv.scan", "payload": {"prefix": "scan:", "cursor": null, "count": 100}})");
  EXPECT_EQ(find(all, "keys").raw(), R"(["scan:1","scan:2","scan:3"])");
  EXPECT_EQ(find(all, "has_more").raw(), "false");
  const auto first = command(R"({"command":"kv.scan","payload":{"prefix":"scan:","limit":2}})");
  EXPECT_EQ(find(first, "keys").raw(), R"(["scan:1","scan:2"])");
  EXPECT_EQ(find(first, "has_more").raw(), "true");
  const auto rest = command(R"({"command":"kv.scan","payload":{"prefix":"scan:","cursor":)" +
                            std::string(find(first, "cursor").raw()) + "}}");
  EXPECT_EQ(find(rest, "keys").raw(), R"(["scan:3"])");
  EXPECT_EQ(find(command(R"({"command":"kv.keys","payload":{"pattern":"scan:?"}})"), "count").raw(),
            "3");
}

TEST_F(KvTest, TheReferencesBatch) {
  answer_ = client_.post("/api/v1/command", R"({
    "type": "batch",
    "request_id": "batch-001",
    "commands": [
      {"command": "kv.set", "payload": {"key": "user:1", "value": "data1"}},
      {"command": "kv.set", "payload": {"key": "user:2", "value": "data2"}},
      {"command": "kv.get", "payload": {"key": "user:1"}}
    ]
  })");
  EXPECT_EQ(answer_.status, 200);
  EXPECT_EQ(text("type"), "batch_response");
  EXPECT_EQ(text("request_id"), "batch-001");
  std::vector<std::string> payloads;
  for (const auto result : answer_.json().find("results").elements()) {
    EXPECT_EQ(result.find("status").raw(), "\"success\"");
    payloads.emplace_back(result.find("payload").raw());
  }
  ASSERT_EQ(payloads.size(), 3U);
  EXPECT_EQ(find(payloads[0], "success").raw(), "true");
  EXPECT_EQ(find(payloads[2], "found").raw(), "true");
  EXPECT_EQ(find(payloads[2], "value").raw(), "\"data1\"");
}

TEST_F(KvTest, TheRestOfTheCommands) {
  command(R"({"command":"kv.mset","payload":{"pairs":[{"key":"m:1","value":1},["m:2",[2]]]}})");
  command(R"({"command":"kv.mset","payload":{"pairs":{"m:3":{"n":3}}}})");
  EXPECT_EQ(command(R"({"command":"kv.mget","payload":{"keys":["m:3","none","m:1","m:2"]}})"),
            R"({"values":[{"n":3},null,1,[2]]})");
  EXPECT_EQ(command(R"({"command":"kv.exists","payload":{"key":"m:1"}})"), R"({"exists":true})");
  EXPECT_EQ(command(R"({"command":"kv.ttl","payload":{"key":"m:1"}})"), R"({"ttl":null})");
  EXPECT_EQ(command(R"({"command":"kv.expire","payload":{"key":"m:1","ttl":60}})"),
            R"({"result":true})");
  EXPECT_EQ(command(R"({"command":"kv.ttl","payload":{"key":"m:1"}})"), R"({"ttl":60})");
  EXPECT_EQ(command(R"({"command":"kv.persist","payload":{"key":"m:1"}})"), R"({"result":true})");
  EXPECT_EQ(command(R"({"command":"kv.del","payload":{"key":"m:1"}})"), R"({"deleted":true})");
  EXPECT_EQ(
      find(command(R"({"command":"kv.mdel","payload":{"keys":["m:1","m:2","m:3"]}})"), "count")
          .raw(),
      "2");
  EXPECT_EQ(
      find(command(R"({"command":"kv.set","payload":{"key":"nx","value":1,"nx":true}})"), "success")
          .raw(),
      "true");
  EXPECT_EQ(
      find(command(R"({"command":"kv.set","payload":{"key":"nx","value":2,"nx":true}})"), "success")
          .raw(),
      "false");
  command(R"({"command":"kv.set","payload":{"bucket":"other","key":"o","value":1}})");
  EXPECT_EQ(command(R"({"command":"kv.dbsize","payload":{"bucket":"other"}})"), R"({"count":1})");
  EXPECT_EQ(command(R"({"command":"kv.dbsize","payload":{"bucket":"missing"}})"), R"({"count":0})");
  EXPECT_EQ(
      find(command(R"({"command":"kv.stats","payload":{"bucket":"other"}})"), "total_keys").raw(),
      "1");
}

TEST_F(KvTest, ErrorsHaveTheReferencesCodes) {
  struct Case {
    std::string frame;
    int status;
    const char* code;
  };
  const Case cases[] = {
      {R"({"command":"kv.get","payload":{}})", 422, "INVALID_PAYLOAD"},
      {R"({"command":"kv.set","payload":{"key":"k"}})", 422, "INVALID_PAYLOAD"},
      {R"({"command":"kv.set","payload":{"key":"k","value":1,"ttl":0}})", 422, "INVALID_PAYLOAD"},
      {R"({"command":"kv.set","payload":{"key":"k","value":1,"nx":true,"xx":true}})", 422,
       "INVALID_PAYLOAD"},
      {R"({"command":"kv.get","payload":{"key":"k","bucket":"no good"}})", 422, "INVALID_PAYLOAD"},
      {R"({"command":"kv.get","payload":{"key":"k","bucket":"weir-leader"}})", 403, "FORBIDDEN"},
      {R"({"command":"kv.flush"})", 400, "INVALID_COMMAND"},
      {R"({"command":"kv.get","payload":{"key":")" + std::string(513, 'k') + "\"}}", 422,
       "INVALID_PAYLOAD"}};
  for (const auto& c : cases) {
    const auto answer = client_.post("/api/v1/command", c.frame);
    EXPECT_EQ(answer.status, c.status) << c.frame << answer.body;
    EXPECT_EQ(answer.json().find("error").find("code").as_string().value_or(""), c.code);
    EXPECT_EQ(answer.json().find("success").raw(), "false");
    EXPECT_TRUE(answer.json().find("error").find("details").is_object());
  }
  command(R"({"command":"kv.set","payload":{"key":"word","value":"text"}})");
  const auto counted =
      client_.post("/api/v1/command", R"({"command":"kv.incr","payload":{"key":"word"}})");
  EXPECT_EQ(counted.status, 422);
  const auto anonymous = server_->anonymous().post("/api/v1/command", R"({"command":"kv.dbsize"})");
  EXPECT_EQ(anonymous.status, 401);
  EXPECT_EQ(anonymous.json().find("error").find("code").raw(), "\"UNAUTHORIZED\"");
  const auto large = client_.post("/api/v1/command", std::string((16U << 20U) + 1, ' '));
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(large.json().find("error").find("code").raw(), "\"PAYLOAD_TOO_LARGE\"");
}

TEST_F(KvTest, ARepeatedRequestIdWritesOnce) {
  const std::string frame =
      R"({"command":"kv.set","request_id":"once","payload":{"key":"once","value":1}})";
  const auto first = command(frame);
  command(R"({"command":"kv.set","payload":{"key":"once","value":2}})");
  EXPECT_EQ(command(frame), first);
  EXPECT_EQ(find(command(R"({"command":"kv.get","payload":{"key":"once"}})"), "value").raw(), "2");
}

TEST_F(KvTest, SixtyFourClientsCountWithoutLoss) {
  constexpr int kClients = 64;
  constexpr int kEach = 10;
  std::vector<std::thread> clients;
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([] {
      auto client = server_->client();
      for (int i = 0; i < kEach; ++i) {
        const auto answer =
            client.post("/api/v1/command", R"({"command":"kv.incr","payload":{"key":"many"}})");
        EXPECT_EQ(answer.status, 200) << answer.body;
      }
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(find(command(R"({"command":"kv.get","payload":{"key":"many"}})"), "value").raw(),
            std::to_string(kClients * kEach));
}

TEST_F(KvTest, ThePlainRoutes) {
  EXPECT_EQ(client_.post("/kv/msetnx", R"({"key":"p:1","value":{"name":"Alice"}})").body,
            R"({"success":true})");
  EXPECT_EQ(client_.post("/kv/msetnx", R"(["p:1", {"name": "Bob"}])").body, R"({"success":false})");
  EXPECT_EQ(client_.post("/kv/msetnx", R"(["p:2", 2])").body, R"({"success":true})");
  EXPECT_EQ(client_.post("/kv/msetnx", R"({"pairs":[["p:3",1],["p:1",1]]})").body,
            R"({"success":false})");
  EXPECT_EQ(client_.post("/kv/mget", R"({"keys":["p:1","p:2","p:3"]})").body,
            R"({"values":[{"name":"Alice"},2,null]})");
  EXPECT_EQ(client_.post("/kv/get", "{}").status, 422);
}

TEST_F(KvTest, KeysAsResources) {
  const auto made = client_.send("PUT", "/v1/kv/docs/a%3Ab", R"({"n":1})");
  EXPECT_EQ(made.status, 201) << made.body;
  const auto tag = made.header("etag");
  const auto got = client_.get("/v1/kv/docs/a%3Ab");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.header("etag"), tag);
  EXPECT_EQ(got.json().find("key").raw(), "\"a:b\"");
  EXPECT_EQ(got.json().find("value").raw(), R"({"n":1})");
  EXPECT_EQ(client_.get("/v1/kv/docs/a%3Ab?raw=true").body, R"({"n":1})");
  // Not by the client library: it waits for the body that a 304 never has.
  const auto known =
      exchange_raw(server_->port(),
                   "GET /v1/kv/docs/a%3Ab HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: " +
                       server_->key() + "\r\nIf-None-Match: " + tag + "\r\n\r\n");
  EXPECT_TRUE(known.starts_with("HTTP/1.1 304 ")) << known;
  EXPECT_NE(known.find("ETag: " + tag), std::string::npos) << known;
  EXPECT_TRUE(known.ends_with("\r\n\r\n")) << "no body: " << known;

  EXPECT_EQ(client_.send("PUT", "/v1/kv/docs/a%3Ab", "2", {{"If-None-Match", "*"}}).status, 409);
  EXPECT_EQ(client_.send("PUT", "/v1/kv/docs/a%3Ab", "2", {{"If-Match", "\"9999\""}}).status, 409);
  const auto replaced = client_.send("PUT", "/v1/kv/docs/a%3Ab", "2", {{"If-Match", tag}});
  EXPECT_EQ(replaced.status, 200) << replaced.body;
  EXPECT_EQ(client_.send("PUT", "/v1/kv/docs/none", "2", {{"If-Match", "*"}}).status, 404);
  EXPECT_EQ(client_.send("PUT", "/v1/kv/docs/none", "2", {{"If-Match", "x"}}).status, 400);
  EXPECT_EQ(client_.send("PUT", "/v1/kv/docs/none", "{").status, 400);

  const auto bucket = client_.get("/v1/kv/docs?prefix=a");
  EXPECT_EQ(bucket.status, 200) << bucket.body;
  EXPECT_EQ(bucket.json().find("items").raw(), R"(["a:b"])");
  EXPECT_EQ(bucket.json().find("keys").raw(), "1");
  EXPECT_EQ(client_.send("DELETE", "/v1/kv/docs/a%3Ab", "", {{"If-Match", tag}}).status, 409);
  EXPECT_EQ(client_.send("DELETE", "/v1/kv/docs/a%3Ab", "").status, 200);
  EXPECT_EQ(client_.send("DELETE", "/v1/kv/docs/a%3Ab", "").status, 404);
  EXPECT_EQ(client_.get("/v1/kv/nowhere/k").status, 404);
}

TEST_F(KvTest, BucketsAsResources) {
  const auto put = [this](const std::string& path, const std::string& body) {
    return client_.put(path, body).status;
  };
  EXPECT_EQ(put("/v1/kv/past", R"({"history":3})"), 201);
  EXPECT_EQ(put("/v1/kv/past", R"({"history":3})"), 201) << "again changes nothing";
  EXPECT_EQ(put("/v1/kv/past", R"({"history":4})"), 409);
  EXPECT_EQ(put("/v1/kv/bad", R"({"history":65})"), 422);
  for (const auto* value : {"1", "2", "3", "4"}) {
    EXPECT_LT(client_.send("PUT", "/v1/kv/past/k", value).status, 300);
  }
  const auto history = client_.get("/v1/kv/past/k?history=true");
  std::string values;
  for (const auto item : history.json().find("items").elements())
    values += item.find("value").raw();
  EXPECT_EQ(values, "234") << history.body;
  EXPECT_NE(client_.get("/v1/kv").body.find("\"past\""), std::string::npos);
  EXPECT_EQ(client_.get("/v1/kv").body.find("weir-leader"), std::string::npos);
  EXPECT_EQ(client_.send("DELETE", "/v1/kv/past", "").status, 200);
  EXPECT_EQ(client_.get("/v1/kv/past").status, 404);
}

TEST_F(KvTest, TheCommandLine) {
  EXPECT_EQ(server_->cli({"kv", "put", "cli:1", R"({"n":1})", "--ttl", "1h"}).code, 0);
  EXPECT_EQ(server_->cli({"kv", "get", "cli:1"}).out, "{\"n\":1}\n");
  EXPECT_EQ(server_->cli({"kv", "put", "cli:2", "plain words"}).code, 0);
  EXPECT_EQ(server_->cli({"kv", "get", "cli:2"}).out, "plain words\n");
  EXPECT_EQ(server_->cli({"kv", "put", "cli:2", "x", "--if-missing"}).code, 6);
  EXPECT_EQ(server_->cli({"kv", "ls", "cli:"}).out, "cli:1\ncli:2\n");
  EXPECT_EQ(server_->cli({"kv", "get", "cli:none"}).code, 3);
  EXPECT_EQ(server_->cli({"kv", "del", "cli:2"}).code, 0);
  EXPECT_EQ(server_->cli({"kv", "bucket", "add", "cli", "--history", "5"}).code, 0);
  EXPECT_EQ(server_->cli({"kv", "put", "--bucket", "cli", "k", "1"}).code, 0);
  EXPECT_NE(server_->cli({"kv", "history", "--bucket", "cli", "k"}).out.find("put"),
            std::string::npos);
  EXPECT_NE(server_->cli({"kv", "bucket", "ls"}).out.find("cli"), std::string::npos);
  EXPECT_EQ(server_->cli({"kv", "bucket", "del", "cli", "--yes"}).code, 0);
  EXPECT_NE(server_->cli({"call", "kv.exists", R"({"key":"cli:1"})"}).out.find("true"),
            std::string::npos);
  EXPECT_EQ(server_->cli({"call", "kv.get", "{}"}).code, 2);
  EXPECT_EQ(server_->cli({"call", "kv.get", "[]"}).code, 2);
}

}  // namespace
}  // namespace weir::test
