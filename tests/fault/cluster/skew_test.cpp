// Coordinators of an older version than what is in the log: they stop and say so, instead of
// guessing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pkg/nats/connection.hpp"
#include "pkg/nats/jetstream.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using testing::HasSubstr;

struct Newer {
  std::string name;
  std::string entry;
  std::string said;
  std::string refusal;  // at the next start
};

class Skew : public testing::TestWithParam<Newer> {};

TEST_P(Skew, StopsAnOlderCoordinator) {
  NatsServer nats;
  nats.start();
  WeirServer server({.nats_url = nats.url()});
  server.start();
  ASSERT_EQ(server.client().post("/v1/jobs", R"({"queue":"q","id":"before"})").status, 201);

  nats::ConnectOptions options;
  options.urls = {nats.url()};
  const auto connection = nats::Connection::open(options);
  ASSERT_TRUE(connection);
  ASSERT_TRUE((*connection)->wait_connected(std::chrono::seconds(20)));
  ASSERT_TRUE(nats::JetStream(*connection).publish("weir.log.jobs.0", GetParam().entry, {}));

  const auto ready = [&] { return server.anonymous().get("/ready").status; };
  EXPECT_TRUE(wait_until([&] { return ready() == 503; }));
  const auto submit = server.client().post("/v1/jobs", R"({"queue":"q","id":"after"})");
  EXPECT_EQ(submit.status, 503) << submit.body;
  EXPECT_THAT(server.client().get("/health/status").body, HasSubstr(GetParam().said));

  server.kill();
  server.launch();
  EXPECT_FALSE(server.wait_ready()) << "it does not start either";
  EXPECT_THAT(server.log(), HasSubstr("weir: " + GetParam().refusal));
}

INSTANTIATE_TEST_SUITE_P(
    Each, Skew,
    testing::Values(Newer{"EntryVersion", R"({"v":2,"p":"newer-1","n":1,"ops":[]})",
                          "unknown_entry_version",
                          "An entry of the log was written by a newer version"},
                    Newer{"Operation", R"({"v":1,"p":"newer-1","n":1,"ops":[["jobs.fly",{}]]})",
                          "unknown_operation", "This version does not know the operation"}),
    [](const auto& newer) { return newer.param.name; });

}  // namespace
}  // namespace weir::test
