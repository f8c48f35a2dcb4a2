// A room with a thousand subscribers: each gets every event, in order, while it is published.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/web_socket.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kReaders = 8;
constexpr std::size_t kSubscribersOfReader = 125;
constexpr int kEvents = 100;
constexpr std::chrono::milliseconds kPeriod{10};

using Sockets = std::vector<std::unique_ptr<WebSocketClient>>;

Sockets subscribe(const WeirServer& server) {
  Sockets out;
  const std::string headers = "X-API-Key: " + server.key() + "\r\n";
  for (std::size_t i = 0; i < kSubscribersOfReader; ++i) {
    out.push_back(std::make_unique<WebSocketClient>(server.port(), "/api/v1/ws", headers));
    out.back()->say(R"({"command":"stream.subscribe","payload":{"room":"r"}})");
    EXPECT_NE(out.back()->hear().find(R"("subscribed":true)"), std::string::npos);
  }
  return out;
}

// How many of its frames were not the next event of their socket.
int read_all(const Sockets& sockets) {
  int wrong = 0;
  for (int event = 0; event < kEvents; ++event) {
    for (const auto& socket : sockets) {
      const auto frame = socket->hear();
      const bool good = json::check(frame) && json::View(frame).find("data").as_int() == event;
      wrong += good ? 0 : 1;
    }
  }
  return wrong;
}

TEST(RoomWithManySubscribers, LosesNothing) {
  WeirServer server;
  server.start();
  std::vector<Sockets> sockets(kReaders);
  std::vector<std::thread> threads;
  for (auto& some : sockets) threads.emplace_back([&] { some = subscribe(server); });
  for (auto& thread : threads) thread.join();
  threads.clear();
  std::atomic<int> wrong = 0;
  for (const auto& some : sockets) threads.emplace_back([&] { wrong += read_all(some); });
  auto client = server.client();
  const auto begin = Clock::now();
  for (int event = 0; event < kEvents; ++event) {
    std::this_thread::sleep_until(begin + event * kPeriod);  // the rate, not a wait for something
    const auto answer = client.post("/v1/rooms/r/events",
                                    R"({"event_type":"t","data":)" + std::to_string(event) + "}");
    EXPECT_EQ(answer.status, 201) << answer.body;
    if (event == 0) {
      EXPECT_EQ(answer.json().find("subscribers_notified").as_int(),
                static_cast<std::int64_t>(kReaders * kSubscribersOfReader));
    }
  }
  for (auto& thread : threads) thread.join();
  const std::chrono::duration<double> took = Clock::now() - begin;
  EXPECT_EQ(wrong, 0);
  std::printf("%d events to %zu subscribers in %.2f s\n", kEvents, kReaders * kSubscribersOfReader,
              took.count());
  sockets.clear();
  EXPECT_EQ(server.stop(), 0);
}

}  // namespace
}  // namespace weir::test
