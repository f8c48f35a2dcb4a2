#include "pkg/webhook/address_policy.hpp"

#include <gtest/gtest.h>

namespace weir::webhook {
namespace {

bool allows(const AddressPolicy& policy, std::string_view text) {
  const auto address = parse_address(text);
  EXPECT_TRUE(address) << text;
  return address && policy.allows(*address);
}

TEST(AddressPolicy, RefusesWhatIsNotPublic) {
  const AddressPolicy policy;
  for (const std::string_view text : {"0.0.0.0",
                                      "10.1.2.3",
                                      "100.64.0.1",
                                      "127.0.0.1",
                                      "127.255.255.255",
                                      "169.254.169.254",
                                      "172.16.0.1",
                                      "172.31.255.255",
                                      "192.0.0.1",
                                      "192.0.2.1",
                                      "192.168.1.1",
                                      "198.18.0.1",
                                      "198.19.255.255",
                                      "198.51.100.9",
                                      "203.0.113.9",
                                      "224.0.0.1",
                                      "255.255.255.255",
                                      "::",
                                      "::1",
                                      "::ffff:127.0.0.1",
                                      "::ffff:10.0.0.1",
                                      "::127.0.0.1",
                                      "64:ff9b::7f00:1",
                                      "64:ff9b::a9fe:a9fe",
                                      "64:ff9b:1::1",
                                      "100::1",
                                      "2001::1",
                                      "2001:db8::1",
                                      "2002:7f00:1::1",
                                      "2002:c0a8:101::1",
                                      "3fff::1",
                                      "fc00::1",
                                      "fd12:3456::1",
                                      "fe80::1",
                                      "fec0::1",
                                      "ff02::1"}) {
    EXPECT_FALSE(allows(policy, text)) << text;
  }
}

TEST(AddressPolicy, AllowsWhatIsPublic) {
  const AddressPolicy policy;
  for (const std::string_view text :
       {"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
        "172.15.255.255", "172.32.0.0", "192.169.0.0", "223.255.255.255", "::ffff:8.8.8.8",
        "2606:4700::1111", "2a00:1450:4001::1", "64:ff9b::808:808", "2002:808:808::1"}) {
    EXPECT_TRUE(allows(policy, text)) << text;
  }
}

TEST(AddressPolicy, TheOperatorAllowsMore) {
  const std::vector<std::string> allowed{"10.1.0.0/16", "127.0.0.1", "fd00:1::/32",
                                         "172.16.0.0/13"};
  const auto policy = AddressPolicy::make(allowed).value();
  for (const std::string_view text : {"10.1.0.0", "10.1.255.255", "127.0.0.1", "::ffff:127.0.0.1",
                                      "fd00:1::9", "172.23.0.1", "8.8.8.8"}) {
    EXPECT_TRUE(allows(policy, text)) << text;
  }
  for (const std::string_view text :
       {"10.2.0.0", "10.0.255.255", "127.0.0.2", "fd00:2::9", "172.24.0.1", "::1"}) {
    EXPECT_FALSE(allows(policy, text)) << text;
  }
  const std::vector<std::string> all{"*"};
  EXPECT_TRUE(allows(AddressPolicy::make(all).value(), "169.254.169.254"));
}

TEST(AddressPolicy, RefusesWhatIsNoNetwork) {
  for (const std::string& text :
       {std::string(""), std::string("localhost"), std::string("10.0.0.0/33"), std::string("10/8"),
        std::string("::/129"), std::string("10.0.0.0/"), std::string("10.0.0.0/8x")}) {
    const std::vector<std::string> allowed{text};
    const auto policy = AddressPolicy::make(allowed);
    ASSERT_FALSE(policy) << text;
    EXPECT_EQ(policy.error().reason, "bad_network");
  }
}

}  // namespace
}  // namespace weir::webhook
