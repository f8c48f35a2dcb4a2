// TokenWindow: the leases of one token bucket since it began, and the rule that a bucket keeps: in
// any time, at most `burst` plus what came in by `limit` per `per_ms`. Written as the rule says it,
// window by window, and not as a bucket.
#pragma once

#include <cstdint>
#include <vector>

namespace weir::sim {

struct RateRule {
  std::int64_t limit = 0;  // 0: none
  std::int64_t per_ms = 1'000;
  std::int64_t burst = 0;
  bool operator==(const RateRule&) const = default;
};

class TokenWindow {
 public:
  // Whether `more` leases at `now` fit.
  bool admits(const RateRule& rule, std::int64_t now, std::int64_t more = 1) const {
    if (rule.limit == 0) return true;
    for (std::size_t i = 0; i < leases_.size(); ++i) {
      const auto count = static_cast<std::int64_t>(leases_.size() - i) + more;
      if ((count - rule.burst) * rule.per_ms > rule.limit * (now - leases_[i])) return false;
    }
    return more <= rule.burst;
  }
  // As if nothing had ever been leased.
  bool full(const RateRule& rule, std::int64_t now) const {
    return rule.limit == 0 || leases_.empty() || admits(rule, now, rule.burst);
  }
  void add(const RateRule& rule, std::int64_t now) {
    if (full(rule, now)) leases_.clear();
    leases_.push_back(now);
  }
  void reset() { leases_.clear(); }

 private:
  std::vector<std::int64_t> leases_;  // unix ms
};

}  // namespace weir::sim
