// Service: every long-lived part that owns threads. start() and stop() are idempotent, stop() is
// safe before start() and joins every thread; the destructor of an implementation calls stop().
#pragma once

#include "pkg/base/result.hpp"

namespace weir {

class Service {
 public:
  virtual ~Service() = default;
  virtual Result<void> start() = 0;
  virtual void stop() = 0;
};

}  // namespace weir
