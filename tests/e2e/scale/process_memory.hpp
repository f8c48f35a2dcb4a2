// What a process has resident, in MB, from /proc.
#pragma once

#include <sys/types.h>

#include <fstream>
#include <string>

namespace weir::test {

inline double resident_mb(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return std::stod(line.substr(6)) / 1'024;
  }
  return -1;
}

}  // namespace weir::test
