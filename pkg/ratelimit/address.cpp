#include "pkg/ratelimit/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

namespace weir::ratelimit {

std::string neighbourhood(std::string_view address) {
  in6_addr v6{};
  std::string text(address);
  if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return text;
  if (IN6_IS_ADDR_V4MAPPED(&v6) != 0) return text.substr(text.rfind(':') + 1);
  std::fill(std::begin(v6.s6_addr) + 8, std::end(v6.s6_addr), std::uint8_t{0});
  std::array<char, INET6_ADDRSTRLEN> out{};
  ::inet_ntop(AF_INET6, &v6, out.data(), out.size());
  return out.data();
}

}  // namespace weir::ratelimit
