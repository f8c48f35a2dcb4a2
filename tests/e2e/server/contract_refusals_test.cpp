// The command API where it says no: errors, bad frames, and races that one may win.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <regex>
#include <set>
#include <thread>

#include "tests/support/nats_server.hpp"
#include "tests/support/server_suite.hpp"
#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

using testing::HasSubstr;

class ContractRefusals : public CommandSuite {};

// What each error of the reference looks like on the wire, but those that need a broken server.
TEST_F(ContractRefusals, ErrorsOnTheWire) {
  const auto quota = server_->client().post(
      "/v1/keys", R"({"name":"q","scopes":["jobs:write","kv:read"],"max_waiting":1})");
  HttpClient limited(server_->port(), quota.json().find("key").as_string().value_or(""));
  const auto once = [&](const char* command, const std::string& payload) {
    return limited.post("/api/v1/command", R"({"command":")" + std::string(command) +
                                               R"(","payload":)" + payload + "}");
  };
  ASSERT_EQ(once("queue.publish", R"({"queue":"quota","message":1})").status, 200);
  ask("queue.create", R"({"queue":"small","config":{"max_depth":1}})");
  ask("queue.publish", R"({"queue":"small","message":1})");
  ask("list.rpush", R"({"key":"list","value":1})");
  ask("kv.set", R"({"key":"word","value":"text"})");
  const struct {
    HttpAnswer answer;
    int status;
    const char* code;
  } cases[] = {
      {send("not JSON"), 400, "INVALID_REQUEST"},
      {send(R"({"payload":{}})"), 400, "INVALID_REQUEST"},
      {send(R"({"type":"batch","commands":[]})"), 400, "INVALID_REQUEST"},
      {ask("kv.fly", "{}"), 400, "INVALID_COMMAND"},
      {ask("kv.get", "{}"), 422, "INVALID_PAYLOAD"},
      {ask("kv.incr", R"({"key":"word"})"), 422, "INVALID_PAYLOAD"},
      {server_->anonymous().post("/api/v1/command", "{}"), 401, "UNAUTHORIZED"},
      {HttpClient(server_->port(), "weir_no_key").post("/api/v1/command", "{}"), 401,
       "UNAUTHORIZED"},
      {once("kv.set", R"({"key":"a","value":1})"), 403, "FORBIDDEN"},
      {ask("queue.stats", R"({"queue":"never"})"), 404, "QUEUE_NOT_FOUND"},
      {ask("queue.consume", R"({"queue":"never"})"), 404, "QUEUE_NOT_FOUND"},
      {ask("stream.history", R"({"room":"never"})"), 404, "ROOM_NOT_FOUND"},
      {ask("queue.ack", R"({"queue":"small","message_id":"0190a0b0-0000-7000-8000-000000000009"})"),
       404, "MESSAGE_NOT_FOUND"},
      {ask("queue.create", R"({"queue":"small"})"), 409, "QUEUE_EXISTS"},
      {ask("hash.hget", R"({"key":"list","field":"f"})"), 409, "CONFLICT"},
      {ask("kv.set", R"({"key":"large","value":")" + std::string(9U << 20U, 'x') + "\"}"), 413,
       "PAYLOAD_TOO_LARGE"},
      {once("queue.publish", R"({"queue":"quota","message":2})"), 429, "QUOTA_EXCEEDED"},
      {ask("queue.publish", R"({"queue":"small","message":2})"), 507, "QUEUE_FULL"},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(one.answer.status, one.status) << one.code << one.answer.body.substr(0, 300);
    EXPECT_EQ(code(one.answer), one.code) << one.answer.body.substr(0, 300);
    const auto frame = one.answer.json();
    EXPECT_EQ(frame.find("status").as_string(), "error");
    EXPECT_EQ(frame.find("success").raw(), "false");
    EXPECT_FALSE(frame.find("error").find("message").as_string().value_or("").empty());
    EXPECT_TRUE(frame.find("error").find("details").is_object());
  }
}

TEST_F(ContractRefusals, BadFramesEndTheSocketWithTheRightCode) {
  const auto close_code = [](const std::vector<WebSocketFrame>& frames) {
    auto socket = connect();
    for (const auto& frame : frames) socket.send(frame);
    return socket.read_close_code();
  };
  EXPECT_EQ(close_code({{.kind = WebSocketFrame::binary, .payload = "{}"}}), 1003);
  EXPECT_EQ(close_code({{.payload = "{}", .masked = false}}), 1002);
  EXPECT_EQ(close_code({{.payload = "{}", .reserved = 4}}), 1002);
  EXPECT_EQ(close_code({{.kind = WebSocketFrame::more, .payload = "{}"}}), 1002);
  EXPECT_EQ(close_code({{.payload = "\xff\xfe"}}), 1007);
  EXPECT_EQ(close_code({{.payload = std::string((16U << 20U) + 1, ' ')}}), 1009);
  // A message in pieces is one; an error frame leaves the socket open.
  auto socket = connect();
  socket.send({.payload = R"({"request_id":"1",)", .last = false});
  socket.send({.kind = WebSocketFrame::more, .payload = R"("command":"kv.dbsize"})"});
  EXPECT_THAT(socket.hear(), HasSubstr(R"("status":"success")"));
  for (const auto* bad :
       {"", "[]", "nothing", R"({"command":"no.such"})", R"({"command":"kv.get","payload":{}})"}) {
    socket.say(bad);
    EXPECT_THAT(socket.hear(), HasSubstr(R"("status":"error")")) << bad;
  }
  socket.say(R"({"command":"kv.dbsize"})");
  EXPECT_THAT(socket.hear(), HasSubstr(R"("status":"success")"));
}

// Of 64 that want the same, one gets it.
TEST_F(ContractRefusals, OneWinner) {
  constexpr int kClients = 64;
  const struct {
    const char* before;
    const char* frame;
  } races[] = {
      {"", R"({"command":"kv.set","payload":{"key":"race:nx","value":N,"nx":true}})"},
      {"", R"({"command":"kv.msetnx","payload":{"pairs":{"race:m1":N,"race:m2":N}}})"},
      {"", R"({"command":"queue.create","payload":{"queue":"race"}})"},
      {R"({"command":"queue.publish","payload":{"queue":"race-q","message":1}})",
       R"({"command":"queue.consume","payload":{"queue":"race-q","consumer_id":"cN"}})"},
      {R"({"command":"list.rpush","payload":{"key":"race:l","value":1}})",
       R"({"command":"list.lpop","payload":{"key":"race:l"}})"},
  };
  for (const auto& race : races) {
    if (*race.before != '\0') {
      ASSERT_EQ(send(race.before).status, 200) << race.before;
    }
    std::atomic<int> winners{0};
    std::vector<std::thread> clients;
    for (int c = 0; c < kClients; ++c) {
      clients.emplace_back([&, c] {
        const auto frame = std::regex_replace(race.frame, std::regex("N"), std::to_string(c));
        const auto answer = send(frame);
        const auto payload = answer.json().find("payload");
        const auto values = payload.find("values");
        if (payload.find("success").raw() == "true" || payload.find("message").is_object() ||
            values.raw() == "[1]") {
          ++winners;
        }
      });
    }
    for (auto& client : clients) client.join();
    EXPECT_EQ(winners.load(), 1) << race.frame;
  }
  // Both keys of the winner, or of nobody.
  const auto both = ask("kv.mget", R"({"keys":["race:m1","race:m2"]})");
  std::set<std::string> values;
  for (const auto value : both.json().find("payload").find("values").elements()) {
    values.emplace(value.raw());
  }
  EXPECT_EQ(values.size(), 1U);
  // xx: all write, none before it is there.
  EXPECT_EQ(ask("kv.set", R"({"key":"race:xx","value":1,"xx":true})")
                .json()
                .find("payload")
                .find("success")
                .raw(),
            "false");
}

TEST(ContractLimits, OfMemoryOfAKeyAndWithoutNats) {
  NatsServer nats;
  nats.start();
  WeirServer server({.nats_url = nats.url(), .flags = {"--structures-max-bytes", "1MiB"}});
  server.start();
  const auto code = [](const HttpAnswer& answer) {
    return std::to_string(answer.status) + " " +
           answer.json().find("error").find("code").as_string().value_or("none");
  };
  const auto ask = [&](HttpClient client, const std::string& frame) {
    return client.post("/api/v1/command", frame);
  };
  const auto push = R"({"command":"list.rpush","payload":{"key":"l","value":")" +
                    std::string(400'000, 'x') + "\"}}";
  ASSERT_TRUE(wait_until([&] { return ask(server.client(), push).status == 507; }));
  EXPECT_EQ(code(ask(server.client(), push)), "507 MEMORY_LIMIT_EXCEEDED");

  const auto made = server.client().post(
      "/v1/keys", R"({"name":"k","scopes":["kv:read"],"rate":{"limit":1,"per_ms":"1h"}})");
  const auto key = made.json().find("key").as_string().value_or("");
  const auto dbsize = R"({"command":"kv.dbsize"})";
  EXPECT_EQ(ask(HttpClient(server.port(), key), dbsize).status, 200);
  const auto limited = ask(HttpClient(server.port(), key), dbsize);
  EXPECT_EQ(code(limited), "429 RATE_LIMIT_EXCEEDED");
  for (const auto* header :
       {"retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}) {
    EXPECT_FALSE(limited.header(header).empty()) << header;
  }

  WebSocketClient socket(server.port(), "/api/v1/ws", "X-API-Key: " + server.key() + "\r\n");
  socket.say(R"({"command":"kv.watch","payload":{"bucket":"nowhere"}})");
  EXPECT_THAT(socket.hear(), HasSubstr(R"("code":"KEY_NOT_FOUND")"));

  nats.stop();
  for (const auto* frame :
       {R"({"command":"kv.set","payload":{"key":"k","value":1}})",
        R"({"command":"queue.create","payload":{"queue":"q"}})",
        R"({"command":"stream.publish","payload":{"room":"r","event":"e","data":1}})",
        R"({"command":"pubsub.publish","payload":{"topic":"t","message":1}})",
        R"({"command":"list.rpush","payload":{"key":"m","value":1}})"}) {
    HttpAnswer answer;
    EXPECT_TRUE(wait_until([&] {
      answer = ask(server.client(), frame);
      return answer.status == 503;
    })) << frame
        << answer.body;
    EXPECT_EQ(code(answer), "503 SERVICE_UNAVAILABLE") << frame;
  }
}

}  // namespace
}  // namespace weir::test
