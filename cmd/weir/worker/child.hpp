// One child process in its own process group: fed, read, waited for and never left behind.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"

namespace weir::cli {

struct ChildSpec {
  std::string command = {};                                           // for /bin/sh -c
  std::vector<std::pair<std::string, std::string>> environment = {};  // added to this process's
  std::string input = {};                                             // standard input
  std::size_t max_output_bytes = 1 << 20;                             // of standard output
  std::size_t error_tail_bytes = 8 << 10;                             // kept of standard error
  Millis kill_grace{10'000};                                          // between SIGTERM and SIGKILL
  // Sees standard error as it comes, on the thread of run_child().
  std::function<void(std::string_view)> on_error = {};
};

struct ChildEnd {
  int exit_code = 0;        // 128 + signal when a signal ended it, as shells do
  int signal = 0;           // that ended it; 0 = it exited
  bool overflowed = false;  // standard output was longer than allowed, the rest was dropped
  std::string output;
  std::string error_tail;
};

// The right to end a running child, from any thread.
class ChildStopper {
 public:
  ChildStopper();
  ~ChildStopper();
  ChildStopper(const ChildStopper&) = delete;
  ChildStopper& operator=(const ChildStopper&) = delete;

  void terminate();  // SIGTERM to the group now, SIGKILL after the grace
  void kill();       // SIGKILL to the group now
  bool asked() const { return wanted_ != 0; }

 private:
  friend Result<ChildEnd> run_child(const ChildSpec& spec, ChildStopper& stopper);
  void wake();
  std::atomic<int> wanted_{0};  // 1 = terminate, 2 = kill
  int event_fd_ = -1;
};

// Runs the child to its end; blocks. The child dies with the calling thread. What it leaves in its
// group is killed when it was asked to stop. Errors: unavailable / spawn_failed.
Result<ChildEnd> run_child(const ChildSpec& spec, ChildStopper& stopper);

}  // namespace weir::cli
