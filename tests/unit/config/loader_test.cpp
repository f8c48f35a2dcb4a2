#include "pkg/config/loader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "pkg/config/render.hpp"

namespace weir::config {
namespace {

using testing::HasSubstr;

Sources sources(std::string file, std::map<std::string, std::string> environment = {},
                std::map<std::string, std::string> flags = {}) {
  Sources out;
  if (!file.empty()) out.file_path = "weir.json";
  out.file_json = std::move(file);
  out.environment = [environment = std::move(environment)](
                        const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  };
  out.flags = std::move(flags);
  return out;
}

TEST(Loader, DefaultsStandWhenNothingIsGiven) {
  const auto values = resolve(sources(""));
  ASSERT_TRUE(values);
  EXPECT_EQ(values->text("http"), "127.0.0.1:7080");
  EXPECT_EQ(values->at("http").origin, Origin::fallback);
  EXPECT_EQ(values->integer("max_payload_bytes"), 8 << 20);
  EXPECT_EQ(values->duration("request_timeout"), Millis{30'000});
  EXPECT_TRUE(values->boolean("sync_always"));
  EXPECT_FALSE(values->is_set("nats_url"));
}

TEST(Loader, EachSourceBeatsTheOneBelow) {
  const std::string file = R"({"log_level":"warn","data_dir":"/file","nats_port":4300})";
  const auto values = resolve(sources(
      file, {{"WEIR_LOG_LEVEL", "error"}, {"WEIR_DATA_DIR", "/env"}}, {{"data_dir", "/x"}}));
  ASSERT_TRUE(values);
  EXPECT_EQ(values->integer("nats_port"), 4300);
  EXPECT_EQ(values->at("nats_port").origin, Origin::file);
  EXPECT_EQ(values->text("log_level"), "error");
  EXPECT_EQ(values->at("log_level").origin, Origin::environment);
  EXPECT_EQ(values->text("data_dir"), "/x");
  EXPECT_EQ(values->at("data_dir").origin, Origin::flag);
}

TEST(Loader, ReadsEveryKindFromTheFile) {
  const auto values = resolve(sources(R"({
    // comments are allowed
    "nats_url": ["nats://a:4222", "nats://b:4222"], "sync_always": false,
    "max_payload_bytes": "2MiB", "max_connections": 12, "drain_timeout": "1m30s"})"));
  ASSERT_TRUE(values) << describe(values.error());
  EXPECT_THAT(values->list("nats_url"), testing::ElementsAre("nats://a:4222", "nats://b:4222"));
  EXPECT_FALSE(values->boolean("sync_always"));
  EXPECT_EQ(values->integer("max_payload_bytes"), 2 << 20);
  EXPECT_EQ(values->integer("max_connections"), 12);
  EXPECT_EQ(values->duration("drain_timeout"), Millis{90'000});
}

TEST(Loader, TellsAllErrorsAtOnce) {
  const auto values =
      resolve(sources(R"({"data_dri":"/x","sync_always":"yes","nats_port":70000,"zzzzzzzz":1})",
                      {{"WEIR_LOG_LEVEL", "loud"}}, {{"request_timeout", "soon"}}));
  ASSERT_FALSE(values);
  EXPECT_EQ(values.error().reason, "bad_config");
  const auto text = describe(values.error());
  EXPECT_EQ(values.error().fields.size(), 6U) << text;
  EXPECT_THAT(text, HasSubstr("did you mean \"data_dir\"?"));
  EXPECT_THAT(text, HasSubstr("weir.json: sync_always: want true or false"));
  EXPECT_THAT(text, HasSubstr("from 0 to 65535"));
  EXPECT_THAT(text, HasSubstr("WEIR_LOG_LEVEL: want debug|info|warn|error|off, got \"loud\""));
  EXPECT_THAT(text, HasSubstr("--request-timeout: want a duration"));
  EXPECT_THAT(text, HasSubstr("weir.json: zzzzzzzz: unknown key;"));
}

struct BadValue {
  const char* key;
  const char* value;
};

class BadValues : public testing::TestWithParam<BadValue> {};
TEST_P(BadValues, AreRefused) {
  const auto& [key, value] = GetParam();
  const auto values = resolve(sources("", {}, {{key, value}}));
  ASSERT_FALSE(values) << key << "=" << value;
  EXPECT_EQ(values.error().fields.size(), 1U);
}
INSTANTIATE_TEST_SUITE_P(
    Table, BadValues,
    testing::Values(BadValue{"http", "7080"}, BadValue{"http", ":7080"},
                    BadValue{"http", "host:65536"}, BadValue{"http", "::1:7080"},
                    BadValue{"http", "[::1:80"}, BadValue{"http", "http://h:1"},
                    BadValue{"max_connections", "0"}, BadValue{"max_connections", "-1"},
                    BadValue{"max_connections", "1e3"}, BadValue{"max_payload_bytes", "1MB"},
                    BadValue{"max_payload_bytes", "99999999999GiB"},
                    BadValue{"drain_timeout", "-1s"}, BadValue{"drain_timeout", "2d"},
                    BadValue{"sync_always", "maybe"}, BadValue{"log_format", "xml"},
                    BadValue{"api_key", "weir_x_y"}, BadValue{"nats_password", "p"}));

TEST(Loader, FileMustBeAnObject) {
  for (const char* text : {"", "[]", "{", "nonsense"}) {
    Sources bad = sources("");
    bad.file_path = "weir.json";
    bad.file_json = text;
    EXPECT_FALSE(resolve(bad)) << text;
  }
}

TEST(Loader, ErrorsAndPrintsNeverShowSecrets) {
  const auto values = resolve(sources(R"({"nats_token":"hunter2","nats_url":"nats://u:pw@h:1"})",
                                      {{"WEIR_API_KEY", "hunter3"}}));
  ASSERT_TRUE(values);
  const auto text = to_json(*values);
  EXPECT_THAT(text, testing::Not(HasSubstr("hunter")));
  EXPECT_THAT(text, testing::Not(HasSubstr("pw")));
  EXPECT_THAT(text, HasSubstr("nats://***@h:1"));
  EXPECT_THAT(text, HasSubstr("***"));
}

TEST(Address, Parses) {
  const auto v6 = parse_address("[::1]:80");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->port, 80);
  EXPECT_TRUE(is_loopback("127.8.8.8"));
  EXPECT_TRUE(is_loopback("::1"));
  EXPECT_TRUE(is_loopback("localhost"));
  EXPECT_FALSE(is_loopback("0.0.0.0"));
  EXPECT_FALSE(is_loopback("10.0.0.1"));
}

TEST(Settings, DefaultsAreLegalAndNamesUnique) {
  std::set<std::string> seen;
  for (const auto& setting : settings()) {
    EXPECT_TRUE(seen.insert(std::string(setting.key)).second) << setting.key;
    EXPECT_FALSE(setting.doc.empty()) << setting.key;
    if (setting.secret || setting.fallback.empty()) continue;
    const auto values =
        resolve(sources("", {}, {{std::string(setting.key), std::string(setting.fallback)}}));
    EXPECT_TRUE(values) << setting.key;
  }
}

TEST(Settings, NearestKey) {
  EXPECT_EQ(nearest_key("nats_ulr"), "nats_url");
  EXPECT_EQ(nearest_key("httpthreads"), "http_threads");
  EXPECT_EQ(nearest_key("qqqqqqqqqq"), "");
}

TEST(Docs, ConfigPageIsUpToDate) {
  std::ifstream in(std::string(WEIR_DOCS_DIR) + "/config.md");
  std::stringstream page;
  page << in.rdbuf();
  EXPECT_EQ(page.str(), markdown()) << "run: weir config --markdown > docs/config.md";
}

}  // namespace
}  // namespace weir::config
