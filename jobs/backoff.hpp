// Backoff: how long a failed job waits for its next attempt. Pure: the same inputs give the same
// delay on every replica (no libm, whose last digits differ between versions).
#pragma once

#include <cstdint>
#include <vector>

#include "pkg/json/view.hpp"
#include "pkg/json/writer.hpp"

namespace weir::jobs {

struct Backoff {
  enum class Kind : std::uint8_t { exponential, linear, fixed, list };
  Kind kind = Kind::exponential;
  std::int64_t delay_ms = 1'000;
  std::int64_t max_ms = 6 * 3'600'000;     // cap of every kind
  double factor = 2.0;                     // exponential only
  double jitter = 0.2;                     // the delay is spread over +- this part of it
  std::vector<std::int64_t> list_ms = {};  // list only: one delay per failure, the last repeats
};

std::string_view to_string(Backoff::Kind kind);

// From the form that write_backoff() makes; members that are missing keep their defaults.
Backoff parse_backoff(json::View text);
void write_backoff(json::Writer& out, const Backoff& backoff);

// Milliseconds to wait after the `failures`th failure (1, 2, ...); `random` spreads it.
std::int64_t retry_delay_ms(const Backoff& backoff, std::int64_t failures, std::uint64_t random);

}  // namespace weir::jobs
