// Looking at the certificates of others. Thread-safe.
#pragma once

#include <optional>
#include <string>

#include "pkg/base/clock.hpp"

namespace weir::crypto {

// When the certificate ends that the TLS server at "HOST:PORT" shows; nothing when it shows none.
// Nothing is verified. Blocks as long as connecting takes.
std::optional<Timestamp> certificate_end(const std::string& host, const std::string& port);

}  // namespace weir::crypto
