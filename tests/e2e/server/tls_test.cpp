// HTTPS as a user meets it: the server, the command line, a worker; certificates that are renewed
// while it runs; clients that must show one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "tests/support/certificates.hpp"
#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class Https : public testing::Test {
 protected:
  void SetUp() override { install("first"); }

  // Makes a certificate of this name the one that the server is configured with, as a tool that
  // renews certificates does.
  void install(const std::string& name) {
    const auto made = authority_.issue(name, "IP:127.0.0.1");
    std::filesystem::rename(made.file, cert_);
    std::filesystem::rename(made.key_file, key_);
  }
  void start(std::vector<std::string> more_flags = {}, HttpTls client = {}) {
    client.ca_file = authority_.file();
    more_flags.insert(more_flags.end(), {"--http-tls-cert", cert_, "--http-tls-key", key_});
    server_ = std::make_unique<WeirServer>(WeirOptions{.flags = more_flags, .tls = client});
    server_->start();
  }
  // What the server shows to openssl's client.
  std::string shown() const {
    return run({.argv = {"openssl", "s_client", "-connect",
                         "127.0.0.1:" + std::to_string(server_->port())}})
        .out;
  }
  Finished cli_with(std::map<std::string, std::string> env) const {
    env["WEIR_API_KEY"] = server_->key();
    env.emplace("WEIR_URL", server_->url());
    return run({.argv = {weir_binary(), "queue", "list", "--retry-for", "0s"}, .env = env});
  }

  Authority authority_;
  TempDir directory_;
  std::string cert_ = directory_.file("server.pem");
  std::string key_ = directory_.file("server.key");
  std::unique_ptr<WeirServer> server_;
};

TEST_F(Https, ServesTheWholeProgram) {
  start();
  EXPECT_THAT(server_->log(), HasSubstr("https://127.0.0.1"));
  EXPECT_EQ(server_->cli({"submit", "--queue", "q", "hello"}).code, 0);
  const auto worked = server_->cli({"work", "--queue", "q", "--drain", "--exec", "cat >/dev/null"});
  EXPECT_EQ(worked.code, 0) << worked.out << worked.err;
  EXPECT_THAT(server_->cli({"job", "list", "--queue", "q"}).out, HasSubstr("completed"));
  const auto seen = server_->cli({"doctor", "--data-dir", server_->data_dir()});
  EXPECT_EQ(seen.code, 0) << seen.out;
  EXPECT_THAT(seen.out, HasSubstr("the server's certificate ends at")) << "within two days";
  EXPECT_EQ(server_->stop(), 0);
}

TEST_F(Https, ClientsBelieveOnlyTheirAuthority) {
  start();
  const Authority stranger;
  for (const auto& ca : {std::string(), stranger.file()}) {
    const auto told = cli_with({{"WEIR_CA", ca}});
    EXPECT_EQ(told.code, 5) << told.err;
    EXPECT_THAT(told.err, HasSubstr("--ca"));
  }
  const auto by_name =
      cli_with({{"WEIR_CA", authority_.file()},
                {"WEIR_URL", "https://localhost:" + std::to_string(server_->port())}});
  EXPECT_EQ(by_name.code, 5) << "the certificate is for another name: " << by_name.out;
  const auto missing = cli_with({{"WEIR_CA", directory_.file("missing.pem")}});
  EXPECT_EQ(missing.code, 2);
  EXPECT_THAT(missing.err, HasSubstr("missing.pem"));
  EXPECT_EQ(cli_with({{"WEIR_CA", authority_.file()}}).code, 0);
}

TEST_F(Https, APlainRequestIsToldSo) {
  start();
  const auto answer = HttpClient(server_->port()).get("/health");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.json().find("reason").as_string(), "tls_required");
}

TEST_F(Https, ARenewedCertificateIsTakenWithoutARestart) {
  start();
  EXPECT_THAT(shown(), HasSubstr("CN = first"));
  install("second");
  EXPECT_TRUE(wait_until([&] { return shown().find("CN = second") != std::string::npos; }));

  write_file(cert_, "damaged");
  ASSERT_TRUE(wait_until(
      [&] { return server_->log().find("http_tls_not_reloaded") != std::string::npos; }));
  EXPECT_THAT(shown(), HasSubstr("CN = second"));
  EXPECT_EQ(server_->client().get("/ready").status, 200);

  install("third");
  ::kill(server_->pid(), SIGHUP);
  EXPECT_TRUE(wait_until([&] { return shown().find("CN = third") != std::string::npos; }));
  EXPECT_TRUE(server_->running());
}

TEST_F(Https, LetsInOnlyClientsWithACertificateWhenToldTo) {
  const auto mine = authority_.issue("worker", "DNS:worker.example.com");
  start({"--http-tls-client-ca", authority_.file()},
        {.cert_file = mine.file, .key_file = mine.key_file});
  EXPECT_EQ(server_->cli({"queue", "list"}).code, 0);
  EXPECT_EQ(cli_with({{"WEIR_CA", authority_.file()}}).code, 5);
  const Authority stranger;
  const auto theirs = stranger.issue("worker", "DNS:worker.example.com");
  EXPECT_EQ(cli_with({{"WEIR_CA", authority_.file()},
                      {"WEIR_CLIENT_CERT", theirs.file},
                      {"WEIR_CLIENT_KEY", theirs.key_file}})
                .code,
            5);
  const auto half = cli_with({{"WEIR_CA", authority_.file()}, {"WEIR_CLIENT_CERT", mine.file}});
  EXPECT_EQ(half.code, 2);
  EXPECT_THAT(half.err, HasSubstr("go together"));
}

TEST_F(Https, BadFilesEndTheStartWithTheirName) {
  write_file(key_, "not a key");
  WeirServer server({.flags = {"--http-tls-cert", cert_, "--http-tls-key", key_}});
  server.launch();
  ASSERT_TRUE(wait_until([&] { return !server.running(); }));
  EXPECT_THAT(server.log(), HasSubstr(key_));
  EXPECT_THAT(server.log(), Not(HasSubstr("not a key")));
}

// Off loopback is refused before anything is bound.
TEST(Exposure, NeedsTlsOrAFlag) {
  const auto told = run({.argv = {weir_binary(), "serve", "--http", "0.0.0.0:0"}});
  EXPECT_EQ(told.code, 2);
  EXPECT_THAT(told.err, HasSubstr("http_tls_cert"));
  EXPECT_THAT(told.err, HasSubstr("unsafe_bind"));
}

}  // namespace
}  // namespace weir::test
