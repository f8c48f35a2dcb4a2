// RequestLimits: how many requests a key, or an address without one, may make. Of this coordinator
// alone: each counts for itself.
//
// - A key with a `rate` has it on every surface: a request, a frame on a WebSocket and a batch
// count
//   as one each.
// - Who comes without a valid key is limited by address on what is public or guessed at: /health,
//   /stats and /admin/*. /live and /ready never are.
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/http/types.hpp"
#include "pkg/auth/scope.hpp"
#include "pkg/base/clock.hpp"
#include "pkg/ratelimit/fixed_windows.hpp"

namespace weir::api {

// Requests of one address in a minute; 0: any number.
struct PublicLimits {
  std::int64_t health = 60;
  std::int64_t stats = 30;
  std::int64_t admin = 10;
};

class RequestLimits {
 public:
  RequestLimits(const PublicLimits& limits, const Clock& clock) : limits_(limits), clock_(clock) {}

  // Counts a request of the key. Nothing: it has no rate.
  std::optional<ratelimit::Verdict> of_key(const auth::Principal& principal);

  // The limit that routes with this path share. Nothing: there is none.
  struct Shared {
    std::string_view name;  // "health"
    ratelimit::Allowance allowance;
  };
  std::optional<Shared> shared_limit(std::string_view path) const;
  ratelimit::Verdict of_address(const Shared& shared, std::string_view address);

  // X-RateLimit-Limit, -Remaining and -Reset (Unix seconds).
  using Headers = std::vector<std::pair<std::string, std::string>>;
  Headers headers(const ratelimit::Verdict& verdict) const;

 private:
  const PublicLimits limits_;
  const Clock& clock_;
  ratelimit::FixedWindows keys_;
  ratelimit::FixedWindows addresses_;
};

// too_many_requests / rate_limit_exceeded.
Error rate_limit_exceeded(const ratelimit::Verdict& verdict);
// The answer on the paths that have a limit by address:
// {"error":"Rate limit exceeded","retryAfter":30,"limit":60,"window":"1m"}.
http::Response rate_limited_response(const ratelimit::Verdict& verdict);
// Puts the headers into whatever answer is sent.
http::Responder with_headers(const http::Responder& responder, RequestLimits::Headers headers);

}  // namespace weir::api
