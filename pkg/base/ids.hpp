// Random numbers and identifiers. Chosen at the edge, carried in operations: applying never
// draws one (docs/architecture.md, determinism).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pkg/base/clock.hpp"

namespace weir {

// Source of unpredictable numbers. Tests and the simulation pass a seeded one.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
};

// The kernel's generator (getrandom(2)), buffered per instance. Thread-safe.
class SystemRandom final : public Random {
 public:
  std::uint64_t next() override;
};

// splitmix64; for tests, the simulation and deterministic derivation. Not for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override;

 private:
  std::uint64_t state_;
};

// One step of splitmix64 as a pure function: a well-mixed hash of `value`.
std::uint64_t mix64(std::uint64_t value);

// UUID version 7 (RFC 9562 section 5.7), lower case. Ids of one generator grow strictly, also
// within a millisecond and when the clock steps back (section 6.2, method 2). Thread-safe.
class UuidGenerator {
 public:
  UuidGenerator(const Clock& clock, Random& random) : clock_(clock), random_(random) {}
  std::string next();

 private:
  const Clock& clock_;
  Random& random_;
  std::atomic<std::uint64_t> last_{0};  // 48 bits of milliseconds, then 12 bits of counter
};

// `digits` hexadecimal digits of randomness.
std::string random_hex(Random& random, std::size_t digits);

// 1-128 characters of A-Z a-z 0-9 . _ - : as job ids chosen by clients must be.
bool is_valid_id(std::string_view text);

// 1-128 characters of A-Z a-z 0-9 . _ - not starting or ending with a dot, no two dots together:
// also legal as a NATS subject suffix and in a file name.
bool is_valid_name(std::string_view text);

}  // namespace weir
