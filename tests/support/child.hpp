// Child: a real program started by a test. Killed (with what it started by itself, because it leads
// a process group) when the object goes; never outlives the test. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pkg/base/clock.hpp"

namespace weir::test {

struct Command {
  std::vector<std::string> argv = {};           // argv[0] is a path or found in PATH
  std::map<std::string, std::string> env = {};  // added to the test's own environment
  std::string directory = {};                   // where it runs; empty = here
  std::string input = {};                       // standard input
  std::string output_file = {};                 // standard output, appended; empty = dropped
  std::string error_file = {};                  // standard error, appended; empty = dropped
};

class Child {
 public:
  explicit Child(const Command& command);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number);
  // Waits for the end: the exit code, or 128 + signal; empty when it still runs after `limit`.
  std::optional<int> wait(Millis limit = std::chrono::seconds(30));
  void kill();  // SIGKILL to the whole group, and waits

 private:
  bool reap();
  pid_t pid_ = -1;
  std::optional<int> status_;
};

struct Finished {
  int code = -1;  // exit code; 128 + signal; -1 = over its limit and killed
  std::string out;
  std::string err;
};

// Runs a program to its end.
Finished run(Command command, Millis limit = std::chrono::seconds(60));

}  // namespace weir::test
