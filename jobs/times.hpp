// TimesBoard: how long jobs wait and run, of late, as this coordinator saw it while applying the
// log: percentiles of each queue, and the waits of each priority since the start. Kept in memory
// only, and nothing is decided by it:
// after a restart it begins anew.
//
// A lease counts the wait of its job (since it was submitted, or since its run_at), the end of an
// attempt its run. A percentile is of the last 5 to 10
// minutes and within 13 % of the truth.
//
// Thread-safe. One writer (the applier), any readers.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/limits.hpp"

namespace weir::jobs {

// Counts durations in buckets that grow with them: four to each power of two.
class DurationCounts {
 public:
  void add(std::int64_t ms);
  void add(const DurationCounts& other);
  std::int64_t count() const { return count_; }
  // The duration that `share` (0 to 1) of them are not longer than; 0 when there are none.
  std::int64_t percentile(double share) const;

 private:
  static constexpr std::size_t kBuckets = 40 * 4;
  static std::size_t bucket_of(std::int64_t ms);
  static std::int64_t middle_of(std::size_t bucket);

  std::array<std::uint32_t, kBuckets> buckets_{};
  std::int64_t count_ = 0;
};

// Of one queue.
struct QueueTimes {
  DurationCounts wait;
  DurationCounts run;
};

// The waits of one priority, as Prometheus histograms want them.
struct PriorityWaits {
  static constexpr std::array<double, 12> kBounds{0.005, 0.025, 0.1, 0.5, 1,    5,
                                                  15,    60,    300, 900, 3600, 21'600};  // s
  std::array<std::uint64_t, kBounds.size() + 1> counts{};  // the last: longer than all bounds
  double sum_seconds = 0;
};

class TimesBoard {
 public:
  void waited(std::string_view queue, std::int64_t priority, std::int64_t ms, std::int64_t now);
  void ran(std::string_view queue, std::int64_t ms, std::int64_t now);
  void forget(std::string_view queue);

  QueueTimes queue(std::string_view name, std::int64_t now) const;
  std::vector<PriorityWaits> by_priority() const;  // 0 to kMaxPriority

 private:
  struct Windows {
    std::int64_t number = 0;  // of the current one
    QueueTimes current;
    QueueTimes previous;
  };
  QueueTimes& current(std::string_view queue, std::int64_t now);

  mutable std::mutex mutex_;
  std::map<std::string, Windows, std::less<>> queues_;
  std::array<PriorityWaits, static_cast<std::size_t>(kMaxPriority) + 1> waits_{};
};

}  // namespace weir::jobs
