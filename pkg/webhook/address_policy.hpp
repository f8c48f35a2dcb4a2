// AddressPolicy: which addresses webhooks may go to. Whoever may set a webhook chooses what this
// server connects to, so the addresses of the machine itself and of private networks are refused
// unless the operator allows them (server-side request forgery).
//
// Refused by default is what the IANA special-purpose registries (RFC 6890) do not call globally
// reachable, multicast, and addresses that carry such an IPv4 address inside. Immutable.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/base/result.hpp"

namespace weir::webhook {

// IPv6, or IPv4 in its mapped form (::ffff:a.b.c.d).
using IpAddress = std::array<std::uint8_t, 16>;

std::optional<IpAddress> parse_address(std::string_view text);

class AddressPolicy {
 public:
  AddressPolicy() = default;  // nothing beyond the default

  // Addresses and networks (10.0.0.0/8, fd00::/8, 127.0.0.1) that are allowed too; * is all.
  // Errors: invalid / bad_network, the details name it.
  static Result<AddressPolicy> make(std::span<const std::string> allowed);

  bool allows(const IpAddress& address) const;

 private:
  struct Network {
    IpAddress address;
    unsigned bits;
  };
  std::vector<Network> allowed_;
};

}  // namespace weir::webhook
