#include "pkg/config/serve_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace weir::config {
namespace {

using testing::HasSubstr;

Result<ServeConfig> make(const std::map<std::string, std::string>& flags,
                         const std::map<std::string, std::string>& environment = {}) {
  Sources sources;
  sources.flags = flags;
  sources.environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  };
  auto values = resolve(sources);
  if (!values) return values.error();
  return make_serve_config(*values);
}

class SecretFile {
 public:
  explicit SecretFile(const std::string& content) {
    std::string name = (std::filesystem::temp_directory_path() / "weir-config-XXXXXX").string();
    ::close(::mkstemp(name.data()));
    path_ = name;
    std::ofstream(path_) << content;
  }
  ~SecretFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(ServeConfig, DefaultsEmbedNatsOnLoopback) {
  const auto config = make({});
  ASSERT_TRUE(config) << describe(config.error());
  EXPECT_EQ(config->http.host, "127.0.0.1");
  EXPECT_EQ(config->http.port, 7080);
  EXPECT_TRUE(config->embeds_nats());
  EXPECT_TRUE(config->embedded.sync_always);
  EXPECT_GT(config->http_threads, 0U);
  EXPECT_GT(config->pool_threads, 0U);
  EXPECT_EQ(config->request_timeout, Millis{30'000});
}

TEST(ServeConfig, SecretsComeFromFilesAndEnvironment) {
  const SecretFile file("s3cret\nsecond line\n");
  const auto config = make(
      {{"nats_url", "nats://h:4222"}, {"nats_user", "weir"}, {"nats_password_file", file.path()}},
      {{"WEIR_API_KEY", "weir_a_b"}});
  ASSERT_TRUE(config) << describe(config.error());
  EXPECT_EQ(config->nats.password, "s3cret");
  EXPECT_EQ(config->api_key, "weir_a_b");
}

TEST(ServeConfig, TlsUrlTurnsTlsOn) {
  const auto config = make({{"nats_url", "tls://h:4222"}});
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->nats.tls);
}

struct Case {
  const char* name;
  std::map<std::string, std::string> flags;
  const char* want;  // part of the error
};

class Refused : public testing::TestWithParam<Case> {};
TEST_P(Refused, WithTheReason) {
  const auto config = make(GetParam().flags);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().reason, "bad_config");
  EXPECT_THAT(describe(config.error()), HasSubstr(GetParam().want));
}
INSTANTIATE_TEST_SUITE_P(
    Table, Refused,
    testing::Values(
        Case{"OffLoopback", {{"http", "0.0.0.0:7080"}}, "unsafe_bind"},
        Case{"OffLoopbackNoAuth",
             {{"http", "0.0.0.0:7080"},
              {"http_tls_cert", "c"},
              {"http_tls_key", "k"},
              {"dev_no_auth", "true"}},
             "anybody on the network"},
        Case{"CertWithoutKey",
             {{"http_tls_cert", "c"}},
             "http_tls_cert and http_tls_key go together"},
        Case{"PasswordInUrl", {{"nats_url", "nats://u:p@h:1"}}, "visible to everybody"},
        Case{"BadScheme", {{"nats_url", "http://h:1"}}, "want nats://"},
        Case{"CredsWithoutUrl", {{"nats_creds", "f"}}, "no nats_url"},
        Case{"TwoWays",
             {{"nats_url", "nats://h:1"},
              {"nats_creds", "f"},
              {"nats_nkey", "g"},
              {"nats_nkey_public", "U"}},
             "give one of"},
        Case{"NkeyWithoutPublic",
             {{"nats_url", "nats://h:1"}, {"nats_nkey", "g"}},
             "nats_nkey and nats_nkey_public go together"},
        Case{"EmbeddedAndUrl",
             {{"nats_url", "nats://h:1"}, {"nats_port", "4222"}},
             "embedded server"},
        Case{"ReplicasOnEmbedded", {{"stream_replicas", "3"}}, "one server"},
        Case{"MissingSecretFile", {{"api_key_file", "/nonexistent/key"}}, "cannot read"}),
    [](const auto& tested) { return tested.param.name; });

TEST(ServeConfig, UnsafeBindAllowsIt) {
  EXPECT_TRUE(make({{"http", "0.0.0.0:7080"}, {"unsafe_bind", "true"}}));
}

}  // namespace
}  // namespace weir::config
