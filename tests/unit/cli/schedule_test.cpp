// `weir schedule`: what it asks for, and the times it computes itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cmd/weir/cli/commands.hpp"
#include "tests/unit/cli/fake_server.hpp"

namespace weir::cli {
namespace {

using testing::HasSubstr;

struct Ran {
  int code;
  std::string out;
  std::string err;
};

Ran run(std::vector<std::string> args) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = run_schedule(args);
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

TEST(Schedule, SetMakesTheRequest) {
  FakeServer server([](const Asked&) { return Reply{200, R"({"name":"s"})"}; });
  const auto ran = run(
      {"set",          "s",    "--server",  server.url(), "--cron",   "@daily",    "--time-zone",
       "Asia/Kolkata", "-q",   "q",         "-t",         "t",        "--payload", R"({"x":1})",
       "--overlap",    "skip", "--catchup", "7",          "--jitter", "30s",       "--paused"});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  const auto asked = server.asked();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].method, "PUT");
  EXPECT_EQ(Json::parse(asked[0].body),
            Json::parse(R"({"cron":"@daily","time_zone":"Asia/Kolkata","overlap":"skip",
              "jitter_ms":"30s","catchup":"all","catchup_max":7,"paused":true,
              "job":{"queue":"q","type":"t","payload":{"x":1}}})"));
}

TEST(Schedule, SetWantsOneRule) {
  EXPECT_EQ(run({"set", "s"}).code, kUsage);
  EXPECT_EQ(run({"set", "s", "--cron", "@daily", "--every", "1h"}).code, kUsage);
  EXPECT_EQ(run({"set", "s", "--spec", "{}", "--spec-file", "f"}).code, kUsage);
}

TEST(Schedule, NextNeedsNoServer) {
  const auto ran = run({"next", "--cron", "30 2 * * *", "--time-zone", "Europe/Berlin", "-n", "2",
                        "--after", "2026-03-28T12:00:00Z"});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.out,
            "UTC                  Europe/Berlin\n"
            "2026-03-29 01:00:00  2026-03-29 03:00:00\n"
            "2026-03-30 00:30:00  2026-03-30 02:30:00\n");
}

TEST(Schedule, NextSaysWhatIsWrong) {
  EXPECT_EQ(run({"next"}).code, kUsage);
  const auto cron = run({"next", "--cron", "61 * * * *"});
  EXPECT_NE(cron.code, kOk);
  EXPECT_THAT(cron.err, HasSubstr("minute \"61\""));
  EXPECT_THAT(run({"next", "--cron", "@daily", "--time-zone", "Mars"}).err, HasSubstr("Mars"));
  EXPECT_EQ(run({"next", "name", "--cron", "@daily"}).code, kUsage);
  EXPECT_EQ(run({"next", "--every", "1h", "--after", "now"}).code, kUsage);
}

TEST(Schedule, NextAsJson) {
  const auto ran =
      run({"next", "--every", "90m", "--after", "2026-01-01T00:00:00Z", "-n", "1", "--json"});
  EXPECT_EQ(Json::parse(ran.out),
            Json::parse(R"({"time_zone":"UTC","next_runs":["2026-01-01T01:30:00.000Z"]})"));
}

TEST(Schedule, BackfillFailsWhenRunsWereRefused) {
  FakeServer server([](const Asked&) {
    return Reply{200, R"({"submitted":1,"known":2,"problem":"queue_full: no"})"};
  });
  const auto ran = run({"backfill", "s", "--server", server.url(), "--from", "a", "--to", "b"});
  EXPECT_EQ(ran.code, kFailed);
  EXPECT_EQ(ran.out, "1 runs submitted, 2 were there\n");
}

}  // namespace
}  // namespace weir::cli
