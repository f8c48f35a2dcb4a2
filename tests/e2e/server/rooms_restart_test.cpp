// Followers of rooms that read slowly, and over restarts of the coordinator and of NATS.
#include <gtest/gtest.h>

#include "tests/support/follower.hpp"
#include "tests/support/interruptions.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/web_socket.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

void publish(const WeirServer& server, const std::string& room, const std::string& data) {
  const auto answer = server.client().post("/v1/rooms/" + room + "/events",
                                           R"({"event_type":"t","data":)" + data + "}");
  ASSERT_EQ(answer.status, 201) << answer.body;
}

std::unique_ptr<WebSocketClient> subscribe(const WeirServer& server, const std::string& payload) {
  auto client = std::make_unique<WebSocketClient>(server.port(), "/api/v1/ws",
                                                  "X-API-Key: " + server.key() + "\r\n");
  client->say(R"({"command":"stream.subscribe","payload":)" + payload + "}");
  const auto answer = client->hear();
  EXPECT_NE(answer.find(R"("success":true)"), std::string::npos) << answer;
  return client;
}

TEST(RoomsFollowers, WhoReadsSlowlyMissesNothing) {
  WeirServer server;
  server.start();
  const auto slow = subscribe(server, R"({"room":"big"})");
  constexpr int kEvents = 60;
  const std::string large = "\"" + std::string(200'000, 'x') + "\"";
  for (int i = 0; i < kEvents; ++i) publish(server, "big", large);  // more than the queues hold
  for (int i = 1; i <= kEvents; ++i) {
    const auto frame = slow->hear();
    ASSERT_TRUE(json::check(frame)) << i << ": " << frame.substr(0, 200);
    ASSERT_EQ(json::View(frame).find("offset").as_int(), i) << frame.substr(0, 200);
  }
  EXPECT_EQ(server.stop(), 0);
}

// A follower that goes on from the offset after its last one has everything once.
TEST(RoomsFollowers, NoGapAndNoDuplicateOverRestarts) {
  NatsServer nats;
  nats.start();
  WeirServer server({.nats_url = nats.url()});
  server.start();
  constexpr int kFollowers = 100;
  std::vector<std::int64_t> next(kFollowers, 1);  // offset
  std::vector<int> seen(kFollowers, 0);
  const Follower tail(server, {"room", "tail", "r", "--from", "0"});
  int written = 0;
  std::string expected;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<WebSocketClient>> clients;
    for (std::size_t i = 0; i < kFollowers; ++i) {
      clients.push_back(
          subscribe(server, R"({"room":"r","from_offset":)" + std::to_string(next[i]) + "}"));
    }
    for (int i = 0; i < 20; ++i, ++written) {
      publish(server, "r", std::to_string(written));
      publish(server, "other", "0");  // offsets of a room have gaps
      expected += std::to_string(2 * written + 1) + "  t  " + std::to_string(written) + "\n";
    }
    for (std::size_t i = 0; i < kFollowers; ++i) {
      const int until = written - (round < 2 ? static_cast<int>(i) % 20 : 0);  // some leave early
      while (seen[i] < until) {
        const auto frame = clients[i]->hear();
        ASSERT_TRUE(json::check(frame)) << frame;
        ASSERT_EQ(json::View(frame).find("data").as_int(), seen[i]++) << frame;
        next[i] = json::View(frame).find("offset").as_int().value_or(0) + 1;
      }
    }
    clients.clear();
    interrupt_after(round, server, nats, "/v1/rooms/r");
  }
  EXPECT_TRUE(wait_until([&] { return tail.out() == expected; })) << tail.out();
  EXPECT_EQ(server.stop(), 0);
}

}  // namespace
}  // namespace weir::test
