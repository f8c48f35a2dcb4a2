// Rate: a token bucket in whole numbers on the time of the log, so that every replica counts alike.
// Pure values.
//
// A bucket is one number: the moment at which it is full again, in units of 1/limit ms. A token
// costs per_ms units; 0 (any moment of the past) is a full bucket.
#pragma once

#include <algorithm>
#include <cstdint>

namespace weir::jobs {

// `limit` jobs per `per_ms`, at most `burst` at once. limit 0: no rate.
struct Rate {
  std::int64_t limit = 0;
  std::int64_t per_ms = 1'000;
  std::int64_t burst = 1;

  explicit operator bool() const { return limit > 0; }
  bool operator==(const Rate&) const = default;

  // Tokens that are there at `now`.
  std::int64_t tokens(std::int64_t full, std::int64_t now) const {
    const auto missing = std::max<std::int64_t>(0, full - now * limit);
    return std::max<std::int64_t>(0, (burst * per_ms - missing) / per_ms);
  }
  // The bucket after one token was taken at `now`.
  std::int64_t taken(std::int64_t full, std::int64_t now) const {
    return std::max(full, now * limit) + per_ms;
  }
  // The first moment with a token; unix ms, may be past.
  std::int64_t ready_at(std::int64_t full) const {
    return ceil_divide(std::max<std::int64_t>(0, full - (burst - 1) * per_ms));
  }
  // The moment the bucket is full; unix ms, may be past.
  std::int64_t full_at(std::int64_t full) const { return ceil_divide(full); }

 private:
  std::int64_t ceil_divide(std::int64_t units) const { return (units + limit - 1) / limit; }
};

}  // namespace weir::jobs
