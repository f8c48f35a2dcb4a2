#include "api/runtime/process_info.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace weir::api {
namespace {

std::uint64_t page_bytes() {
  return static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_PAGESIZE)));
}

utsname system_name() {
  utsname name{};
  ::uname(&name);
  return name;
}

}  // namespace

MemoryUse memory_use() {
  MemoryUse use;
  std::uint64_t all_pages = 0;
  std::uint64_t resident_pages = 0;
  if (std::ifstream statm("/proc/self/statm"); statm >> all_pages >> resident_pages) {
    use.used_bytes = resident_pages * page_bytes();
  }
  use.total_bytes =
      static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES))) * page_bytes();
  std::uint64_t limit = 0;  // "max" when there is none: the read then fails
  if (std::ifstream cgroup("/sys/fs/cgroup/memory.max"); cgroup >> limit && limit > 0) {
    use.total_bytes = std::min(use.total_bytes, limit);
  }
  return use;
}

std::string platform() {
  std::string name = system_name().sysname;
  for (char& c : name) c = static_cast<char>(c | 0x20);
  return name;
}

std::string arch() {
  const std::string machine = system_name().machine;
  if (machine == "x86_64") return "x64";
  if (machine == "aarch64") return "arm64";
  return machine;
}

std::string compiler() {
#if defined(__clang__)
  return "clang++ " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

}  // namespace weir::api
