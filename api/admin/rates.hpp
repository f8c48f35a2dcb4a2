// RateSampler: operations per second over the last seconds, from counters that only grow.
// Thread-safe; somebody calls sample() about every kSamplePeriod.
#pragma once

#include <array>
#include <mutex>

#include "pkg/base/clock.hpp"
#include "pkg/replica/instance.hpp"

namespace weir::api {

inline constexpr std::chrono::seconds kSamplePeriod{5};

struct Rates {
  double operations_proposed = 0;  // per second
  double entries_applied = 0;
  double operations_applied = 0;
  double apply_busy = 0;  // share of the time, 0 to 1
};

class RateSampler {
 public:
  explicit RateSampler(MonoTime start) { samples_.fill({start, {}}); }

  void sample(MonoTime now, const replica::Totals& totals);
  // Since one to two periods ago.
  Rates rates(MonoTime now, const replica::Totals& totals) const;

 private:
  struct Sample {
    MonoTime at;
    replica::Totals totals;
  };
  mutable std::mutex mutex_;
  std::array<Sample, 2> samples_;  // the older first
};

}  // namespace weir::api
