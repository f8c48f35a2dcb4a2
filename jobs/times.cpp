#include "jobs/times.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace weir::jobs {
namespace {

constexpr std::int64_t kWindowMs = 300'000;

}  // namespace

// Durations below 4 ms have a bucket each; above, the highest three bits of the number choose.
std::size_t DurationCounts::bucket_of(std::int64_t ms) {
  const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(0, ms));
  if (value < 4) return static_cast<std::size_t>(value);
  const auto power = static_cast<std::size_t>(std::bit_width(value)) - 1;
  const auto part = static_cast<std::size_t>((value >> (power - 2)) & 3U);
  return std::min(kBuckets - 1, (power - 1) * 4 + part);
}

std::int64_t DurationCounts::middle_of(std::size_t bucket) {
  if (bucket < 4) return static_cast<std::int64_t>(bucket);
  const auto power = bucket / 4 + 1;
  const auto width = std::int64_t{1} << (power - 2);
  return (std::int64_t{1} << power) + static_cast<std::int64_t>(bucket % 4) * width + width / 2;
}

void DurationCounts::add(std::int64_t ms) {
  ++buckets_[bucket_of(ms)];
  ++count_;
}

void DurationCounts::add(const DurationCounts& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
}

std::int64_t DurationCounts::percentile(double share) const {
  if (count_ == 0) return 0;
  const auto wanted = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::ceil(share * static_cast<double>(count_))));
  std::int64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= wanted) return middle_of(i);
  }
  return middle_of(kBuckets - 1);
}

QueueTimes& TimesBoard::current(std::string_view queue, std::int64_t now) {
  auto found = queues_.find(queue);
  if (found == queues_.end()) found = queues_.emplace(std::string(queue), Windows{}).first;
  Windows& windows = found->second;
  const auto number = now / kWindowMs;
  if (windows.number != number) {
    windows.previous = windows.number + 1 == number ? windows.current : QueueTimes{};
    windows.current = {};
    windows.number = number;
  }
  return windows.current;
}

void TimesBoard::waited(std::string_view queue, std::int64_t priority, std::int64_t ms,
                        std::int64_t now) {
  const auto seconds = static_cast<double>(std::max<std::int64_t>(0, ms)) / 1'000;
  const auto& bounds = PriorityWaits::kBounds;
  const auto bound = std::lower_bound(bounds.begin(), bounds.end(), seconds) - bounds.begin();
  const std::lock_guard lock(mutex_);
  current(queue, now).wait.add(ms);
  PriorityWaits& waits = waits_.at(static_cast<std::size_t>(priority));
  ++waits.counts[static_cast<std::size_t>(bound)];
  waits.sum_seconds += seconds;
}

void TimesBoard::ran(std::string_view queue, std::int64_t ms, std::int64_t now) {
  const std::lock_guard lock(mutex_);
  current(queue, now).run.add(ms);
}

void TimesBoard::forget(std::string_view queue) {
  const std::lock_guard lock(mutex_);
  if (const auto found = queues_.find(queue); found != queues_.end()) queues_.erase(found);
}

QueueTimes TimesBoard::queue(std::string_view name, std::int64_t now) const {
  QueueTimes out;
  const std::lock_guard lock(mutex_);
  const auto found = queues_.find(name);
  if (found == queues_.end()) return out;
  const auto age = now / kWindowMs - found->second.number;
  if (age <= 1) {
    out.wait.add(found->second.current.wait);
    out.run.add(found->second.current.run);
  }
  if (age <= 0) {
    out.wait.add(found->second.previous.wait);
    out.run.add(found->second.previous.run);
  }
  return out;
}

std::vector<PriorityWaits> TimesBoard::by_priority() const {
  const std::lock_guard lock(mutex_);
  return {waits_.begin(), waits_.end()};
}

}  // namespace weir::jobs
