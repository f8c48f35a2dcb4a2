#include "pkg/replica/file_error.hpp"

#include <cerrno>
#include <cstring>

namespace weir::replica {

Error file_error(const std::string& path) {
  const bool full = errno == ENOSPC || errno == EDQUOT;
  return Error{full ? Code::out_of_space : Code::internal, full ? "disk_full" : "file_error",
               full ? "The disk of the data directory is full" : "A file cannot be used",
               path + ": " + std::strerror(errno)};
}

}  // namespace weir::replica
