// Follower: a command that goes on by itself, such as `weir room tail`, and what it has printed so
// far. Ends with the object. Not thread-safe.
#pragma once

#include <string>
#include <vector>

#include "tests/support/child.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {

class Follower {
 public:
  // {"room", "tail", "r"}, of this server.
  Follower(const WeirServer& server, std::vector<std::string> arguments);

  std::string out() const;                             // its standard output up to now
  bool hears(const std::string& text) const;           // waits until it is somewhere in out()
  std::optional<int> wait() { return child_.wait(); }  // for its end: the exit code

 private:
  TempDir directory_;
  Child child_;
};

}  // namespace weir::test
