// The clock of a log that is run for tests (`weir serve --test-clock`): the time that machines see
// is not the log's own but shifted, or stands still, as the operation sys.test_clock says. The
// shift is part of the replicated state, so replicas, restarts and snapshots agree about it.
#pragma once

#include <atomic>
#include <optional>

#include "pkg/base/clock.hpp"

namespace weir::replica {

// From the log's time to the time that machines see. A plain value.
struct TimeShift {
  Millis offset{0};                    // while it runs
  std::optional<Timestamp> stands_at;  // it stands still

  Timestamp at(Timestamp log_time) const { return stands_at ? *stands_at : log_time + offset; }
  bool operator==(const TimeShift&) const = default;
};

// Wall time as the machines of a log will see it. Thread-safe; the replica sets it after each
// commit that changes the shift.
class TestClock final : public Clock {
 public:
  // `real` must outlive it.
  explicit TestClock(const Clock& real) : real_(real) {}

  Timestamp wall() const override { return shift().at(real_.wall()); }
  MonoTime mono() const override { return real_.mono(); }
  const Clock& real() const { return real_; }

  TimeShift shift() const {
    const std::int64_t stands_at = stands_at_ms_.load();
    if (stands_at != kRuns) return {Millis{0}, from_unix_ms(stands_at)};
    return {Millis{offset_ms_.load()}, std::nullopt};
  }
  bool stands() const { return stands_at_ms_.load() != kRuns; }
  void set(const TimeShift& shift) {
    if (!shift.stands_at) offset_ms_ = shift.offset.count();
    stands_at_ms_ = shift.stands_at ? to_unix_ms(*shift.stands_at) : kRuns;
  }

 private:
  static constexpr std::int64_t kRuns = INT64_MIN;

  const Clock& real_;
  std::atomic<std::int64_t> offset_ms_{0};
  std::atomic<std::int64_t> stands_at_ms_{kRuns};
};

}  // namespace weir::replica
