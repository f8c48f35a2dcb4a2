// Limits of data structures. Those of requests are checked before anything enters the log; those of
// the state are replicated (operation structures.limits), so that every replica decides alike.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::structures {

// --- of a request ---
inline constexpr std::size_t kMaxKeyBytes = 512;
inline constexpr std::size_t kMaxMemberBytes = 64U << 10U;  // a field name or a member, as text
inline constexpr std::size_t kMaxValueBytes = 1U << 20U;    // a value, as JSON text
inline constexpr std::size_t kMaxItems = 10'000;            // values, members, fields or keys
inline constexpr std::int64_t kMaxPopCount = 10'000;
inline constexpr std::int64_t kMaxScanCount = 1'000;
inline constexpr std::int64_t kMaxTtlSeconds = 100LL * 366 * 24 * 3600;  // a hundred years

// --- of an answer ---
inline constexpr std::size_t kMaxAnswerBytes = 16U << 20U;  // pops stop early, reads are refused

// --- of the state ---
struct StateLimits {
  std::int64_t max_bytes = 1LL << 30U;    // estimated bytes of all structures together
  std::int64_t max_elements = 1'000'000;  // of one structure
};
inline constexpr std::int64_t kSmallestMaxBytes = 1LL << 20U;

// --- what memory usage counts: an estimate of the rows and their index entries ---
inline constexpr std::int64_t kKeyOverheadBytes = 128;
inline constexpr std::int64_t kElementOverheadBytes = 64;

// --- of the work of one entry ---
inline constexpr std::int64_t kTickRows = 1'000;    // expired keys and removed rows a tick handles
inline constexpr std::int64_t kRemovedAtOnce = 16;  // larger structures are swept by ticks

}  // namespace weir::structures
