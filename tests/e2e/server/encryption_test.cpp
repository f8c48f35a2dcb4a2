// Payload keys as an operator has them: a file, its rotation, and nothing readable on any disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "tests/support/nats_server.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kSecret = "blue-heron-4711";

// The files below a folder that hold the secret.
std::vector<std::string> files_with_secret(const std::string& folder) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    if (read_file(entry.path()).find(kSecret) != std::string::npos) out.push_back(entry.path());
  }
  return out;
}

std::string secret(const std::string& name) {
  return "\"" + name + "\":{\"s\":\"" + kSecret + "\"}";
}

std::string lease_of(const HttpAnswer& leased) {
  std::string out;
  for (const auto job : leased.json().find("jobs").elements()) {
    EXPECT_THAT(job.find("payload").raw(), HasSubstr(kSecret)) << leased.body;
    out = job.find("lease").as_string().value_or("");
  }
  EXPECT_FALSE(out.empty()) << leased.body;
  return out;
}

class Encryption : public testing::Test {
 protected:
  std::string generate() {
    const auto path = folder_.file("payload.keys");
    const auto made =
        run({.argv = {weir_binary(), "payload-key", "generate", path, "--id", "one"}});
    EXPECT_EQ(made.code, 0) << made.err;
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    return path;
  }
  Finished payload_key(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {weir_binary(), "payload-key"});
    return run({.argv = std::move(arguments)});
  }

  TempDir folder_;
};

// Everything that carries a value, through everything that keeps one.
void live(WeirServer& server, NatsServer* nats) {
  auto client = server.client();
  const auto post = [&](const std::string& path, const std::string& body) {
    const auto answer = client.post(path, body);
    EXPECT_THAT(answer.status, testing::AllOf(testing::Ge(200), testing::Lt(300)))
        << path << answer.body;
    return answer;
  };
  post("/v1/jobs", R"({"id":"j1","queue":"q",)" + secret("payload") + "}");
  const auto lease = "/v1/leases/" + lease_of(post("/v1/queues/q/lease", R"({"worker":"w"})"));
  post(lease + "/heartbeat", "{" + secret("checkpoint") + "}");
  post(lease + "/complete", "{" + secret("result") + "}");
  post("/v1/jobs", R"({"id":"j2","queue":"dead","max_attempts":1,)" + secret("payload") + "}");
  const auto dead = "/v1/leases/" + lease_of(post("/v1/queues/dead/lease", R"({"worker":"w"})"));
  post(dead + "/fail", R"({"error":"no"})");
  EXPECT_EQ(client
                .send("PUT", "/v1/schedules/s",
                      R"({"every":"1h","job":{"queue":"cron",)" + secret("payload") + "}}",
                      {{"content-type", "application/json"}})
                .status,
            200);
  post("/v1/schedules/s/trigger", "{}");
  post("/v1/jobs/batch", R"({"jobs":[{"id":"big","queue":"b","payload":["blue-heron-4711",")" +
                             std::string(20'000, 'x') + "\"]}]}");
  post("/v1/snapshots", "{}");
  nats->kill();
  ASSERT_TRUE(wait_until([&] { return client.get("/health/status").status == 503; }));
  const auto kept =
      client.post("/v1/jobs", R"({"id":"kept","queue":"q",)" + secret("payload") + "}");
  EXPECT_EQ(kept.status, 202) << kept.body;
}

class EncryptionOnNats : public Encryption, public testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(Versions, EncryptionOnNats, testing::ValuesIn(nats_server_programs()),
                         version_name);

TEST_P(EncryptionOnNats, NothingOnDiskShowsAPayload) {
  const auto keys = generate();
  NatsServer nats(GetParam());
  nats.start();
  WeirServer server({.nats_url = nats.url(), .flags = {"--payload-keys-file", keys}});
  server.start();
  live(server, &nats);
  EXPECT_THAT(files_with_secret(server.data_dir()), testing::IsEmpty());
  EXPECT_THAT(files_with_secret(nats.folder()), testing::IsEmpty());
  nats.start();
  auto client = server.client();
  ASSERT_TRUE(wait_until([&] { return client.get("/v1/jobs/kept").status == 200; }));
  EXPECT_THAT(files_with_secret(server.data_dir()), testing::IsEmpty());
  EXPECT_THAT(files_with_secret(nats.folder()), testing::IsEmpty());
  for (const char* id : {"j1", "j2", "big", "kept"}) {
    EXPECT_THAT(client.get("/v1/jobs/" + std::string(id)).body, HasSubstr(kSecret)) << id;
  }
  const auto j1 = client.get("/v1/jobs/j1");
  EXPECT_THAT(j1.json().find("result").raw(), HasSubstr(kSecret));
  EXPECT_THAT(j1.json().find("checkpoint").raw(), HasSubstr(kSecret));
  EXPECT_THAT(client.get("/v1/dlq/j2").body, HasSubstr(kSecret));
  lease_of(client.post("/v1/queues/cron/lease", R"({"worker":"w"})"));
  // A coordinator with nothing but the keys reads it all from the log.
  WeirServer other(
      {.key = server.key(), .nats_url = nats.url(), .flags = {"--payload-keys-file", keys}});
  other.start();
  ASSERT_TRUE(wait_until([&] { return other.client().get("/v1/jobs/kept").status == 200; }));
  EXPECT_THAT(other.client().get("/v1/jobs/j1").body, HasSubstr(kSecret));
}

// What the test above would see.
TEST_F(Encryption, WithoutKeysTheSecretIsOnDisk) {
  NatsServer nats;
  nats.start();
  WeirServer server({.nats_url = nats.url()});
  server.start();
  live(server, &nats);
  EXPECT_THAT(files_with_secret(server.data_dir()), Not(testing::IsEmpty()));
  EXPECT_THAT(files_with_secret(nats.folder()), Not(testing::IsEmpty()));
}

TEST_F(Encryption, KeysAreRotatedWithoutARestart) {
  const auto keys = generate();
  WeirServer server({.flags = {"--payload-keys-file", keys}});
  server.start();
  auto client = server.client();
  EXPECT_EQ(client.post("/v1/jobs", R"({"id":"old","queue":"q",)" + secret("payload") + "}").status,
            201);
  EXPECT_EQ(payload_key({"rotate", keys, "--id", "two"}).code, 0);
  ASSERT_TRUE(wait_until([&] {
    return server.log().find("payload_keys_reloaded") != std::string::npos;
  })) << server.log();
  EXPECT_THAT(payload_key({"list", keys}).out, HasSubstr("two  seals and opens\none  opens\n"));
  EXPECT_EQ(client.post("/v1/jobs", R"({"id":"new","queue":"q",)" + secret("payload") + "}").status,
            201);
  EXPECT_THAT(client.get("/v1/jobs/old").body, HasSubstr(kSecret));
  // Without the old key only the old job cannot be read, and whoever looks is told.
  const auto text = read_file(keys);
  write_file(keys, text.substr(0, text.find('\n') + 1));
  ASSERT_EQ(::kill(server.pid(), SIGHUP), 0);
  ASSERT_TRUE(wait_until([&] { return client.get("/v1/jobs/old").status == 503; }));
  EXPECT_THAT(client.get("/v1/jobs/old").body, HasSubstr("payload_key_missing"));
  EXPECT_THAT(client.get("/v1/jobs/new").body, HasSubstr(kSecret));
  EXPECT_THAT(server.cli({"doctor"}).out, HasSubstr("key id: one"));
  // A bad file changes nothing.
  write_file(keys, "nonsense\n");
  ASSERT_TRUE(wait_until(
      [&] { return server.log().find("payload_keys_not_reloaded") != std::string::npos; }));
  EXPECT_THAT(client.get("/v1/jobs/new").body, HasSubstr(kSecret));
  EXPECT_EQ(text.find(':') != std::string::npos &&
                server.log().find(text.substr(text.find(':') + 1, 20)) != std::string::npos,
            false);
}

TEST_F(Encryption, FilesOfOthersAndFilesThatAreThereAreRefused) {
  const auto keys = generate();
  EXPECT_EQ(payload_key({"generate", keys}).code, 2) << "it would lose the key";
  EXPECT_EQ(payload_key({"rotate", keys, "--id", "one"}).code, 2);
  EXPECT_EQ(payload_key({"rotate", keys, "--id", "a b"}).code, 2);
  EXPECT_NE(payload_key({"list", folder_.file("none")}).code, 0);
  ASSERT_EQ(::chmod(keys.c_str(), 0644), 0);
  const auto refused = run({.argv = {weir_binary(), "serve", "--data-dir", folder_.file("data"),
                                     "--http", "127.0.0.1:0", "--payload-keys-file", keys}});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.err, HasSubstr("open to other users"));
}

}  // namespace
}  // namespace weir::test
