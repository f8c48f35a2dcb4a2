// Whom an address stands for when requests are counted by address.
#pragma once

#include <string>
#include <string_view>

namespace weir::ratelimit {

// The address itself, but of IPv6 its /64: whoever has one of those has all of them. An IPv4
// address inside of IPv6 is the IPv4 address. What is no address stays as it is.
std::string neighbourhood(std::string_view address);

}  // namespace weir::ratelimit
