// Publish and subscribe over every surface: WebSocket, SSE, REST, the command line, NATS.
#include <gtest/gtest.h>

#include "tests/support/follower.hpp"
#include "tests/support/server_suite.hpp"
#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

class Pubsub : public ServerSuite {
 protected:
  static std::string command(WebSocketClient& client, const std::string& name,
                             const std::string& payload) {
    client.say(R"({"request_id":"r","command":")" + name + R"(","payload":)" + payload + "}");
    return client.hear();
  }
  // Until this coordinator hears what it publishes.
  static void warm() {
    ASSERT_TRUE(wait_until([] {
      server_->client().post("/v1/pubsub/warm", R"({"message":1})");
      const auto stats = server_->client().post("/api/v1/command", R"({"command":"pubsub.stats"})");
      return stats.json().find("payload").find("received").as_int().value_or(0) > 0;
    }));
  }
};

TEST_F(Pubsub, FromRestToASocket) {
  warm();
  auto client = connect();
  EXPECT_EQ(
      command(client, "pubsub.subscribe",
              R"({"topics":["notifications.email.*","events.user.#"]})"),
      R"({"type":"response","request_id":"r","status":"success","success":true,)"
      R"("payload":)"
      R"({"success":true,"topics":["notifications.email.*","events.user.#"],"subscribed":2}})");
  const auto answer = server_->client().post("/pubsub/notifications.email.user/publish",
                                             R"({"payload":{"to":"alice@example.com"}})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json().find("topic").as_string(), "notifications.email.user");
  EXPECT_EQ(answer.json().find("subscribers_notified").as_int(), 1);
  EXPECT_EQ(answer.json().find("subscribers_matched").as_int(), 1);
  const auto frame = client.hear();
  const auto head = R"({"type":"message","topic":"notifications.email.user",)"
                    R"("message":{"to":"alice@example.com"})";
  EXPECT_TRUE(frame.starts_with(head)) << frame;
  EXPECT_EQ(json::View(frame).find("message_id").as_string(),
            answer.json().find("message_id").as_string());
  server_->client().post("/v1/pubsub/other", R"({"message":1})");
  server_->client().post("/v1/pubsub/events.user", R"({"data":[1,2]})");
  EXPECT_EQ(json::View(client.hear()).find("message").raw(), "[1,2]") << "and not the other one";
  command(client, "pubsub.unsubscribe", R"({"topics":["events.user.#"]})");
  server_->client().post("/v1/pubsub/events.user", R"({"message":1})");
  server_->client().post("/v1/pubsub/notifications.email.x", R"({"message":2})");
  EXPECT_EQ(json::View(client.hear()).find("message").raw(), "2");
}

TEST_F(Pubsub, SubscriptionsEndWithTheirSocket) {
  warm();
  const auto count = [] {
    const auto stats = server_->client().post("/api/v1/command", R"({"command":"pubsub.stats"})");
    return stats.json().find("payload").find("subscriptions").as_int().value_or(-1);
  };
  {
    auto client = connect();
    command(client, "pubsub.subscribe", R"({"topics":["ends.a","ends.#"]})");
    EXPECT_EQ(count(), 2);
  }
  EXPECT_TRUE(wait_until([&] { return count() == 0; }));
}

TEST_F(Pubsub, OrderAndNoLossToManySockets) {
  warm();
  constexpr int kSockets = 20;
  constexpr int kMessages = 200;
  std::vector<std::unique_ptr<WebSocketClient>> clients;
  for (int i = 0; i < kSockets; ++i) {
    clients.push_back(std::make_unique<WebSocketClient>(server_->port(), "/api/v1/ws",
                                                        "X-API-Key: " + server_->key() + "\r\n"));
    command(*clients.back(), "pubsub.subscribe", R"({"topics":["many.*"]})");
  }
  auto publisher = server_->client();
  for (int i = 0; i < kMessages; ++i)
    publisher.post("/v1/pubsub/many.x", R"({"message":)" + std::to_string(i) + "}");
  for (auto& client : clients) {
    for (int i = 0; i < kMessages; ++i)
      ASSERT_EQ(json::View(client->hear()).find("message").as_int(), i);
  }
}

TEST_F(Pubsub, Refusals) {
  const auto refused = [](const std::string& path, const std::string& body, int status,
                          const std::string& reason) {
    const auto answer = server_->client().post(path, body);
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(answer.json().find("reason").as_string(), reason) << answer.body;
  };
  refused("/v1/pubsub/a.%2A", R"({"message":1})", 422, "invalid_topic");
  refused("/v1/pubsub/a", R"({})", 422, "invalid_payload");
  refused("/v1/pubsub/a", R"({"message":1,"metadata":2})", 422, "invalid_payload");
  EXPECT_EQ(server_->client().get("/v1/pubsub/a.%23.b").status, 422);
  auto client = connect();
  for (const std::string payload : {R"({"topics":[]})", R"({"topics":[7]})", R"({})",
                                    R"({"topics":["a..b"]})", R"({"topics":"a b"})"}) {
    const auto frame = command(client, "pubsub.subscribe", payload);
    EXPECT_EQ(json::View(frame).find("error").find("code").as_string(), "INVALID_PAYLOAD") << frame;
  }
  const auto post = server_->client().post(
      "/api/v1/command", R"({"command":"pubsub.subscribe","payload":{"topics":["a"]}})");
  EXPECT_EQ(post.json().find("error").find("code").as_string(), "INVALID_COMMAND") << post.body;
}

TEST_F(Pubsub, TheCommandLine) {
  warm();
  const Follower follower(*server_, {"pubsub", "sub", "cli.#"});
  ASSERT_TRUE(wait_until([&] {
    EXPECT_EQ(server_->cli({"pubsub", "pub", "cli.x", R"({"id":7})"}).code, 0);
    return follower.out().find("cli.x  {\"id\":7}\n") != std::string::npos;
  }));
  EXPECT_EQ(server_->cli({"pubsub", "pub", "cli.y", "some text"}).code, 0);
  EXPECT_TRUE(follower.hears("cli.y  \"some text\"\n"));
  EXPECT_NE(server_->cli({"pubsub", "pub", "a..b", "1"}).code, 0);
}

}  // namespace
}  // namespace weir::test
