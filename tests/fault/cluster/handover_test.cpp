// Coordinators that stop, on purpose or not: another one leads within 5 s, and clients that know
// several addresses do not see a rolling restart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "tests/fault/cluster/traffic.hpp"
#include "tests/support/child.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Clock = std::chrono::steady_clock;

class Handover : public testing::Test {
 protected:
  void SetUp() override {
    nats_.start();
    for (auto* node : {&one_, &two_}) node->start();
    ASSERT_TRUE(wait_until([&] { return leader() != nullptr; }));
  }
  static bool leads(const WeirServer& node) {
    HttpClient client(node.port(), node.key(), std::chrono::seconds(1));
    return client.get("/health").json().find("role").as_string() == "leader";
  }
  WeirServer* leader() { return leads(one_) ? &one_ : leads(two_) ? &two_ : nullptr; }
  WeirServer& other(const WeirServer* node) { return node == &one_ ? two_ : one_; }
  // Milliseconds until this one leads.
  static std::int64_t time_until_it_leads(const WeirServer& node) {
    const auto began = Clock::now();
    EXPECT_TRUE(wait_until([&] { return leads(node); }));
    return std::chrono::duration_cast<Millis>(Clock::now() - began).count();
  }
  // Stops and starts each once, under whatever goes on.
  void restart_each() {
    for (auto* node : {&one_, &two_}) {
      EXPECT_EQ(node->stop(), 0);
      node->start();
    }
  }

  NatsServer nats_;
  WeirServer one_{{.nats_url = nats_.url()}};
  WeirServer two_{{.key = one_.key(), .nats_url = nats_.url()}};
};

TEST_F(Handover, AKilledLeaderIsReplacedWithinFiveSeconds) {
  WeirServer* leading = leader();
  leading->kill();
  const auto took = time_until_it_leads(other(leading));
  EXPECT_LT(took, 5'000);
  std::printf("takeover after %.1f s\n", static_cast<double>(took) / 1e3);
}

TEST_F(Handover, AStoppedOneHandsOverAtOnce) {
  WeirServer* leading = leader();
  std::thread stopping([&] { EXPECT_EQ(leading->stop(), 0); });
  const auto took = time_until_it_leads(other(leading));
  stopping.join();
  EXPECT_LT(took, 2'000);
  std::printf("handed over after %.1f s\n", static_cast<double>(took) / 1e3);
}

TEST_F(Handover, WhileItStopsItSaysSoAndStillAnswers) {
  auto client = one_.client();  // stays connected, so that the server waits for it
  ASSERT_EQ(client.get("/ready").status, 200);
  std::thread stopping([&] { EXPECT_EQ(one_.stop(), 0); });
  HttpAnswer ready;
  EXPECT_TRUE(wait_until([&] { return (ready = one_.anonymous().get("/ready")).status != 200; }));
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr(R"("ready":false)"));
  EXPECT_THAT(ready.body, HasSubstr(R"("stopping":true)"));
  const auto answer = client.post("/v1/jobs", R"({"queue":"q"})");
  EXPECT_EQ(answer.status, 201) << answer.body;
  EXPECT_EQ(answer.header("connection"), "close");
  stopping.join();
}

TEST_F(Handover, ARollingRestartFailsNoCall) {
  Traffic traffic({one_.port(), two_.port()}, one_.key(), {.queue = "rolling"});
  ASSERT_TRUE(wait_until([&] { return traffic.completed() > 100; }));
  restart_each();
  const auto before = traffic.completed();
  EXPECT_TRUE(wait_until([&] { return traffic.completed() > before + 100; }));
  EXPECT_TRUE(traffic.finish(std::chrono::seconds(20)));
  EXPECT_THAT(traffic.judge(), IsEmpty());
  EXPECT_EQ(traffic.unanswered_calls(), 0U) << "a call that was accepted is answered";
  std::printf("%zu calls, %zu refused and said again elsewhere, %.1f s without a completion\n",
              traffic.calls(), traffic.failed_calls(), traffic.longest_gap(Act::complete));
}

TEST_F(Handover, TheCommandLineAndTheWorkerDoNotSeeIt) {
  const std::string servers = one_.url() + "," + two_.url();
  const std::map<std::string, std::string> env = {{"WEIR_API_KEY", one_.key()}};
  const TempDir files;
  Child worker(
      {.argv = {weir_binary(), "work", "--queue", "cli", "--server", servers, "--exec", "true"},
       .env = env,
       .error_file = files.file("worker")});
  std::atomic<bool> restarted{false};
  std::size_t submitted = 0;
  std::thread submitting([&] {
    const Command submit{
        .argv = {weir_binary(), "submit", "1", "--queue", "cli", "--server", servers}, .env = env};
    for (; !restarted; ++submitted) {
      const auto done = run(submit);
      EXPECT_EQ(done.code, 0) << done.err;
    }
  });
  restart_each();  // not in a thread of its own: a child dies with the thread that started it
  restarted = true;
  submitting.join();
  const auto completed = [&] {
    return two_.client().get("/v1/queues/cli").json().find("counts").find("completed").as_int();
  };
  EXPECT_TRUE(wait_until([&] { return completed() == static_cast<std::int64_t>(submitted); }))
      << submitted << " submitted, " << completed().value_or(-1) << " completed\n"
      << read_file(files.file("worker"));
  worker.signal(SIGTERM);
  EXPECT_EQ(worker.wait(), 0) << read_file(files.file("worker"));
}

}  // namespace
}  // namespace weir::test
