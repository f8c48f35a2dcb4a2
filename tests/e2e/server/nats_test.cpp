// What an operator learns about NATS: from `weir doctor`, /health/status and the log; and what
// nobody learns: its passwords.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "pkg/base/assert.hpp"
#include "pkg/json/view.hpp"
#include "pkg/nats/jetstream.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Doctor, FindsAFreshServerWell) {
  WeirServer server;
  server.start();
  const auto told = server.cli({"doctor", "--data-dir", server.data_dir(), "--json"});
  EXPECT_EQ(told.code, 0) << told.out << told.err;
  const json::View report(told.out);
  std::map<std::string, std::string> severities;
  for (const auto finding : report.find("findings").elements()) {
    severities[finding.find("check").as_string().value_or("")] =
        finding.find("severity").as_string().value_or("");
  }
  for (const auto* check : {"server", "transport", "clock", "nats clock", "key", "key age",
                            "components", "streams", "permissions"}) {
    EXPECT_EQ(severities[check], "ok") << check << "\n" << told.out;
  }
  const bool knows = nats_server_version(newest_nats_server()) >= NatsVersion{2, 10, 0};
  EXPECT_EQ(severities["fsync"], knows ? "ok" : "warning");
  EXPECT_EQ(severities["nats version"], knows ? "ok" : "warning");
}

// The log was made by somebody else, so that it drops entries: an error with the way to repair it.
TEST(Doctor, FindsAStreamThatLosesWork) {
  NatsServer nats;
  nats.start();
  nats::ConnectOptions options;
  options.urls = {nats.url()};
  const auto connection = nats::Connection::open(options);
  ASSERT_TRUE(connection && (*connection)->wait_connected(std::chrono::seconds(20)));
  const auto made = nats::JetStream(*connection)
                        .call("STREAM.CREATE.JOBS",
                              R"({"name":"JOBS","subjects":["weir.log.jobs.0"],)"
                              R"("retention":"limits","storage":"file","discard":"old",)"
                              R"("num_replicas":1,"max_bytes":100000000,"allow_direct":true})");
  ASSERT_TRUE(made) << describe(made.error());
  WeirServer server({.nats_url = nats.url()});
  server.start();
  const auto told = server.cli({"doctor", "--data-dir", server.data_dir()});
  EXPECT_EQ(told.code, 1) << "errors were found";
  EXPECT_THAT(told.out, HasSubstr("drops its oldest messages"));
  EXPECT_THAT(told.out, HasSubstr("fix: nats stream edit JOBS --discard new"));
  EXPECT_THAT(told.out, HasSubstr("max_bytes is 100000000"));
  EXPECT_THAT(told.out, HasSubstr("fsync: not told"));
}

// A key that may only look at the health still gets a report.
TEST(Doctor, LeavesOutWhatItsKeyMayNotSee) {
  WeirServer server;
  server.start();
  const auto made =
      server.client().post("/v1/keys", R"({"name":"probe","scopes":["health:read"]})");
  ASSERT_EQ(made.status, 201) << made.body;
  const auto told =
      run({.argv = {weir_binary(), "doctor", "--data-dir", server.data_dir()},
           .env = {{"WEIR_URL", "http://127.0.0.1:" + std::to_string(server.port())},
                   {"WEIR_API_KEY", made.json().find("key").as_string().value_or("")}}});
  EXPECT_EQ(told.code, 0) << told.out << told.err;
  EXPECT_THAT(told.out, HasSubstr("key age: not shown to this key"));
}

TEST(NatsSecrets, AreNowhereToBeRead) {
  NatsServer nats(newest_nats_server(), "authorization { user: weir, password: \"s3cret-pw\" }");
  nats.start();
  const auto at = "127.0.0.1:" + std::to_string(nats.port());
  WeirServer server({.env = {{"WEIR_NATS_URL", "nats://weir:s3cret-pw@" + at}}});
  server.start();
  const auto status = server.client().get("/health/status");
  EXPECT_EQ(status.status, 200);
  EXPECT_EQ(status.json().find("nats").find("url").as_string(), "nats://" + at);
  for (const auto* path : {"/health/status", "/health", "/stats", "/metrics"}) {
    EXPECT_THAT(server.client().get(path).body, Not(HasSubstr("s3cret"))) << path;
  }
  for (const auto* verb : {"status", "doctor"}) {
    const auto told = server.cli({verb});
    EXPECT_THAT(told.out + told.err, Not(HasSubstr("s3cret"))) << verb;
  }
  EXPECT_EQ(server.stop(), 0);
  EXPECT_THAT(server.log(), Not(HasSubstr("s3cret")));
}

// The block of docs/operations.md, as it stands there.
std::string documented_user() {
  const auto page = read_file(std::string(WEIR_SOURCE_DIR) + "/docs/operations.md");
  const auto from = page.find("```\nauthorization {");
  WEIR_ASSERT(from != std::string::npos);
  return page.substr(from + 4, page.find("```", from + 4) - from - 4);
}

TEST(NatsUser, TheDocumentedPermissionsAreEnough) {
  NatsServer nats(newest_nats_server(), documented_user());
  nats.start();
  WeirServer server({.nats_url = nats.url(),
                     .flags = {"--snapshot-log-bytes", "0"},
                     .env = {{"WEIR_NATS_USER", "weir"}, {"WEIR_NATS_PASSWORD", "change-me"}}});
  server.start();
  auto client = server.client();
  ASSERT_EQ(client.put("/v1/queues/q", R"({"events":true})").status, 200);
  ASSERT_EQ(client.post("/v1/jobs", R"({"queue":"q","max_attempts":1})").status, 201);
  const auto leased = client.post("/v1/queues/q/lease", R"({"worker":"w"})");
  const auto lease =
      (*leased.json().find("jobs").elements().begin()).find("lease").as_string().value_or("");
  ASSERT_EQ(client.post("/v1/leases/" + lease + "/fail", R"({"error":{"message":"no"}})").status,
            200);
  EXPECT_EQ(server.cli({"snapshot", "save"}).code, 0);
  EXPECT_EQ(server.cli({"kv", "put", "k", "1", "--ttl", "1h"}).code, 0);
  EXPECT_EQ(server.cli({"kv", "get", "k"}).out, "1\n");
  EXPECT_EQ(server.cli({"kv", "ls"}).out, "k\n");
  EXPECT_EQ(server.cli({"kv", "bucket", "del", "default", "--yes"}).code, 0);
  EXPECT_EQ(server.cli({"pubsub", "pub", "t", "1"}).code, 0);
  const auto messages = [&](const std::string& name) -> std::int64_t {
    const auto status = client.get("/health/status");
    for (const auto stream : status.json().find("streams").elements()) {
      if (stream.find("name").as_string() == name)
        return stream.find("messages").as_int().value_or(0);
    }
    return 0;
  };
  for (const auto* stream : {"JOBS", "JOBS_DLQ", "JOB_EVENTS", "WEIR_SNAPSHOTS"}) {
    EXPECT_TRUE(wait_until([&] { return messages(stream) > 0; })) << stream;
  }
  EXPECT_EQ(server.cli({"doctor", "--data-dir", server.data_dir()}).code, 0);
  EXPECT_EQ(server.stop(), 0);
  EXPECT_THAT(server.log(), Not(HasSubstr("nats_not_permitted")));
  EXPECT_THAT(nats.log(), Not(HasSubstr("Permissions Violation")));
}

// A wrong password is told by name, in the log and in the health; the right one may come later.
TEST(NatsSecrets, ARefusalSaysWhyWithoutThem) {
  NatsServer nats(newest_nats_server(), "authorization { user: weir, password: \"right\" }");
  nats.start();
  WeirServer server({.nats_url = nats.url(),
                     .env = {{"WEIR_NATS_USER", "weir"}, {"WEIR_NATS_PASSWORD", "wr0ng-pw"}}});
  server.launch();
  ASSERT_TRUE(wait_until([&] { return server.anonymous().get("/health").status != 0; }));
  EXPECT_TRUE(wait_until([&] { return server.log().find("uthorization") != std::string::npos; }))
      << server.log();
  EXPECT_THAT(server.log(), Not(HasSubstr("wr0ng")));
  EXPECT_TRUE(server.running());
}

}  // namespace
}  // namespace weir::test
