#include "cmd/weir/doctor/doctor_checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "pkg/base/time_text.hpp"

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
                                         VersionCase{"2.10.19", 1, Severity::ok},
                                         VersionCase{"2.10.20", 1, Severity::error},
                                         VersionCase{"2.10.22", 1, Severity::error},
                                         VersionCase{"2.10.23", 1, Severity::ok},
                                         VersionCase{"2.10.27", 1, Severity::ok},
                                         VersionCase{"2.15.1", 1, Severity::ok},
                                         VersionCase{"3.0.0", 1, Severity::ok},
                                         VersionCase{"", 1, Severity::warning}));

TEST(Doctor, ComponentsThatAreNotWell) {
  const auto findings = check_health(Json::parse(
      R"({"components":{"nats":{"status":"down","error":"gone"},"replica":{"status":"ok"},
          "outbox":{"status":"degraded"}}})"));
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].severity, Severity::error);
  EXPECT_THAT(findings[0].message, HasSubstr("gone"));
  EXPECT_EQ(findings[1].severity, Severity::warning);
  const auto diverged = check_health(Json::parse(
      R"({"components":{"replica":{"status":"down","error":"state_diverged: at revision 7"}}})"));
  ASSERT_EQ(diverged.size(), 1U);
  EXPECT_EQ(diverged[0].severity, Severity::error);
  EXPECT_THAT(diverged[0].fix, HasSubstr("but not *.outbox.db"));
  const auto well = check_health(Json::parse(R"({"components":{"nats":{"status":"ok"}}})"));
  ASSERT_EQ(well.size(), 1U);
  EXPECT_EQ(well[0].severity, Severity::ok);
}

TEST(Doctor, FsyncIsKnownOffOnOrNotTold) {
  const auto of = [](const char* nats) { return check_fsync(Json{{"nats", Json::parse(nats)}}); };
  EXPECT_EQ(of(R"({"sync_always":true})").severity, Severity::ok);
  EXPECT_EQ(of(R"({"sync_always":false})").severity, Severity::warning);
  EXPECT_THAT(of(R"({"sync_always":null})").message, HasSubstr("not told"));
  EXPECT_THAT(of("{}").message, HasSubstr("not told"));
}

// A body of /health/status with one stream and the leader's bucket.
Json with_stream(const std::string& stream, bool clustered) {
  return {{"nats", {{"clustered", clustered}}},
          {"streams", Json::array({Json::parse(stream)})},
          {"kv_buckets",
           Json::array({{{"name", "weir-leader"}, {"replicas", 3}, {"replicas_current", 3}}})}};
}

struct StreamCase {
  const char* name;
  const char* stream;
  bool clustered;
  Severity severity;
  const char* says;
};
class Streams : public testing::TestWithParam<StreamCase> {};
TEST_P(Streams, HaveTheirRules) {
  const auto& given = GetParam();
  const auto findings = check_streams(with_stream(given.stream, given.clustered));
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].severity, given.severity) << findings[0].message;
  EXPECT_THAT(findings[0].message, HasSubstr(given.says));
  EXPECT_EQ(findings[0].fix.empty(), given.severity == Severity::ok);
}
INSTANTIATE_TEST_SUITE_P(
    Table, Streams,
    testing::Values(
        StreamCase{"alone", R"({"name":"JOBS","replicas":1,"replicas_current":1,"discard":"new"})",
                   false, Severity::ok, "1 of Weir's"},
        StreamCase{"cluster", R"({"name":"JOBS","replicas":3,"replicas_current":3})", true,
                   Severity::ok, "1 of Weir's"},
        StreamCase{"one", R"({"name":"JOBS-2","replicas":1,"replicas_current":1})", true,
                   Severity::warning, "one replica"},
        StreamCase{"behind", R"({"name":"JOBS_DLQ","replicas":3,"replicas_current":2})", true,
                   Severity::warning, "2 of 3"},
        StreamCase{"drops", R"({"name":"JOBS","discard":"old"})", false, Severity::error, "drops"},
        StreamCase{"bytes", R"({"name":"JOB_EVENTS","max_bytes":1000,"max_age_ms":5})", false,
                   Severity::warning, "max_bytes is 1000"},
        StreamCase{"count", R"({"name":"WEIR_SNAPSHOTS","max_messages":9})", false,
                   Severity::warning, "max_messages is 9"},
        StreamCase{"age", R"({"name":"JOBS","max_age_ms":1000})", false, Severity::error, "by age"},
        StreamCase{"others", R"({"name":"JOBS_OF_OTHERS","discard":"old"})", false,
                   Severity::warning, "does not tell"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Doctor, TheWayToTheServer) {
  const auto now = *parse_rfc3339("2026-06-01T00:00:00Z");
  const auto of = [&](const char* server, std::optional<Millis> left) {
    return check_transport(server, left ? std::optional(now + *left) : std::nullopt, now).severity;
  };
  const auto hours = [](int count) -> Millis { return std::chrono::hours(count); };
  for (const auto* here : {"http://127.0.0.1:7080", "http://localhost", "http://[::1]:7080"}) {
    EXPECT_EQ(of(here, {}), Severity::ok) << here;
  }
  for (const auto* away :
       {"http://weir.example.com", "http://weir.example.com:7080", "http://[2001:db8::1]"}) {
    EXPECT_EQ(of(away, {}), Severity::warning) << away;
  }
  EXPECT_EQ(of("https://weir.example.com", hours(24 * 15)), Severity::ok);
  EXPECT_EQ(of("https://weir.example.com", hours(24 * 13)), Severity::warning);
  EXPECT_EQ(of("https://weir.example.com", hours(23)), Severity::error);
  EXPECT_EQ(of("https://weir.example.com", hours(-1)), Severity::error);
  EXPECT_EQ(of("https://weir.example.com", {}), Severity::warning);
  EXPECT_FALSE(certificate_end("http://127.0.0.1:1"));
  EXPECT_FALSE(certificate_end("https://127.0.0.1:1")) << "nobody is there";
}

TEST(Doctor, TheClockOfNats) {
  const auto of = [](const char* skew) {
    return check_nats_clock(Json{{"nats", {{"clock_skew_ms", Json::parse(skew)}}}}).severity;
  };
  EXPECT_EQ(of("0"), Severity::ok);
  EXPECT_EQ(of("-1999"), Severity::ok);
  EXPECT_EQ(of("-2000"), Severity::warning);
  EXPECT_EQ(of("2000"), Severity::warning);
  EXPECT_EQ(of("-60000"), Severity::error);
  EXPECT_EQ(of("null"), Severity::ok);
}

TEST(Doctor, KeysOlderThanAYear) {
  const auto page = Json::parse(R"({"items":[
    {"id":"a","name":"old","created_at":"2024-01-01T00:00:00.000Z","expires_at":null,
     "revoked_at":null,"rotated_at":null},
    {"id":"b","name":"turned","created_at":"2024-01-01T00:00:00.000Z","expires_at":null,
     "revoked_at":null,"rotated_at":"2026-01-01T00:00:00.000Z"},
    {"id":"c","name":"revoked","created_at":"2024-01-01T00:00:00.000Z","expires_at":null,
     "revoked_at":"2024-02-01T00:00:00.000Z","rotated_at":null},
    {"id":"d","name":"ended","created_at":"2024-01-01T00:00:00.000Z",
     "expires_at":"2025-01-01T00:00:00.000Z","revoked_at":null,"rotated_at":null}]})");
  const auto now = *parse_rfc3339("2026-06-01T00:00:00Z");
  const auto findings = check_keys(page, now);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].check, "key old");
  EXPECT_EQ(findings[0].severity, Severity::warning);
  EXPECT_THAT(findings[0].fix, HasSubstr("weir key rotate a"));
  const auto young = check_keys(page, *parse_rfc3339("2024-06-01T00:00:00Z"));
  ASSERT_EQ(young.size(), 1U);
  EXPECT_EQ(young[0].severity, Severity::ok);
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
