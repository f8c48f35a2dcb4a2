// From a client's JSON (POST /v1/keys) to operations of the KeyMachine. All errors of a request at
// once. The body must have passed json::check(). Thread-safe.
#pragma once

#include "pkg/auth/key_text.hpp"
#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"
#include "pkg/json/view.hpp"
#include "pkg/replica/state_machine.hpp"

namespace weir::auth {

inline constexpr std::size_t kMaxKeyNameBytes = 128;
inline constexpr std::size_t kMaxQueuePatterns = 64;
inline constexpr std::int64_t kMaxQuota = 100'000'000;   // waiting jobs
inline constexpr std::int64_t kMaxRate = 1'000'000'000;  // requests in a window
inline constexpr Millis kDefaultRateWindow{60'000};
inline constexpr Millis kLongestRateWindow{24 * 3600 * 1000};

// {name!, scopes!, queues?, streams?, expires_at?, max_waiting?, rate?: {limit!, per_ms}}. `now`
// only to refuse a key that is born expired. Errors: bad_request / unknown_field; invalid /
// invalid_request with the fields named.
Result<replica::Operation> create_key(json::View body, const NewKey& key, Timestamp now);

replica::Operation revoke_key(std::string_view id);
replica::Operation rotate_key(const NewKey& key);
// `given`: the operator chose the key (WEIR_API_KEY).
enum class KeySource : std::uint8_t { made, given };
replica::Operation bootstrap_key(const NewKey& key, KeySource source);

}  // namespace weir::auth
