// A year of runs in three zones, both changes of the clocks among them, against what the C library
// says that clocks on the wall show.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "pkg/base/time_text.hpp"
#include "tests/unit/jobs/schedules.hpp"

namespace weir::jobs {
namespace {

// The time zone of localtime_r() while it lives.
class LibraryZone {
 public:
  explicit LibraryZone(const char* zone) {
    if (const char* before = std::getenv("TZ")) before_ = before;
    set(zone);
  }
  ~LibraryZone() { set(before_ ? before_->c_str() : nullptr); }
  LibraryZone(const LibraryZone&) = delete;
  LibraryZone& operator=(const LibraryZone&) = delete;

 private:
  static void set(const char* zone) {
    if (zone != nullptr) {
      setenv("TZ", zone, 1);
    } else {
      unsetenv("TZ");
    }
    tzset();
  }
  std::optional<std::string> before_;
};

std::string run_id(const std::string& name, std::time_t time) {
  const auto text = format_rfc3339(from_unix_ms(std::int64_t{time} * 1'000));
  return name + ":" + text.substr(0, 19) + "Z";
}

// Looks at every minute: "30 * * * *" runs whenever the wall shows half past; "30 2 * * *" in the
// first minute of a day that shows half past two or later.
void expect_runs(const char* zone, const std::string& name, std::time_t begin, std::time_t end,
                 std::vector<std::string>& out) {
  const LibraryZone library(zone);
  int done_day = -1;
  for (std::time_t time = (begin / 60 + 1) * 60; time <= end; time += 60) {
    std::tm wall{};
    localtime_r(&time, &wall);
    if (wall.tm_min == 30) out.push_back(run_id(name + "-hourly", time));
    if (wall.tm_yday == done_day || wall.tm_hour * 60 + wall.tm_min < 150) continue;
    // The first day began before `begin`: its run may be over.
    if (done_day != -1 || wall.tm_hour * 60 + wall.tm_min == 150) {
      out.push_back(run_id(name + "-nightly", time));
    }
    done_day = wall.tm_yday;
  }
}

TEST(ScheduleYear, EveryRunOnceInThreeZones) {
  constexpr const char* kZones[] = {"Europe/Berlin", "America/New_York", "Australia/Sydney"};
  Harness h;
  const auto begin = to_unix_ms(h.clock.wall()) / 1'000;
  std::vector<std::string> names{"berlin", "newyork", "sydney"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto zone = R"("time_zone":")" + std::string(kZones[i]) + R"(","catchup":"all")";
    set_schedule(h, names[i] + "-hourly", spec(zone, R"("cron":"30 * * * *",)"));
    set_schedule(h, names[i] + "-nightly", spec(zone, R"("cron":"30 2 * * *",)"));
  }
  for (int step = 0; step < 365 * 2; ++step) {
    h.advance(std::chrono::hours(12));
    // Two leaders at once; and now and then a coordinator that starts again.
    for (const auto& operation : proposed(h)) {
      h.must(operation);
      EXPECT_EQ(h.must(operation), R"({"fired":false})");
    }
    if (step % 100 == 0) h.restart();
  }
  std::vector<std::string> expected;
  const auto end = to_unix_ms(h.clock.wall()) / 1'000;
  for (std::size_t i = 0; i < names.size(); ++i) {
    expect_runs(kZones[i], names[i], begin, end, expected);
  }
  auto found = job_ids(h);
  std::sort(expected.begin(), expected.end());
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found.size(), 3U * (8'760U + 365U));
  std::vector<std::string> differ;
  std::set_symmetric_difference(found.begin(), found.end(), expected.begin(), expected.end(),
                                std::back_inserter(differ));
  EXPECT_EQ(differ, std::vector<std::string>{});
}

}  // namespace
}  // namespace weir::jobs
