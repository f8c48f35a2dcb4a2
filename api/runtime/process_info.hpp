// What the operating system says about this process. Linux (/proc, cgroup v2). Thread-safe.
#pragma once

#include <cstdint>
#include <string>

namespace weir::api {

struct MemoryUse {
  std::uint64_t used_bytes = 0;   // resident
  std::uint64_t total_bytes = 0;  // what it may use: the cgroup's limit, else the machine's memory
};

MemoryUse memory_use();
std::string platform();  // "linux"
std::string arch();      // "x64", "arm64", as uname where there is no shorter name
std::string compiler();  // "g++ 12.2.0"

}  // namespace weir::api
