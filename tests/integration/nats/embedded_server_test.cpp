// The supervised nats-server child.
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>

#include "pkg/nats/embedded_server.hpp"
#include "pkg/nats/server_greeting.hpp"
#include "tests/integration/nats/link.hpp"
#include "tests/support/child.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/temp_dir.hpp"

namespace weir::nats {
namespace {

class Embedded : public testing::TestWithParam<std::string> {
 protected:
  EmbeddedOptions options() const {
    return {.data_dir = directory_.file("data"), .program = GetParam(), .versions_dir = ""};
  }
  std::unique_ptr<EmbeddedServer> started(const EmbeddedOptions& options) const {
    auto server = EmbeddedServer::make(options);
    EXPECT_TRUE(server) << describe(server.error());
    const auto up = (*server)->start();
    EXPECT_TRUE(up) << describe(up.error());
    return std::move(*server);
  }
  std::string config() const {
    return test::read_file(directory_.file("data/nats/nats-server.conf"));
  }

  test::TempDir directory_;
};

TEST_P(Embedded, KeepsItsPortItsPasswordAndItsStore) {
  ConnectOptions first;
  {
    const auto server = started(options());
    first = server->connect_options();
    const auto connection = connect(first);
    ASSERT_TRUE(connection->wait_connected(20s));
    ASSERT_TRUE(JetStream(connection).ensure_stream({.name = "S", .subjects = {"s"}}));
    ASSERT_TRUE(JetStream(connection).publish("s", "kept", {}));
    server->stop();
    EXPECT_EQ(server->pid(), 0);
  }
  const auto server = started(options());
  const auto second = server->connect_options();
  EXPECT_EQ(second.urls, first.urls);
  EXPECT_EQ(second.password, first.password);
  const auto connection = connect(second);
  ASSERT_TRUE(connection->wait_connected(20s));
  const auto kept = JetStream(connection).message("S", 1);
  ASSERT_TRUE(kept) << describe(kept.error());
  EXPECT_EQ(kept->data, "kept");
}

TEST_P(Embedded, IsStartedAgainWhenItDies) {
  const auto server = started(options());
  const auto connection = connect(server->connect_options());
  ASSERT_TRUE(connection->wait_connected(20s));
  const int first = server->pid();
  ASSERT_EQ(::kill(first, SIGKILL), 0);
  ASSERT_TRUE(wait_until([&] { return server->restarts() == 1 && server->pid() != 0; }));
  EXPECT_NE(server->pid(), first);
  EXPECT_TRUE(wait_until([&] { return connection->reconnects() == 1; }));
}

TEST_P(Embedded, LetsNobodyInWithoutThePassword) {
  const auto server = started(options());
  auto stranger = server->connect_options();
  stranger.password = "guess";
  EXPECT_FALSE(connect(stranger)->wait_connected(1s));
  struct stat client {};
  ASSERT_EQ(::stat(directory_.file("data/nats/client.json").c_str(), &client), 0);
  EXPECT_EQ(client.st_mode & 0777U, 0600U);
  const std::string command_line =
      test::read_file("/proc/" + std::to_string(server->pid()) + "/cmdline");
  EXPECT_FALSE(command_line.empty());
  EXPECT_EQ(command_line.find(server->connect_options().password), std::string::npos);
}

TEST_P(Embedded, SyncsAlwaysWhereTheServerKnowsHow) {
  const auto server = started(options());
  const bool knows = test::nats_server_version(GetParam()) >= test::NatsVersion{2, 10, 0};
  EXPECT_EQ(server->syncs_always(), knows);
  EXPECT_EQ(config().find("sync_interval: always") != std::string::npos, knows) << config();
}

TEST_P(Embedded, CanBeToldNotToSync) {
  auto quick = options();
  quick.sync_always = false;
  const auto server = started(quick);
  EXPECT_FALSE(server->syncs_always());
  EXPECT_EQ(config().find("sync_interval"), std::string::npos);
}

TEST_P(Embedded, AGivenPortThatIsTakenIsSaidClearly) {
  test::NatsServer other(GetParam());
  other.start();
  auto taken = options();
  taken.port = other.port();
  auto server = EmbeddedServer::make(taken);
  ASSERT_TRUE(server);
  const auto refused = (*server)->start();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "port_in_use");
  EXPECT_THAT(refused.error().details, testing::HasSubstr(std::to_string(other.port())));
}

TEST_P(Embedded, OneDataDirectoryHasOneServer) {
  const auto server = started(options());
  const auto second = EmbeddedServer::make(options());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, "data_dir_in_use");
}

TEST_P(Embedded, ADataDirectoryThatCannotBeMadeIsSaidClearly) {
  test::write_file(directory_.file("data"), "a file is in the way");
  const auto refused = EmbeddedServer::make(options());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "data_dir_not_writable");
}

TEST_P(Embedded, AServerThatCannotStartIsQuotedSoon) {
  std::filesystem::create_directories(directory_.file("data/nats"));
  test::write_file(directory_.file("data/nats/jetstream"), "a file is in the way");
  auto server = EmbeddedServer::make(options());
  ASSERT_TRUE(server);
  const auto refused = (*server)->start();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "nats_not_started");
  EXPECT_THAT(refused.error().details, testing::HasSubstr("JetStream"));
  EXPECT_THAT(refused.error().details,
              testing::Not(testing::HasSubstr((*server)->connect_options().password)));
}

// Another process that keeps a server in the same directory, to be killed.
class EmbeddedElsewhere : public Embedded {
 protected:
  // The process id of its server.
  pid_t start_elsewhere(const std::string& program) {
    parent_ = std::make_unique<test::Child>(test::Command{
        .argv = {WEIR_EMBEDDED_PARENT, program, directory_.file("data")},
        .output_file = directory_.file("out"),
        .error_file = directory_.file("err"),
    });
    EXPECT_TRUE(wait_until([&] { return test::read_file(directory_.file("out")) == "up\n"; }))
        << test::read_file(directory_.file("err"));
    return std::stoi(test::read_file(directory_.file("data/nats/nats-server.pid")));
  }
  static bool lives(pid_t pid) { return ::kill(pid, 0) == 0; }

  std::unique_ptr<test::Child> parent_;
};

TEST_P(EmbeddedElsewhere, TheServerDiesWithAKilledParent) {
  const pid_t orphan = start_elsewhere(GetParam());
  ASSERT_TRUE(lives(orphan));
  parent_->signal(SIGKILL);
  EXPECT_TRUE(wait_until([&] { return !lives(orphan); }));
  EXPECT_GT(started(options())->pid(), 0) << "and the next one begins";
}

TEST_P(EmbeddedElsewhere, TwoServersNeverShareAStore) {
  const auto deaf = directory_.file("deaf");  // does not hear that its parent died
  test::write_file(deaf, "#!/bin/sh\ntrap '' TERM\n" + GetParam() + " \"$@\"\n");
  ASSERT_EQ(::chmod(deaf.c_str(), 0700), 0);
  const pid_t orphan = start_elsewhere(deaf);
  parent_->signal(SIGKILL);
  ASSERT_TRUE(wait_until([&] { return !parent_->running(); }));

  auto next = EmbeddedServer::make(options());
  ASSERT_TRUE(next) << describe(next.error());
  const auto refused = (*next)->start();
  ASSERT_TRUE(lives(orphan));
  ASSERT_EQ(::kill(orphan, SIGKILL), 0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "nats_store_in_use");
  EXPECT_THAT(refused.error().details, testing::HasSubstr(std::to_string(orphan)));
  const auto up = (*next)->start();
  EXPECT_TRUE(up) << describe(up.error());
}

WEIR_ON_EVERY_SERVER(Embedded);
WEIR_ON_EVERY_SERVER(EmbeddedElsewhere);

TEST(FindServer, SaysWhenThereIsNone) {
  const auto missing = find_server("/nowhere/nats-server", "");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().reason, "nats_server_not_found");
}

TEST(FindServer, AsksForTheVersion) {
  const auto program = test::newest_nats_server();
  const auto found = find_server(program, "");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, program);
  EXPECT_EQ((test::NatsVersion{found->major, found->minor, found->patch}),
            test::nats_server_version(program));
}

TEST(Greeting, TellsTheVersionWithoutCredentials) {
  test::NatsServer server(test::newest_nats_server(), "authorization { token: \"secret\" }");
  server.start();
  const auto version = fetch_server_version(server.url(), 5s);
  ASSERT_TRUE(version) << describe(version.error());
  EXPECT_FALSE(version->empty());
  const auto nobody =
      fetch_server_version("nats://127.0.0.1:" + std::to_string(test::free_port()), 500ms);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().reason, "nats_unavailable");
  const auto nonsense = fetch_server_version("what is this", 500ms);
  ASSERT_FALSE(nonsense);
  EXPECT_EQ(nonsense.error().reason, "bad_nats_url");
}

}  // namespace
}  // namespace weir::nats
