// Publish and subscribe over every surface: WebSocket, SSE, REST, the command line, NATS.
#include <gtest/gtest.h>

#include <atomic>

#include "pkg/nats/connection.hpp"
#include "tests/support/follower.hpp"
#include "tests/support/nats_server.hpp"
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

// A NATS client replies, with JSON, with a text and with headers; or nobody does.
TEST(PubsubRequests, AreAnsweredByNatsClients) {
  NatsServer nats;
  nats.start();
  WeirServer server({.nats_url = nats.url()});
  server.start();
  nats::ConnectOptions options;
  options.urls = {nats.url()};
  const auto opened = nats::Connection::open(options);
  ASSERT_TRUE(opened && (*opened)->wait_connected(std::chrono::seconds(20)));
  auto& connection = **opened;
  std::atomic<int> asked{0};
  const auto replier = connection.subscribe("weir.pubsub.prices.*", [&](nats::Message message) {
    ++asked;
    const bool text = message.subject.ends_with("text");
    ASSERT_TRUE(connection.publish(message.reply, "", text ? "nine" : R"({"price":9})",
                                   text ? nats::Headers{{"Currency", "EUR"}} : nats::Headers{}));
    ASSERT_TRUE(connection.publish(message.reply, "", "a second reply"));
  });
  ASSERT_TRUE(replier);
  HttpAnswer answer;
  ASSERT_TRUE(wait_until([&] {
    answer = server.client().post("/v1/pubsub/prices.eu/request",
                                  R"({"message":{"sku":7},"timeout_ms":500})");
    return answer.status == 200;
  }));
  EXPECT_EQ(answer.body, R"({"topic":"prices.eu","message":{"price":9}})");
  answer = server.client().post("/v1/pubsub/prices.text/request", R"({"message":1})");
  EXPECT_EQ(answer.body,
            R"({"topic":"prices.text","message":"nine","headers":{"Currency":"EUR"}})");

  const auto begin = std::chrono::steady_clock::now();
  answer = server.client().post("/v1/pubsub/nobody/request", R"({"message":1,"timeout_ms":200})");
  EXPECT_EQ(answer.status, 504);
  EXPECT_EQ(answer.json().find("reason").as_string(), "no_reply") << answer.body;
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(200));

  answer = server.client().post("/v1/pubsub/prices.eu/request", R"({"metadata":1,"timeout_ms":0})");
  EXPECT_EQ(answer.status, 422);
  for (const auto* field : {"message", "metadata", "timeout_ms"})
    EXPECT_NE(answer.body.find(R"("field":")" + std::string(field)), std::string::npos)
        << "all at once: " << answer.body;

  const auto said = server.cli({"pubsub", "request", "prices.eu", R"({"sku":7})"});
  EXPECT_EQ(said.out, "{\"price\":9}\n") << said.err;
  EXPECT_NE(server.cli({"pubsub", "request", "nobody", "1", "--timeout", "100ms"}).code, 0);

  nats.kill();
  ASSERT_TRUE(wait_until([&] {
    answer = server.client().post("/v1/pubsub/prices.eu/request", R"({"message":1})");
    return answer.status == 503;
  }));
  EXPECT_EQ(server.stop(), 0);
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
