// World: virtual time, the only source of chance and the only scheduler of a simulated run. One
// thread; the same seed makes the same run, event by event, and the trace hash proves it.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/base/ids.hpp"

namespace weir::sim {

using Micros = std::chrono::microseconds;

class World {
 public:
  World(std::uint64_t seed, bool verbose) : random_(mix64(seed)), verbose_(verbose) {}

  // Chance.
  std::uint64_t next() { return random_.next(); }
  std::uint64_t below(std::uint64_t limit) { return random_.next() % limit; }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low + 1)));
  }
  // Faults stop when the run calms down; the share is in thousandths.
  bool fault(std::uint64_t per_mille) { return faults_ && below(1'000) < per_mille; }
  bool chance(std::uint64_t per_mille) { return below(1'000) < per_mille; }
  void set_faults(bool on) { faults_ = on; }

  // Time and events.
  Micros now() const { return now_; }
  void after(Micros delay, std::function<void()> event);
  // Runs events until `end`.
  void run_until(Micros end);
  std::uint64_t events() const { return sequence_; }

  // What happened, in words: part of the hash, printed when verbose.
  void trace(std::string_view what);
  std::uint64_t trace_hash() const { return hash_; }

 private:
  struct Event {
    Micros at;
    std::uint64_t sequence;
    std::function<void()> run;
    bool operator<(const Event& other) const {
      return at != other.at ? at > other.at : sequence > other.sequence;
    }
  };

  SeededRandom random_;
  const bool verbose_;
  bool faults_ = true;
  Micros now_{0};
  std::uint64_t sequence_ = 0;
  std::uint64_t hash_ = 0;
  std::priority_queue<Event> events_;
};

// A node's clocks: true time, but the wall clock is off and jumps.
class SimClock final : public Clock {
 public:
  explicit SimClock(const World& world) : world_(world) {}
  Timestamp wall() const override {
    return from_unix_ms(kEpochMs) + std::chrono::duration_cast<Millis>(world_.now()) + skew_;
  }
  MonoTime mono() const override { return MonoTime{std::chrono::hours(1) + world_.now()}; }
  void set_skew(Millis skew) { skew_ = skew; }

  static constexpr std::int64_t kEpochMs = 1'800'000'000'000;

 private:
  const World& world_;
  Millis skew_{0};
};

// The world's chance, for code that wants a Random.
class SimRandom final : public Random {
 public:
  explicit SimRandom(World& world) : world_(world) {}
  std::uint64_t next() override { return world_.next(); }

 private:
  World& world_;
};

}  // namespace weir::sim
