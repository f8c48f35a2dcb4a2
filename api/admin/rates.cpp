#include "api/admin/rates.hpp"

namespace weir::api {

void RateSampler::sample(MonoTime now, const replica::Totals& totals) {
  const std::lock_guard lock(mutex_);
  samples_ = {samples_[1], Sample{now, totals}};
}

Rates RateSampler::rates(MonoTime now, const replica::Totals& totals) const {
  Sample since;
  {
    const std::lock_guard lock(mutex_);
    since = samples_[0];
  }
  const double seconds = std::chrono::duration<double>(now - since.at).count();
  if (seconds <= 0) return {};
  const auto per_second = [&](std::uint64_t later, std::uint64_t earlier) {
    return static_cast<double>(later - earlier) / seconds;
  };
  return {per_second(totals.operations_proposed, since.totals.operations_proposed),
          per_second(totals.entries_applied, since.totals.entries_applied),
          per_second(totals.operations_applied, since.totals.operations_applied),
          per_second(totals.apply_us, since.totals.apply_us) / 1e6};
}

}  // namespace weir::api
