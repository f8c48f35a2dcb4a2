// Setting the time of a coordinator that runs with a test clock. An advance goes from one moment at
// which something is due to the next, and lets the leader do what is due before it goes on, so that
// leases expire, retries begin and schedules fire one after the other, as they would have.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <optional>

#include "api/core/services.hpp"

namespace weir::api {

struct ClockRequest {
  Millis advance{0};
  bool jump = false;  // in one step, as if nothing had run in between
  std::optional<bool> freeze;
};

// Members advance, jump, freeze. Errors: as of jobs::Fields; invalid / invalid_request.
Result<ClockRequest> read_clock_request(json::View body);

// {"now","ahead_ms","frozen"}, and "steps" after an advance.
std::string clock_json(const replica::TestClock& clock, std::optional<std::uint64_t> steps = {});

// Does one request after the other, in the order of arrival. Thread-safe; outlives its callbacks as
// Services does.
class ClockSetter {
 public:
  using Done = std::function<void(Result<std::uint64_t> steps)>;

  explicit ClockSetter(Services& services) : services_(services) {}

  // `done` is called once, from any thread, when all that became due is done. Errors:
  // too_many_requests / clock_busy; deadline_exceeded / clock_behind (what is due does not get
  // done: the time stands at what was reached); those of Instance::propose().
  void run(const ClockRequest& request, Done done);

 private:
  class Advance;
  void begin(const std::shared_ptr<Advance>& advance);
  void ended();

  Services& services_;
  std::mutex mutex_;
  std::deque<std::shared_ptr<Advance>> waiting_;  // guarded by mutex_; the first one runs
};

}  // namespace weir::api
