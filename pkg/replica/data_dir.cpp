#include "pkg/replica/data_dir.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "pkg/replica/local_instance.hpp"

namespace weir::replica {
namespace {

Error failed(const std::string& path, int number) {
  return Error{Code::internal, "data_dir_failed", "The data directory cannot be used",
               path + ": " + std::strerror(number)};
}

// Whole or not at all, also when the machine dies in between.
Result<void> write_durably(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return failed(fresh, errno);
  const bool written =
      ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(file) == 0;
  const int number = errno;
  ::close(file);
  if (!written) return failed(fresh, number);
  if (::rename(fresh.c_str(), path.c_str()) != 0) return failed(path, errno);
  return {};
}

}  // namespace

Result<std::string> load_node_id(const std::string& data_dir, Random& random) {
  std::error_code error;
  std::filesystem::create_directories(data_dir, error);
  if (error) return failed(data_dir, error.value());
  const std::string path = data_dir + "/node-id";
  std::string id;
  std::ifstream(path) >> id;
  if (is_valid_name(id)) return id;
  id = "n" + random_hex(random, 12);
  WEIR_TRY(write_durably(path, id + "\n"));
  return id;
}

Result<std::unique_ptr<DirectoryLock>> DirectoryLock::take(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return failed(path, errno);
  auto lock = std::unique_ptr<DirectoryLock>(new DirectoryLock(file));
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    return Error{Code::conflict, "data_dir_in_use", "Another process uses the data directory",
                 path + " is locked: stop the other process, or choose another --data-dir"};
  }
  return lock;
}

DirectoryLock::~DirectoryLock() {
  ::close(file_);
}

}  // namespace weir::replica
