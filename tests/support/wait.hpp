// Waiting for a condition, the only way tests wait for time to pass.
#pragma once

#include <chrono>
#include <thread>

#include "pkg/base/clock.hpp"

namespace weir::test {

// True as soon as `condition()` is, false when it still is not after `limit`.
template <class Condition>
bool wait_until(Condition&& condition, Millis limit = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(Millis{5});
  }
  return true;
}

}  // namespace weir::test
