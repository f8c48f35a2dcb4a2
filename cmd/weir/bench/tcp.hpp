// A TCP connection, for what speaks its protocol itself.
#pragma once

#include <cstdint>
#include <string>

namespace weir::cli {

// Blocking, with TCP_NODELAY; the caller closes it. -1: no address of the host answers (errno).
int connect_tcp(const std::string& host, std::uint16_t port);

}  // namespace weir::cli
