// Clock: where time comes from. Injected everywhere, so tests and the simulation own time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace weir {

using Millis = std::chrono::milliseconds;
using Timestamp = std::chrono::sys_time<Millis>;         // wall time, UTC, what users see
using MonoTime = std::chrono::steady_clock::time_point;  // for deadlines and durations

// Milliseconds since the Unix epoch: the form in the log and in SQLite.
inline std::int64_t to_unix_ms(Timestamp time) {
  return time.time_since_epoch().count();
}
inline Timestamp from_unix_ms(std::int64_t ms) {
  return Timestamp{Millis{ms}};
}

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp wall() const = 0;
  virtual MonoTime mono() const = 0;
};

class SystemClock final : public Clock {
 public:
  Timestamp wall() const override {
    return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
  }
  MonoTime mono() const override { return std::chrono::steady_clock::now(); }
};

// Stands still until told. Thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start = from_unix_ms(1'700'000'000'000))
      : wall_ms_(to_unix_ms(start)) {}
  Timestamp wall() const override { return from_unix_ms(wall_ms_.load()); }
  MonoTime mono() const override { return MonoTime{Millis{mono_ms_.load()}}; }
  void advance(Millis by) {
    wall_ms_ += by.count();
    mono_ms_ += by.count();
  }
  // A step of the wall clock alone, as NTP or an operator makes it.
  void jump_wall(Millis by) { wall_ms_ += by.count(); }

 private:
  std::atomic<std::int64_t> wall_ms_;
  std::atomic<std::int64_t> mono_ms_{1'000'000};
};

}  // namespace weir
