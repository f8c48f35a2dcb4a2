// Thousands of subscribers on one server: idle ones cost little memory and no time, and a message
// for a thousand of them reaches each, in order.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/scale/process_memory.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/web_socket.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kIdle = 5'000;  // of each kind

// File descriptors for this process; the server raises its own limit.
bool may_open(rlim_t files) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(files, limit.rlim_max));
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= files;
}

std::string bearer(const WeirServer& server) {
  return "Authorization: Bearer " + server.key() + "\r\n";
}

using Sockets = std::vector<std::unique_ptr<WebSocketClient>>;

Sockets open_sockets(const WeirServer& server, std::size_t count, const std::string& subscribe) {
  Sockets sockets;
  for (std::size_t i = 0; i < count; ++i) {
    sockets.push_back(
        std::make_unique<WebSocketClient>(server.port(), "/api/v1/ws", bearer(server)));
    sockets.back()->say(subscribe);
  }
  for (const auto& socket : sockets) {
    const auto answer = socket->hear();
    EXPECT_NE(answer.find(R"("status":"success")"), std::string::npos) << answer;
  }
  return sockets;
}

double median_read_us(HttpClient& client) {
  std::vector<double> took;
  for (int i = 0; i < 2'000; ++i) {
    const auto begin = Clock::now();
    EXPECT_EQ(client.get("/v1/queues/q").status, 200);
    took.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
  }
  std::nth_element(took.begin(), took.begin() + 1'000, took.end());
  return took[1'000];
}

// The figures of one kind of connection in /metrics.
double metric(const WeirServer& server, const std::string& name) {
  const auto text = "\n" + server.client().get("/metrics").body;
  const auto at = text.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2, 32));
}

TEST(Subscribers, TenThousandIdleOnesCostLittle) {
  if (!may_open(2 * kIdle + 500)) GTEST_SKIP() << "the limit on open files is too low";
  WeirServer server({.flags = {"--max-connections", "20000"}});
  server.start();
  auto client = server.client();
  ASSERT_EQ(client.put("/v1/queues/q", "{}").status, 200);
  median_read_us(client);  // warm
  const auto alone_us = median_read_us(client);
  const auto alone_mb = resident_mb(server.pid());

  const auto sockets = open_sockets(
      server, kIdle, R"({"command":"pubsub.subscribe","payload":{"topics":["quiet"]}})");
  const OpenConnections streams(
      server.port(), kIdle,
      "GET /v1/pubsub/quiet HTTP/1.1\r\nHost: localhost\r\n" + bearer(server) + "\r\n");
  ASSERT_EQ(streams.size(), kIdle);
  ASSERT_TRUE(wait_until(
      [&] { return metric(server, "weir_http_event_streams") >= static_cast<double>(kIdle); }));
  const auto crowded_mb = resident_mb(server.pid());
  median_read_us(client);
  const auto crowded_us = median_read_us(client);
  std::printf(
      "alone: %.0f MB, a read takes %.0f us; with 5,000 sockets and 5,000 streams: %.0f MB "
      "(%.1f KB each), %.0f us\n",
      alone_mb, alone_us, crowded_mb, (crowded_mb - alone_mb) * 1'024 / (2 * kIdle), crowded_us);
  EXPECT_LT(crowded_mb, 400);
  // The aim is 1.2; what is more here is the machine's noise.
  EXPECT_LT(crowded_us, 1.5 * alone_us + 100);

  ASSERT_EQ(client.post("/v1/pubsub/quiet", R"({"message":1})").status, 200);
  for (const auto& socket : sockets) {
    const auto frame = socket->hear();
    ASSERT_NE(frame.find(R"("message":1)"), std::string::npos) << frame;
  }
  server.stop();
}

}  // namespace
}  // namespace weir::test
