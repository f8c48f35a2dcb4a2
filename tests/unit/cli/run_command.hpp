// A command of the CLI, run in this process, and what it printed.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cmd/weir/cli/commands.hpp"

namespace weir::cli {

struct Ran {
  int code;
  std::string out;
  std::string err;
};

inline Ran run(int (*command)(Args), std::vector<std::string> args) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = command(args);
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

}  // namespace weir::cli
