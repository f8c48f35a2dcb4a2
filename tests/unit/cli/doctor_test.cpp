#include "cmd/weir/doctor_checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace weir::cli {
namespace {

using testing::HasSubstr;

struct VersionCase {
  const char* version;
  std::size_t findings;
  Severity worst;
};
class Versions : public testing::TestWithParam<VersionCase> {};
TEST_P(Versions, HaveTheirRules) {
  const auto [version, count, worst] = GetParam();
  const auto findings = check_nats_version(version);
  EXPECT_EQ(findings.size(), count);
  EXPECT_EQ(std::ranges::max_element(findings, {}, &Finding::severity)->severity, worst);
  for (const auto& finding : findings) {
    EXPECT_EQ(finding.fix.empty(), finding.severity == Severity::ok) << finding.message;
  }
}
INSTANTIATE_TEST_SUITE_P(Table, Versions,
                         testing::Values(VersionCase{"2.8.4", 1, Severity::error},
                                         VersionCase{"2.9.10", 2, Severity::warning},
                                         VersionCase{"2.9.12", 1, Severity::warning},
                                         VersionCase{"2.10.27", 1, Severity::ok},
                                         VersionCase{"2.15.1", 1, Severity::ok},
                                         VersionCase{"3.0.0", 1, Severity::ok},
                                         VersionCase{"", 1, Severity::warning}));

TEST(Doctor, ComponentsThatAreNotWell) {
  const auto findings = check_health(Json::parse(
      R"({"components":{"nats":{"status":"down","error":"gone"},"replica":{"status":"ok"},
          "outbox":{"status":"degraded"}},"nats":{"sync_always":false}})"));
  ASSERT_EQ(findings.size(), 3U);
  EXPECT_EQ(findings[0].severity, Severity::error);
  EXPECT_THAT(findings[0].message, HasSubstr("gone"));
  EXPECT_EQ(findings[1].severity, Severity::warning);
  EXPECT_EQ(findings[2].check, "fsync");
  EXPECT_EQ(findings[2].severity, Severity::warning);
}

TEST(Doctor, ClockSkewBeyondTheRoundTrip) {
  const auto t = from_unix_ms(1'000'000);
  EXPECT_EQ(check_clock(t + Millis{500}, t, t + Millis{1000}).severity, Severity::ok);
  EXPECT_EQ(check_clock(t + Millis{9000}, t, t + Millis{10}).severity, Severity::warning);
  EXPECT_EQ(check_clock(t - Millis{90'000}, t, t + Millis{10}).severity, Severity::error);
}

TEST(Doctor, OpenSecretsAreErrors) {
  std::string name = (std::filesystem::temp_directory_path() / "weir-doctor-XXXXXX").string();
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  std::ofstream(name + "/admin-key") << "k";
  ::chmod((name + "/admin-key").c_str(), 0644);
  auto findings = check_permissions(name);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].severity, Severity::error);
  EXPECT_THAT(findings[0].fix, HasSubstr("chmod 0600"));
  ::chmod((name + "/admin-key").c_str(), 0600);
  findings = check_permissions(name);
  EXPECT_EQ(findings[0].severity, Severity::ok);
  EXPECT_NE(check_disk(name).message, "");
  std::filesystem::remove_all(name);
}

}  // namespace
}  // namespace weir::cli
