#include "pkg/base/time_text.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "pkg/base/ids.hpp"

namespace weir {
namespace {

struct GoodTime {
  const char* text;
  std::int64_t ms;
};

TEST(Rfc3339, ReadsWhatTheRfcAllows) {
  constexpr GoodTime kCases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"1970-01-01T00:00:00.001Z", 1},
      {"2026-11-21T10:30:00.000Z", 1'795'257'000'000},
      {"2026-11-21t10:30:00z", 1'795'257'000'000},
      {"2026-11-21 10:30:00Z", 1'795'257'000'000},
      {"2026-11-21T12:30:00+02:00", 1'795'257'000'000},
      {"2026-11-21T05:00:00-05:30", 1'795'257'000'000},
      {"2026-11-21T10:30:00.1Z", 1'795'257'000'100},
      {"2026-11-21T10:30:00.123456789Z", 1'795'257'000'123},
      {"2024-02-29T00:00:00Z", 1'709'164'800'000},
      {"1969-12-31T23:59:59.999Z", -1},
      {"2016-12-31T23:59:60Z", 1'483'228'800'000},  // leap second: the next minute
  };
  for (const auto& [text, ms] : kCases) {
    const auto time = parse_rfc3339(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(to_unix_ms(*time), ms) << text;
  }
}

TEST(Rfc3339, RefusesTheRest) {
  constexpr const char* kCases[] = {
      "",
      "now",
      "2026-11-21",
      "2026-11-21T10:30:00",
      "2026-11-21T10:30Z",
      "2026-13-01T00:00:00Z",
      "2026-00-01T00:00:00Z",
      "2026-02-29T00:00:00Z",
      "2026-04-31T00:00:00Z",
      "2026-11-21T24:00:00Z",
      "2026-11-21T10:60:00Z",
      "2026-11-21T10:30:61Z",
      "2026-11-21T10:30:00.Z",
      "2026-11-21T10:30:00.1234567890Z",
      "2026-11-21T10:30:00+2:00",
      "2026-11-21T10:30:00+02",
      "2026-11-21T10:30:00+24:00",
      "2026-11-21T10:30:00+02:60",
      "2026-11-21T10:30:00ZZ",
      " 2026-11-21T10:30:00Z",
      "2026-11-21X10:30:00Z",
      "-026-11-21T10:30:00Z",
      "20x6-11-21T10:30:00Z",
  };
  for (const char* text : kCases) {
    const auto time = parse_rfc3339(text);
    ASSERT_FALSE(time) << text;
    EXPECT_EQ(time.error().code, Code::invalid) << text;
    EXPECT_EQ(time.error().reason, "bad_time") << text;
  }
}

TEST(Rfc3339, WritesUtcWithMilliseconds) {
  EXPECT_EQ(format_rfc3339(from_unix_ms(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(from_unix_ms(-1)), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(format_rfc3339(from_unix_ms(1'795'257'000'007)), "2026-11-21T10:30:00.007Z");
}

TEST(Rfc3339, RoundTripsEveryMillisecondOfFourDigitYears) {
  SeededRandom random(11);
  const auto first = parse_rfc3339("0000-01-01T00:00:00.000Z");
  const auto last = parse_rfc3339("9999-12-31T23:59:59.999Z");
  ASSERT_TRUE(first && last);
  const auto span = static_cast<std::uint64_t>(to_unix_ms(*last) - to_unix_ms(*first)) + 1;
  for (int i = 0; i < 20'000; ++i) {
    const auto time =
        from_unix_ms(to_unix_ms(*first) + static_cast<std::int64_t>(random.next() % span));
    const auto back = parse_rfc3339(format_rfc3339(time));
    ASSERT_TRUE(back) << format_rfc3339(time);
    ASSERT_EQ(*back, time) << format_rfc3339(time);
  }
}

TEST(Rfc3339, TimesOutsideFourDigitYearsStayWellFormed) {
  EXPECT_EQ(format_rfc3339(from_unix_ms(std::numeric_limits<std::int64_t>::max())),
            "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(format_rfc3339(from_unix_ms(std::numeric_limits<std::int64_t>::min())),
            "0000-01-01T00:00:00.000Z");
}

struct GoodDuration {
  const char* text;
  std::int64_t ms;
};

TEST(Duration, ReadsUnits) {
  constexpr GoodDuration kCases[] = {
      {"0s", 0},         {"250ms", 250},       {"1s", 1000},         {"90s", 90'000},
      {"5m", 300'000},   {"1h30m", 5'400'000}, {"1h 5m", 3'900'000}, {"2d", 172'800'000},
      {"1w", 604800000}, {"1m1m", 120'000},    {"007s", 7000},       {"1d2h3m4s5ms", 93'784'005},
  };
  for (const auto& [text, ms] : kCases) {
    const auto duration = parse_duration(text);
    ASSERT_TRUE(duration) << text;
    EXPECT_EQ(duration->count(), ms) << text;
  }
}

TEST(Duration, RefusesTheRest) {
  constexpr const char* kCases[] = {
      "",
      " ",
      " 1s",
      "5",
      "s",
      "-1s",
      "+1s",
      "1.5h",
      "1 s",
      "1y",
      "1S",
      "1h30",
      "1h-30m",
      "9223372036854775808ms",
      "9223372036854775807s",
      "1msx",
      "9223372036854775807ms 1ms",
  };
  for (const char* text : kCases) {
    const auto duration = parse_duration(text);
    ASSERT_FALSE(duration) << text;
    EXPECT_EQ(duration.error().reason, "bad_duration") << text;
  }
}

TEST(Duration, WritesTheLargestTwoUnits) {
  constexpr GoodDuration kCases[] = {
      {"0ms", 0},           {"1ms", 1},       {"999ms", 999},       {"1s", 1000},
      {"1s", 1999},         {"1m", 60'000},   {"1m1s", 61'000},     {"1h", 3'601'000},
      {"2h30m", 9'000'000}, {"1d", 86400000}, {"1d1h", 90'000'000}, {"100d23h", 8'722'800'000},
      {"-45s", -45'000},
  };
  for (const auto& [text, ms] : kCases) EXPECT_EQ(format_duration(Millis{ms}), text);
}

TEST(Duration, WritesTheExtremes) {
  EXPECT_EQ(format_duration(Millis::max()).substr(0, 12), "106751991167");
  EXPECT_EQ(format_duration(Millis::min()).substr(0, 13), "-106751991167");
}

}  // namespace
}  // namespace weir
