#include "pkg/webhook/retry_after.hpp"

#include <gtest/gtest.h>

namespace weir::webhook {
namespace {

using namespace std::chrono_literals;

TEST(RetryAfter, IsSecondsOrADate) {
  const Timestamp now = std::chrono::sys_days(std::chrono::year(1994) / 11 / 6) + 8h + 49min + 37s;
  EXPECT_EQ(parse_retry_after("0", now), 0ms);
  EXPECT_EQ(parse_retry_after("120", now), 2min);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now - 90s), 90s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), 0ms);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now + 1s), 0ms);
  EXPECT_EQ(parse_retry_after("999999999999", now), std::chrono::hours(24 * 366));
}

TEST(RetryAfter, IsNothingElse) {
  const Timestamp now{};
  for (const std::string_view text :
       {"", "-1", "soon", "1.5", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nop 1994 08:49:37 GMT", "99999999999999999999"}) {
    EXPECT_EQ(parse_retry_after(text, now), 0ms) << text;
  }
}

}  // namespace
}  // namespace weir::webhook
