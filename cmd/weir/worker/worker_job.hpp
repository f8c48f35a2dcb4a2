// A job that a Worker holds, and what is told about it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cmd/weir/worker/child.hpp"
#include "cmd/weir/worker/line_buffer.hpp"

namespace weir::cli {

// A leased job until its outcome is acknowledged. Shared by runner, reporter and map.
struct HeldJob {
  enum class End : std::uint8_t { own, cancelled, lost, aborted };
  std::string lease;
  std::string id;
  std::string payload;
  std::vector<std::pair<std::string, std::string>> environment;
  ChildStopper stopper;
  LineBuffer log;                  // of standard error, not yet told
  std::atomic<End> end{End::own};  // why it was stopped, if it was
  bool reported = false;           // its outcome waits to be told; guarded by the worker's mutex
};

struct WorkReport {
  enum class Kind : std::uint8_t { complete, fail, release };
  Kind kind = Kind::release;
  std::shared_ptr<HeldJob> held;
  std::string members;         // of the item beside the lease: `"result":...`
  bool maybe_known = false;    // sent before, and the answer was lost
  LineBuffer::Batch log = {};  // goes with it; set when it is sent
};

struct Heartbeat {
  std::shared_ptr<HeldJob> held;
  LineBuffer::Batch log = {};
};

}  // namespace weir::cli
