// Child: a supervised child process. It dies with its parent (PR_SET_PDEATHSIG, prctl(2): sent when
// the THREAD that spawned it ends, so spawn from a thread that lives as long as the child may).
//
// Not thread-safe, except pid(). The destructor kills and reaps.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pkg/base/clock.hpp"
#include "pkg/base/result.hpp"

namespace weir::process {

struct SpawnOptions {
  std::vector<std::string> arguments;  // [0] is the program's path
  std::string output_file;             // standard output and error are appended; empty: inherited
  int keep_open = -1;                  // a file descriptor that the child inherits, a lock perhaps
};

class Child {
 public:
  // Error: internal / spawn_failed.
  static Result<std::unique_ptr<Child>> spawn(const SpawnOptions& options);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  // The wait(2) status once it has ended.
  std::optional<int> try_wait();
  // SIGTERM, then SIGKILL after `grace`; returns when it is reaped.
  void terminate(Millis grace);

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  pid_t pid_;
  std::optional<int> status_;
};

}  // namespace weir::process
