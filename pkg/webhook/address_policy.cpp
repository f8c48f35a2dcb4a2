#include "pkg/webhook/address_policy.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace weir::webhook {
namespace {

constexpr unsigned kMappedBits = 96;

constexpr IpAddress v4(unsigned a, unsigned b, unsigned c) {
  IpAddress out{};
  out[10] = out[11] = 0xff;
  out[12] = static_cast<std::uint8_t>(a);
  out[13] = static_cast<std::uint8_t>(b);
  out[14] = static_cast<std::uint8_t>(c);
  return out;
}
constexpr IpAddress v6(unsigned first, unsigned second, unsigned third = 0) {
  IpAddress out{};
  std::size_t at = 0;
  for (const auto group : {first, second, third}) {
    out[at++] = static_cast<std::uint8_t>(group >> 8U);
    out[at++] = static_cast<std::uint8_t>(group & 0xffU);
  }
  return out;
}

struct Block {
  IpAddress address;
  unsigned bits;  // of an IPv4 block after the 96 of its form
};

constexpr std::array kV4Refused{
    Block{v4(0, 0, 0), 8},      Block{v4(10, 0, 0), 8},     Block{v4(100, 64, 0), 10},
    Block{v4(127, 0, 0), 8},    Block{v4(169, 254, 0), 16}, Block{v4(172, 16, 0), 12},
    Block{v4(192, 0, 0), 24},   Block{v4(192, 0, 2), 24},   Block{v4(192, 88, 99), 24},
    Block{v4(192, 168, 0), 16}, Block{v4(198, 18, 0), 15},  Block{v4(198, 51, 100), 24},
    Block{v4(203, 0, 113), 24}, Block{v4(224, 0, 0), 4},    Block{v4(240, 0, 0), 4}};

// Only 2000::/3 is assigned to global unicast; these parts of it are not.
constexpr Block kGlobal{v6(0x2000, 0), 3};
constexpr std::array kV6Refused{Block{v6(0x2001, 0), 23}, Block{v6(0x2001, 0xdb8), 32},
                                Block{v6(0x3fff, 0), 20}};
constexpr Block k6to4{v6(0x2002, 0), 16};         // carries an IPv4 address in bytes 2 to 5
constexpr Block kNat64{v6(0x64, 0xff9b, 0), 96};  // carries one in the last four

bool is_in(const IpAddress& address, const IpAddress& network, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (!std::equal(network.begin(), network.begin() + static_cast<std::ptrdiff_t>(whole),
                  address.begin())) {
    return false;
  }
  if (bits % 8 == 0) return true;
  const unsigned mask = 0xffU << (8 - bits % 8);
  return ((network[whole] ^ address[whole]) & mask & 0xffU) == 0;
}

bool is_v4(const IpAddress& address) {
  return is_in(address, v4(0, 0, 0), kMappedBits);
}

bool is_public_v4(const IpAddress& address) {
  return std::ranges::none_of(kV4Refused, [&](const Block& block) {
    return is_in(address, block.address, kMappedBits + block.bits);
  });
}

IpAddress v4_inside(const IpAddress& address, std::size_t at) {
  IpAddress out = v4(0, 0, 0);
  std::copy_n(address.begin() + static_cast<std::ptrdiff_t>(at), 4, out.begin() + 12);
  return out;
}

bool is_public(const IpAddress& address) {
  if (is_v4(address)) return is_public_v4(address);
  const auto in = [&](const Block& block) { return is_in(address, block.address, block.bits); };
  if (in(kNat64)) return is_public_v4(v4_inside(address, 12));
  if (in(k6to4)) return is_public_v4(v4_inside(address, 2));
  return in(kGlobal) && std::ranges::none_of(kV6Refused, in);
}

}  // namespace

std::optional<IpAddress> parse_address(std::string_view text) {
  const std::string name(text);
  IpAddress out{};
  in_addr four{};
  if (::inet_pton(AF_INET, name.c_str(), &four) == 1) {
    out[10] = out[11] = 0xff;
    std::memcpy(out.data() + 12, &four, 4);
    return out;
  }
  in6_addr six{};
  if (::inet_pton(AF_INET6, name.c_str(), &six) != 1) return std::nullopt;
  std::memcpy(out.data(), &six, out.size());
  return out;
}

Result<AddressPolicy> AddressPolicy::make(std::span<const std::string> allowed) {
  AddressPolicy policy;
  for (const auto& entry : allowed) {
    const Error bad{Code::invalid, "bad_network", "Not an address or a network",
                    "\"" + entry + "\": want 10.0.0.0/8, fd00::/8, 127.0.0.1 or *"};
    if (entry == "*") {
      policy.allowed_.push_back({IpAddress{}, 0});
      continue;
    }
    const auto slash = std::min(entry.find('/'), entry.size());
    const auto address = parse_address(std::string_view(entry).substr(0, slash));
    if (!address) return bad;
    const unsigned head = entry.find(':') == std::string::npos ? kMappedBits : 0;
    const unsigned most = 128 - head;
    unsigned bits = most;
    if (slash < entry.size()) {
      const auto* const end = entry.data() + entry.size();
      const auto [stop, error] = std::from_chars(entry.data() + slash + 1, end, bits);
      if (error != std::errc{} || stop != end || bits > most) return bad;
    }
    policy.allowed_.push_back({*address, head + bits});
  }
  return policy;
}

bool AddressPolicy::allows(const IpAddress& address) const {
  return is_public(address) || std::ranges::any_of(allowed_, [&](const Network& network) {
           return is_in(address, network.address, network.bits);
         });
}

}  // namespace weir::webhook
