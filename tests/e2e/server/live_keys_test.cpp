// Who stays connected with a key that ends: every kind of event stream, and the WebSocket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "pkg/base/time_text.hpp"
#include "tests/support/server_suite.hpp"
#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class LiveKeys : public ServerSuite {
 protected:
  static void SetUpTestSuite() {
    ServerSuite::SetUpTestSuite();
    auto client = server_->client();
    ASSERT_EQ(
        client.post("/v1/jobs", R"({"id":"0190a0b0-0000-7000-8000-000000000001","queue":"q"})")
            .status,
        201);
    ASSERT_EQ(client.put("/v1/kv/bucket/k", "1").status / 100, 2);
    ASSERT_EQ(client.put("/v1/rooms/lobby", "").status / 100, 2);
    ASSERT_EQ(client.put("/v1/streams/orders", R"({"subjects":["orders.>"]})").status, 201);
  }

  struct Key {
    std::string id;
    std::string text;
  };
  static Key make_key(const std::string& more = "") {
    const auto made = server_->client().post(
        "/v1/keys",
        R"({"name":"k","scopes":["jobs:read","kv:read","streams:read","pubsub"])" + more + "}");
    EXPECT_EQ(made.status, 201) << made.body;
    return {made.json().find("id").as_string().value_or(""),
            made.json().find("key").as_string().value_or("")};
  }
  // All that a stream says until the server ends it.
  static std::future<std::string> follow(const std::string& path, const Key& key) {
    return std::async(std::launch::async, [path, key] {
      return exchange_raw(
          server_->port(),
          "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: " + key.text +
              "\r\n\r\n",
          std::chrono::seconds(10));
    });
  }
  static bool wait_streams(std::size_t count) {
    const auto line = "\nweir_http_event_streams " + std::to_string(count) + "\n";
    return wait_until(
        [&] { return server_->client().get("/metrics").body.find(line) != std::string::npos; });
  }
};

std::string in_two_seconds() {
  return format_rfc3339(SystemClock().wall() + std::chrono::seconds(2));
}

const std::vector<std::string>& paths() {
  static const std::vector<std::string> all{
      "/v1/events",
      "/v1/jobs/0190a0b0-0000-7000-8000-000000000001/events",
      "/v1/jobs/0190a0b0-0000-7000-8000-000000000001/logs?follow=true",
      "/v1/kv/bucket?watch=true",
      "/v1/kv/bucket/k?watch=true",
      "/v1/rooms/lobby/events?follow=true",
      "/v1/streams/orders/tail",
      "/v1/pubsub/news.*",
  };
  return all;
}

TEST_F(LiveKeys, EveryKindOfStreamEndsWithItsKey) {
  const auto revoked = make_key();
  const auto stays = make_key();
  std::vector<std::future<std::string>> ended;
  for (const auto& path : paths()) ended.push_back(follow(path, revoked));
  auto other = follow("/v1/pubsub/news.*", stays);
  ASSERT_TRUE(wait_streams(paths().size() + 1));
  ASSERT_EQ(server_->client().send("DELETE", "/v1/keys/" + revoked.id, "").status / 100, 2);
  ASSERT_TRUE(wait_streams(1)) << "only that of the other key goes on";
  for (std::size_t i = 0; i < paths().size(); ++i) {
    const auto said = ended[i].get();
    EXPECT_THAT(said, HasSubstr("HTTP/1.1 200")) << paths()[i];
    EXPECT_THAT(said, HasSubstr("event: unauthorized\ndata: {\"reason\":\"bad_api_key\""))
        << paths()[i];
    EXPECT_THAT(said, HasSubstr("\r\n0\r\n\r\n")) << "ended properly: " << paths()[i];
    const auto again = follow(paths()[i], revoked).get();
    EXPECT_THAT(again, HasSubstr("HTTP/1.1 401")) << paths()[i];
  }
  ASSERT_EQ(server_->client().post("/v1/pubsub/news.today", R"({"message":1})").status, 200);
  ASSERT_EQ(server_->client().send("DELETE", "/v1/keys/" + stays.id, "").status / 100, 2);
  const auto said = other.get();
  EXPECT_THAT(said, HasSubstr("news.today"));
  EXPECT_THAT(said, HasSubstr("event: unauthorized"));
}

TEST_F(LiveKeys, AStreamEndsWhenItsKeyIsRotatedOrExpires) {
  const auto rotated = make_key();
  auto stream = follow("/v1/kv/bucket?watch=true", rotated);
  ASSERT_TRUE(wait_streams(1));
  ASSERT_EQ(server_->client().post("/v1/keys/" + rotated.id + "/rotate", "").status, 200);
  EXPECT_THAT(stream.get(), HasSubstr("event: unauthorized"));
  const auto soon = make_key(",\"expires_at\":\"" + in_two_seconds() + "\"");
  auto expiring = follow("/v1/events", soon);
  EXPECT_THAT(expiring.get(), HasSubstr("event: unauthorized"));
}

TEST_F(LiveKeys, AnEventFeedOfManyKeysLosesOneOfThem) {
  const auto key = make_key();
  std::vector<std::future<std::string>> streams;
  for (int i = 0; i < 20; ++i) streams.push_back(follow("/v1/pubsub/news.*", key));
  auto admin = follow("/v1/pubsub/news.*", {"", server_->key()});
  ASSERT_TRUE(wait_streams(21));
  ASSERT_EQ(server_->client().send("DELETE", "/v1/keys/" + key.id, "").status / 100, 2);
  for (auto& stream : streams) EXPECT_THAT(stream.get(), HasSubstr("event: unauthorized"));
  ASSERT_EQ(server_->client().post("/v1/pubsub/news.late", R"({"message":1})").status, 200);
  const auto said = admin.get();
  EXPECT_THAT(said, HasSubstr("news.late"));
  EXPECT_THAT(said, Not(HasSubstr("event: unauthorized")));
}

}  // namespace
}  // namespace weir::test
