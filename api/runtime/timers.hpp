// Timers: one thread that runs short callbacks at their time, for requests that wait. Callbacks
// must not block. Lifecycle of a Service; callbacks still pending at stop() never run.
// Thread-safe. A callback may set and cancel timers.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "pkg/base/clock.hpp"
#include "pkg/base/service.hpp"

namespace weir::api {

class Timers final : public Service {
 public:
  using Id = std::uint64_t;  // 0 names no timer

  explicit Timers(const Clock& clock) : clock_(clock) {}
  ~Timers() override { stop(); }

  Result<void> start() override;
  void stop() override;

  Id set(MonoTime when, std::function<void()> callback);
  // False when it has run, is running or was never set.
  bool cancel(Id id);
  // Runs what is due by the clock, on the caller's thread. The thread does this; tests with a
  // ManualClock do it themselves.
  void run_due();
  std::size_t pending() const;

 private:
  void loop();

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<MonoTime, Id> by_time_;
  std::unordered_map<Id, std::function<void()>> callbacks_;
  Id last_id_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace weir::api
