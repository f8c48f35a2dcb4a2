#include "pkg/process/host.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

namespace weir::process {
namespace {

// Binds 127.0.0.1:`port`; the port it got, 0 when it failed.
std::uint16_t try_bind(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return 0;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  std::uint16_t got = 0;
  socklen_t length = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd, raw, length) == 0 && ::getsockname(fd, raw, &length) == 0)
    got = ntohs(address.sin_port);
  ::close(fd);
  return got;
}

}  // namespace

std::optional<std::string> find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(std::string(path != nullptr ? path : "") +
                             ":/usr/sbin:/usr/local/sbin:/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = folder + "/" + name;
    if (!folder.empty() && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

Result<std::uint16_t> free_loopback_port() {
  if (const auto port = try_bind(0); port != 0) return port;
  return Error{Code::internal, "no_free_port", "No TCP port is free", std::strerror(errno)};
}

bool is_port_free(std::uint16_t port) {
  return try_bind(port) != 0;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Result<void> write_private_file(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".new";
  const auto failed = [&] {
    return Error{Code::out_of_space, "file_not_written",
                 "A file of the data directory could not be written",
                 path + ": " + std::strerror(errno)};
  };
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return failed();
  std::size_t written = 0;
  while (written < text.size()) {
    const auto got = ::write(fd, text.data() + written, text.size() - written);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    written += static_cast<std::size_t>(got);
  }
  const bool synced = written == text.size() && ::fsync(fd) == 0;
  ::close(fd);
  if (!synced || ::rename(temporary.c_str(), path.c_str()) != 0) return failed();
  return {};
}

}  // namespace weir::process
