// The command API over WebSocket, as the wire shows it.
#include <gtest/gtest.h>

#include "tests/support/server_suite.hpp"
#include "tests/support/web_socket.hpp"

namespace weir::test {
namespace {

constexpr auto kPath = "/api/v1/ws";

class Socket : public ServerSuite {
 protected:
  static std::string bearer(const std::string& key) {
    return "Authorization: Bearer " + key + "\r\n";
  }
  static WebSocketClient connect() {
    return WebSocketClient(server_->port(), kPath, bearer(server_->key()));
  }
  // {id, text} of a new key.
  static std::pair<std::string, std::string> make_key(const std::string& scopes,
                                                      const std::string& extra = "") {
    const auto made =
        server_->client().post("/v1/keys", R"({"name":"k","scopes":)" + scopes + extra + "}");
    EXPECT_EQ(made.status, 201) << made.body;
    return {made.json().find("id").as_string().value_or(""),
            made.json().find("key").as_string().value_or("")};
  }
};

std::string text_at(const std::string& frame, std::string_view name) {
  if (!json::check(frame)) return "not JSON: " + frame;
  return json::View(frame).find(name).as_string().value_or("");
}
std::string error_code(const std::string& frame) {
  if (!json::check(frame)) return "not JSON: " + frame;
  return json::View(frame).find("error").find("code").as_string().value_or("");
}

TEST_F(Socket, CredentialsInEveryForm) {
  const auto port = server_->port();
  const auto& key = server_->key();
  EXPECT_TRUE(WebSocketClient(port, kPath, bearer(key)).accepted());
  EXPECT_TRUE(WebSocketClient(port, kPath, "X-API-Key: " + key + "\r\n").accepted());
  EXPECT_TRUE(WebSocketClient(port, std::string(kPath) + "?api_key=" + key).accepted());
  EXPECT_EQ(WebSocketClient(port, kPath).status(), 401);
  EXPECT_EQ(WebSocketClient(port, kPath, bearer("wrong")).status(), 401);
  EXPECT_EQ(server_->client().get(kPath).status, 426);
}

TEST_F(Socket, TheRateOfAKeyHoldsOnItToo) {
  const auto key = make_key(R"(["pubsub"])", R"(,"rate":{"limit":3,"per_ms":"1h"})").second;
  WebSocketClient client(server_->port(), kPath, bearer(key));  // the first request
  ASSERT_TRUE(client.accepted());
  for (int i = 0; i < 3; ++i) client.say(R"({"command":"pubsub.topics","request_id":"r"})");
  EXPECT_EQ(text_at(client.hear(), "status"), "success");
  EXPECT_EQ(text_at(client.hear(), "status"), "success");
  const auto refused = client.hear();
  EXPECT_EQ(error_code(refused), "RATE_LIMIT_EXCEEDED");
  EXPECT_EQ(text_at(refused, "request_id"), "r");
  client.say(R"({"type":"ping"})");
  EXPECT_EQ(text_at(client.hear(), "type"), "pong") << "the socket stays open";
}

TEST_F(Socket, AnswersAreThoseOfPost) {
  auto client = connect();
  for (const std::string frame :
       {R"({"command":"pubsub.publish","request_id":"a","payload":{"topic":"a b","message":1}})",
        R"({"command":"no.such","request_id":"b"})", R"({"command":"admin.stats","payload":7})",
        R"({"request_id":"d"})",
        R"({"command":"pubsub.topics","request_id":"e","payload":{"x":1}})",
        R"({"type":"batch","request_id":"f","commands":[{"command":"no.such"},)"
        R"({"command":"pubsub.topics","payload":{"pattern":"never"}}]})"}) {
    client.say(frame);
    const auto heard = client.hear();
    const auto answer = server_->client().post("/api/v1/command", frame);
    if (text_at(frame, "request_id").empty()) {  // made up, each time another
      EXPECT_EQ(error_code(heard), error_code(answer.body)) << heard;
    } else {
      EXPECT_EQ(heard, answer.body);
    }
  }
  client.say("this is not JSON");
  EXPECT_EQ(error_code(client.hear()), "INVALID_REQUEST");
  client.say(R"({"command":"admin.health","request_id":"last"})");
  const auto health = client.hear();
  EXPECT_EQ(text_at(health, "status"), "success") << "the socket stays open: " << health;
  EXPECT_EQ(text_at(health, "request_id"), "last");
}

TEST_F(Socket, Heartbeats) {
  auto client = connect();
  client.say(R"({"type":"pong"})");
  client.say(R"({"type":"ping"})");
  EXPECT_EQ(client.hear(), R"({"type":"pong"})") << "and nothing before it";
}

TEST_F(Socket, ScopesHoldForEachCommand) {
  const auto [id, key] = make_key(R"(["health:read"])");
  WebSocketClient client(server_->port(), kPath, bearer(key));
  client.say(R"({"command":"admin.health"})");
  EXPECT_EQ(text_at(client.hear(), "status"), "success");
  for (const auto* command : {"pubsub.subscribe", "pubsub.publish", "pubsub.stats"}) {
    client.say(R"({"command":")" + std::string(command) +
               R"(","payload":{"topics":["a"],"topic":"a"}})");
    EXPECT_EQ(error_code(client.hear()), "FORBIDDEN") << command;
  }
}

TEST_F(Socket, ARevokedKeyEndsItsSocketsOnly) {
  const auto [id, key] = make_key(R"(["pubsub"])");
  WebSocketClient mine(server_->port(), kPath, bearer(key));
  auto other = connect();
  ASSERT_TRUE(mine.accepted());
  ASSERT_EQ(server_->client().send("DELETE", "/v1/keys/" + id, "").status, 200);
  EXPECT_EQ(mine.read_close_code(), 1008);
  other.say(R"({"type":"ping"})");
  EXPECT_EQ(other.hear(), R"({"type":"pong"})");
}

TEST_F(Socket, ARotatedKeyEndsItsSockets) {
  const auto [id, key] = make_key(R"(["pubsub"])");
  WebSocketClient client(server_->port(), kPath, bearer(key));
  ASSERT_EQ(server_->client().post("/v1/keys/" + id + "/rotate", "{}").status, 200);
  EXPECT_EQ(client.read_close_code(), 1008);
}

}  // namespace
}  // namespace weir::test
