// Watching keys over Server-Sent Events, the WebSocket and the command line, across restarts.
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/follower.hpp"
#include "tests/support/interruptions.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/server_suite.hpp"

namespace weir::test {
namespace {

std::string text_at(const std::string& json, std::string_view name) {
  if (!json::check(json)) return "not JSON: " + json;
  return json::View(json).find(name).as_string().value_or("");
}

class KvWatchTest : public ServerSuite {
 protected:
  static void put(const std::string& path, const std::string& value) {
    const auto answer = server_->client().send("PUT", "/v1/kv/" + path, value);
    EXPECT_LT(answer.status, 300) << answer.body;
  }
};

TEST_F(KvWatchTest, AStreamSaysWhatIsThereAndGoesOnWhereItEnded) {
  put("sse/a", R"({"n":1})");
  put("sse/b", "2");
  const auto all = read_stream("/v1/kv/sse?watch=true");
  EXPECT_TRUE(all.starts_with("HTTP/1.1 200 ")) << all;
  EXPECT_NE(all.find("Content-Type: text/event-stream\r\n"), std::string::npos);
  const auto first =
      all.find("event: put\ndata: {\"key\":\"a\",\"value\":{\"n\":1},\"revision\":1,");
  const auto second = all.find("event: put\ndata: {\"key\":\"b\",\"value\":2,\"revision\":2,");
  const auto ready = all.find("event: ready\ndata: {\"revision\":2,\"operation\":\"ready\"}");
  EXPECT_LT(first, second) << all;
  EXPECT_LT(second, ready);
  ASSERT_NE(ready, std::string::npos) << all;
  const auto at = all.find("id: 1-");
  ASSERT_NE(at, std::string::npos) << all;
  const auto id = all.substr(at + 4, all.find('\n', at) - at - 4);
  const auto rest = read_stream("/v1/kv/sse?watch=true", "Last-Event-ID: " + id + "\r\n");
  EXPECT_EQ(rest.find("\"key\":\"a\""), std::string::npos) << rest;
  EXPECT_NE(rest.find("\"key\":\"b\""), std::string::npos) << rest;
  const auto one = read_stream("/v1/kv/sse/a?watch=true");
  EXPECT_NE(one.find("\"key\":\"a\""), std::string::npos) << one;
  EXPECT_EQ(one.find("\"key\":\"b\""), std::string::npos) << one;
  const auto other = read_stream("/v1/kv/sse?watch=true&prefix=x&after=1-0");
  EXPECT_NE(other.find("event: reset"), std::string::npos) << "of another bucket: " << other;
  EXPECT_EQ(other.find("\"key\""), std::string::npos) << other;
  const auto updates = read_stream("/v1/kv/sse?watch=true&updates=true");
  EXPECT_EQ(updates.find("\"key\""), std::string::npos) << updates;
  EXPECT_EQ(server_->client().get("/v1/kv/nowhere?watch=true").status, 404);
  EXPECT_EQ(server_->client().get("/v1/kv/sse?watch=true&after=x").status, 400);
}

TEST_F(KvWatchTest, ASocketWatchesAndLeaves) {
  put("ws/a", "1");
  auto client = connect();
  client.say(R"({"request_id":"r","command":"kv.watch","payload":{"bucket":"ws","watch":"w"}})");
  EXPECT_EQ(client.hear(),
            R"({"type":"response","request_id":"r","status":"success","success":true,)"
            R"("payload":{"success":true,"watch":"w","bucket":"ws","revision":1}})");
  const auto first = client.hear();
  EXPECT_TRUE(first.starts_with(R"({"type":"kv","watch":"w","bucket":"ws","id":"1-)")) << first;
  const json::View change = json::View(first).find("change");
  EXPECT_EQ(change.find("key").raw(), "\"a\"");
  EXPECT_EQ(change.find("operation").raw(), "\"put\"");
  EXPECT_NE(client.hear().find(R"("change":{"revision":1,"operation":"ready"})"),
            std::string::npos);
  client.say(R"({"request_id":"r","command":"kv.watch","payload":{"bucket":"ws","watch":"w"}})");
  EXPECT_EQ(json::View(client.hear()).find("error").find("code").raw(), "\"CONFLICT\"");
  put("ws/b", "2");
  EXPECT_NE(client.hear().find("\"key\":\"b\""), std::string::npos);
  client.say(R"({"command":"kv.unwatch","payload":{"watch":"w"}})");
  EXPECT_EQ(text_at(client.hear(), "status"), "success");
  put("ws/c", "3");
  client.say(R"({"request_id":"l","command":"kv.watch",)"
             R"("payload":{"bucket":"ws","key":"c","after":2}})");
  EXPECT_EQ(text_at(client.hear(), "request_id"), "l") << "and nothing of the watch that ended";
  EXPECT_NE(client.hear().find("\"key\":\"c\""), std::string::npos);
  EXPECT_NE(client.hear().find("ready"), std::string::npos);
  EXPECT_EQ(server_->client().send("DELETE", "/v1/kv/ws", "").status, 200);
  EXPECT_EQ(client.hear(), R"({"type":"kv_ended","watch":"l","bucket":"ws"})");
}

TEST_F(KvWatchTest, WhoReadsSlowlyMissesNothing) {
  ASSERT_EQ(server_->client().put("/v1/kv/slow", R"({"history":64})").status, 201);
  auto client = connect();
  client.say(R"({"request_id":"r","command":"kv.watch","payload":{"bucket":"slow"}})");
  EXPECT_EQ(text_at(client.hear(), "status"), "success");
  EXPECT_NE(client.hear().find("ready"), std::string::npos);
  constexpr int kWrites = 60;
  const std::string large = "\"" + std::string(200'000, 'x') + "\"";
  for (int i = 0; i < kWrites; ++i) put("slow/k", large);  // 12 MB: more than the queues hold
  for (int i = 1; i <= kWrites; ++i) {
    const auto frame = client.hear();
    ASSERT_EQ(json::View(frame).find("change").find("revision").as_int(), i)
        << frame.substr(0, 200);
  }
}

TEST_F(KvWatchTest, TheCommandLine) {
  put("cli/a", "1");
  const Follower follower(*server_, {"kv", "watch", "--bucket", "cli"});
  ASSERT_TRUE(follower.hears("1  put  a  1\n")) << follower.out();
  put("cli/b", R"("text")");
  EXPECT_EQ(server_->client().send("DELETE", "/v1/kv/cli/a", "").status, 200);
  EXPECT_TRUE(follower.hears("3  delete  a\n"));
  EXPECT_EQ(follower.out(), "1  put  a  1\n2  put  b  text\n3  delete  a\n");
}

// The coordinator goes and comes: watchers go on from their last id, everything once.
TEST(KvWatchRestart, NoGapAndNoDuplicate) {
  NatsServer nats;
  nats.start();
  WeirServer server({.nats_url = nats.url()});
  server.start();
  ASSERT_EQ(server.client().put("/v1/kv/r", R"({"history":64})").status, 201);
  constexpr int kSockets = 100;
  std::vector<std::string> ids(kSockets, "0");
  std::vector<int> seen(kSockets, 0);
  int written = 0;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<WebSocketClient>> clients;
    for (int i = 0; i < kSockets; ++i) {
      clients.push_back(std::make_unique<WebSocketClient>(server.port(), "/api/v1/ws",
                                                          "X-API-Key: " + server.key() + "\r\n"));
      clients.back()->say(R"({"command":"kv.watch","payload":{"bucket":"r","after":")" +
                          ids[static_cast<std::size_t>(i)] + "\"}}");
      ASSERT_EQ(text_at(clients.back()->hear(), "status"), "success");
    }
    for (int i = 0; i < 20; ++i, ++written) {
      const auto put = server.client().send("PUT", "/v1/kv/r/k" + std::to_string(i), "1");
      ASSERT_LT(put.status, 300) << put.body;
    }
    for (std::size_t i = 0; i < kSockets; ++i) {
      const int until = written - (round < 2 ? static_cast<int>(i) % 20 : 0);  // some leave early
      while (seen[i] < until) {
        const auto frame = clients[i]->hear();
        ASSERT_EQ(text_at(frame, "type"), "kv") << frame;
        const auto change = json::View(frame).find("change");
        if (change.find("operation").raw() == "\"ready\"") continue;
        ASSERT_EQ(change.find("revision").as_int(), ++seen[i]) << frame;
        ids[i] = text_at(frame, "id");
      }
    }
    clients.clear();
    interrupt_after(round, server, nats, "/v1/kv/r");
  }
}

}  // namespace
}  // namespace weir::test
