// What a program asks of the machine it runs on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pkg/base/result.hpp"

namespace weir::process {

// Full path of `name` in PATH or the sbin folders.
std::optional<std::string> find_program(const std::string& name);
// A TCP port of 127.0.0.1 that was free a moment ago. Error: internal / no_free_port.
Result<std::uint16_t> free_loopback_port();
// True when nothing listens on this loopback port.
bool is_port_free(std::uint16_t port);
std::string read_file(const std::string& path);  // empty when it cannot be read
// Writes with mode 0600 through a temporary file and rename. Error: out_of_space /
// file_not_written.
Result<void> write_private_file(const std::string& path, const std::string& text);

}  // namespace weir::process
