// DirectoryLock: keeps a second process out of a data directory while it lives; the kernel takes
// the lock back when the process dies.
#pragma once

#include <memory>
#include <string>

#include "pkg/base/result.hpp"

namespace weir::replica {

class DirectoryLock {
 public:
  // Errors: conflict / data_dir_in_use; internal / data_dir_failed.
  static Result<std::unique_ptr<DirectoryLock>> take(const std::string& path);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int file) : file_(file) {}
  const int file_;
};

}  // namespace weir::replica
