// Target: where a webhook goes, taken from its URL. A plain value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pkg/base/result.hpp"

namespace weir::webhook {

inline constexpr std::size_t kMaxUrlBytes = 2'048;

struct Target {
  bool tls = false;
  std::string host;  // a name or an address, without brackets
  std::uint16_t port = 0;
  std::string path;  // with the query; begins with a slash

  std::string authority() const;  // as the Host header has it
};

// Errors: invalid / bad_webhook_url, the details say why. Refused are other schemes than http and
// https, a user or password, a fragment, and what is not plain ASCII.
Result<Target> parse_target(std::string_view url);

}  // namespace weir::webhook
