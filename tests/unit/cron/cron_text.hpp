// Runs of a cron expression as text, for tables of cases.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/time_text.hpp"
#include "pkg/cron/timing.hpp"

namespace weir::cron {

inline Timestamp at(std::string_view text) {
  const auto time = parse_rfc3339(text);
  EXPECT_TRUE(time) << text;
  return time ? *time : Timestamp{};
}

// "2026-11-21T10:30:00Z"
inline std::string brief(Timestamp time) {
  return format_rfc3339(time).replace(19, 4, "");
}

// The first `count` runs later than `after`.
inline std::vector<std::string> runs(const Timing& timing, std::string_view after,
                                     std::size_t count) {
  std::vector<std::string> out;
  for (const auto time : timing.list(at(after), Timestamp::max(), count))
    out.push_back(brief(time));
  return out;
}

inline std::vector<std::string> cron_runs(std::string_view text, std::string_view zone,
                                          std::string_view after, std::size_t count) {
  const auto timing = Timing::from_cron(text, zone, {});
  if (!timing) return {describe(timing.error())};
  return runs(*timing, after, count);
}

inline std::string problem(std::string_view text, std::string_view zone = "UTC") {
  const auto timing = Timing::from_cron(text, zone, {});
  return timing ? "" : timing.error().reason + ": " + timing.error().details;
}

}  // namespace weir::cron
