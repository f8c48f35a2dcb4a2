#include "pkg/metrics/metric.hpp"

#include <algorithm>
#include <array>

#include "pkg/base/assert.hpp"

namespace weir::metrics {

Histogram::Histogram(std::span<const double> bounds)
    : bounds_(bounds.begin(), bounds.end()),
      buckets_(std::make_unique<std::atomic<std::uint64_t>[]>(bounds.size() + 1)) {
  WEIR_ASSERT(!bounds_.empty() && std::is_sorted(bounds_.begin(), bounds_.end()));
}

void Histogram::observe(double value) {
  const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  const auto index = static_cast<std::size_t>(bound - bounds_.begin());
  buckets_[index].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::span<const double> latency_buckets() {
  static constexpr std::array<double, 15> kBounds{
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 20, 60};
  return kBounds;
}

std::span<const double> size_buckets() {
  static constexpr std::array<double, 12> kBounds{1,   2,   5,   10,   20,   50,
                                                  100, 200, 500, 1000, 2000, 10000};
  return kBounds;
}

}  // namespace weir::metrics
