#include "pkg/log/log.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "pkg/base/time_text.hpp"

namespace weir::log {
namespace {

// Each test runs alone in its process (ctest starts one per test), and each uses its own event
// name, because the repeat limit counts per event.
class LogTest : public testing::Test {
 protected:
  void SetUp() override { testing::internal::CaptureStderr(); }
  void TearDown() override {
    if (!taken_) testing::internal::GetCapturedStderr();
    configure(Level::info, Format::text);
  }

  std::vector<std::string> lines() {
    taken_ = true;
    const std::string all = testing::internal::GetCapturedStderr();
    std::vector<std::string> out;
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t end = all.find('\n', at);
      EXPECT_NE(end, std::string::npos) << "a line without an end";
      out.push_back(all.substr(at, end - at));
      at = end + 1;
    }
    return out;
  }

 private:
  bool taken_ = false;
};

TEST_F(LogTest, TextIsTimeLevelEventAndKeys) {
  info("lease_expired", {{"job_id", "01J"}, {"attempt", 2}, {"late", true}, {"why", "no answer"}});
  const auto out = lines();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_TRUE(parse_rfc3339(out[0].substr(0, 24))) << out[0];
  EXPECT_EQ(out[0].substr(24),
            " info lease_expired job_id=01J attempt=2 late=true why=\"no answer\"");
}

struct QuotedCase {
  std::string value;
  const char* text;
};

TEST_F(LogTest, TextQuotesWhatWouldBreakALine) {
  const QuotedCase cases[] = {
      {"", R"(v="")"},
      {"plain-1.2:3/4", "v=plain-1.2:3/4"},
      {"a b", R"(v="a b")"},
      {"a=b", R"(v="a=b")"},
      {"say \"hi\"", R"(v="say \"hi\"")"},
      {"back\\slash", R"(v="back\\slash")"},
      {"line\nbreak", R"(v="line\nbreak")"},
      {"\x1b[31m", R"(v="\u001b[31m")"},
      {"gr\xc3\xbc\xc3\x9f", "v=gr\xc3\xbc\xc3\x9f"},
      {"bad\xff", "v=\"bad\xef\xbf\xbd\""},
  };
  for (const auto& one : cases) info("quoting", {{"v", one.value}});
  const auto out = lines();
  ASSERT_EQ(out.size(), std::size(cases));
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_EQ(out[i].substr(out[i].find(" v=") + 1), cases[i].text);
  }
}

TEST_F(LogTest, JsonIsOneObjectALine) {
  configure(Level::info, Format::json);
  warn("disk_low", {{"path", "a \"b\"\n\x01\xff"}, {"free", 12}, {"ok", false}, {"part", 0.5}});
  error("not_a_number", {{"x", std::nan("")}, {"y", HUGE_VAL}});
  const auto out = lines();
  ASSERT_EQ(out.size(), 2U);
  const auto line = nlohmann::json::parse(out[0]);
  EXPECT_TRUE(parse_rfc3339(line.at("time").get<std::string>()));
  EXPECT_EQ(line.at("level"), "warn");
  EXPECT_EQ(line.at("event"), "disk_low");
  EXPECT_EQ(line.at("path"), "a \"b\"\n\x01\xef\xbf\xbd");
  EXPECT_EQ(line.at("free"), 12);
  EXPECT_EQ(line.at("ok"), false);
  EXPECT_EQ(line.at("part"), 0.5);
  const auto odd = nlohmann::json::parse(out[1]);
  EXPECT_TRUE(odd.at("x").is_null());
  EXPECT_TRUE(odd.at("y").is_null());
}

TEST_F(LogTest, LevelsBelowTheConfiguredOneAreSilent) {
  debug("quiet_debug");
  configure(Level::error, Format::text);
  warn("quiet_warn");
  error("loud_error");
  configure(Level::off, Format::text);
  error("quiet_error");
  configure(Level::debug, Format::text);
  debug("loud_debug");
  const auto out = lines();
  ASSERT_EQ(out.size(), 2U);
  EXPECT_NE(out[0].find(" error loud_error"), std::string::npos);
  EXPECT_NE(out[1].find(" debug loud_debug"), std::string::npos);
}

// The limit is 20 lines a second and event; the burst below may touch a few seconds on a slow
// machine, but never so many that everything gets through.
TEST_F(LogTest, RepeatsAreCutAndCounted) {
  constexpr int kBurst = 50'000;
  int other = 0;
  for (int i = 0; i < kBurst; ++i) info("storm", {{"i", i}});
  info("calm");
  // The count of the dropped is told with the first line of a later second.
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (std::chrono::steady_clock::now() < limit && other < 60) {
    info("storm", {{"late", other}});
    ++other;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  std::int64_t written = 0;
  std::int64_t dropped = 0;
  bool calm = false;
  for (const auto& line : lines()) {
    if (line.find(" log_repeats_dropped of=storm count=") != std::string::npos) {
      dropped += std::stoll(line.substr(line.rfind('=') + 1));
    }
    if (line.find(" info storm ") != std::string::npos) ++written;
    if (line.find(" info calm") != std::string::npos) calm = true;
  }
  EXPECT_TRUE(calm) << "another event is not held back";
  EXPECT_LT(written, kBurst / 10);
  EXPECT_GE(written, 20);
  EXPECT_GT(dropped, kBurst / 2);
  EXPECT_LE(written + dropped, kBurst + other);
}

TEST_F(LogTest, ThreadsDoNotMixLines) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      const std::string event = "thread_" + std::to_string(t);
      for (int i = 0; i < 15; ++i) info(event, {{"text", std::string(200, 'x')}});
    });
  }
  for (auto& thread : threads) thread.join();
  const auto out = lines();
  EXPECT_EQ(out.size(), 60U);
  for (const auto& line : out) {
    EXPECT_EQ(line.substr(line.size() - 206), " text=" + std::string(200, 'x'));
  }
}

TEST(LogNames, ParseAndRefuse) {
  EXPECT_EQ(*parse_level("debug"), Level::debug);
  EXPECT_EQ(*parse_level("off"), Level::off);
  EXPECT_EQ(parse_level("loud").error().reason, "bad_log_level");
  EXPECT_EQ(*parse_format("json"), Format::json);
  EXPECT_EQ(parse_format("xml").error().reason, "bad_log_format");
}

}  // namespace
}  // namespace weir::log
