// Lifecycle events as a user follows them: replay and live are one, over restarts and losses.
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "tests/support/follower.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

// Runs jobs of queue q to their end: three events each.
void run_jobs(WeirServer& server, int count) {
  auto client = server.client();
  for (int i = 0; i < count; ++i) {
    ASSERT_EQ(client.post("/v1/jobs", R"({"queue":"q","type":"t"})").status, 201);
    const auto leased = client.post("/v1/queues/q/lease", R"({"worker":"w"})");
    std::string token;
    for (const auto job : leased.json().find("jobs").elements())
      token = job.find("lease").as_string().value_or("");
    ASSERT_EQ(client.post("/v1/leases/" + token + "/complete", "{}").status, 200);
  }
}

// `weir events --json`.
class EventsFollower {
 public:
  EventsFollower(const WeirServer& server, std::vector<std::string> arguments)
      : follower_(server, with_verb(std::move(arguments))) {}
  int wait() { return follower_.wait().value_or(-1); }
  std::vector<std::string> ids() const {
    std::vector<std::string> ids;
    std::istringstream in(follower_.out());
    for (std::string line; std::getline(in, line);) {
      if (!json::check(line)) continue;  // not whole yet
      ids.push_back(json::View(line).find("id").as_string().value_or(""));
    }
    return ids;
  }

 private:
  static std::vector<std::string> with_verb(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"events", "--json"});
    return arguments;
  }
  Follower follower_;
};

TEST(Events, ReplayAndLiveAreOneOverARestart) {
  WeirServer server;
  server.start();
  ASSERT_EQ(server.client().put("/v1/queues/q", R"({"events":true})").status, 200);
  const auto since = server.client().get("/v1/queues/q").header("weir-revision");
  run_jobs(server, 5);
  EventsFollower early(server, {"--queue", "q", "--since", since});
  ASSERT_TRUE(wait_until([&] { return early.ids().size() >= 15; }));
  run_jobs(server, 5);
  server.kill();
  server.start();
  run_jobs(server, 5);
  EventsFollower late(server, {"--queue", "q", "--since", since});
  ASSERT_TRUE(wait_until([&] { return early.ids().size() >= 45 && late.ids().size() >= 45; }))
      << early.ids().size() << " " << late.ids().size();
  EXPECT_EQ(early.ids(), late.ids());
  const auto ids = early.ids();
  for (std::size_t i = 1; i < ids.size(); ++i) {
    const auto revision = [&](std::size_t at) { return std::stol(ids[at]); };
    EXPECT_LE(revision(i - 1), revision(i));
    EXPECT_NE(ids[i - 1], ids[i]);
  }
}

TEST(Events, FollowingAJobEndsWithIt) {
  WeirServer server;
  server.start();
  ASSERT_EQ(server.client().post("/v1/jobs", R"({"id":"one","queue":"q"})").status, 201);
  EventsFollower follower(server, {"--job", "one"});
  ASSERT_TRUE(wait_until([&] { return follower.ids().size() == 1; })) << "the job as it is";
  const auto done = server.cli({"work", "--queue", "q", "--exec", "true", "--once"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(follower.wait(), 0);
  EXPECT_EQ(follower.ids().size(), 3U);
}

TEST(Events, AServerThatStopsEndsItsStreams) {
  WeirServer server;
  server.start();
  OpenConnections streams(
      server.port(), 20,
      "GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + server.key() + "\r\n\r\n");
  ASSERT_EQ(streams.size(), 20U);
  ASSERT_TRUE(wait_until([&] {
    return server.anonymous().get("/metrics").body.find("weir_http_event_streams 20") !=
           std::string::npos;
  }));
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(server.stop(), 0) << server.log();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(8));
}

}  // namespace
}  // namespace weir::test
