#include "pkg/webhook/target.hpp"

#include <gtest/gtest.h>

namespace weir::webhook {
namespace {

struct Good {
  std::string_view url;
  bool tls;
  std::string_view host;
  int port;
  std::string_view path;
  std::string_view authority;
};

TEST(WebhookTarget, IsTakenFromTheUrl) {
  for (const Good& each : {
           Good{"https://example.com", true, "example.com", 443, "/", "example.com"},
           Good{"HTTP://Example.com/a/b?c=d", false, "example.com", 80, "/a/b?c=d", "example.com"},
           Good{"http://example.com:8080?x", false, "example.com", 8080, "/?x", "example.com:8080"},
           Good{"https://127.0.0.1:443/", true, "127.0.0.1", 443, "/", "127.0.0.1"},
           Good{"https://[2001:db8::1]:8443/x", true, "2001:db8::1", 8443, "/x",
                "[2001:db8::1]:8443"},
       }) {
    const auto target = parse_target(each.url);
    ASSERT_TRUE(target) << each.url;
    EXPECT_EQ(target->tls, each.tls) << each.url;
    EXPECT_EQ(target->host, each.host);
    EXPECT_EQ(target->port, each.port);
    EXPECT_EQ(target->path, each.path);
    EXPECT_EQ(target->authority(), each.authority);
  }
}

TEST(WebhookTarget, WhatIsNoHttpUrlIsRefused) {
  for (const std::string& url : {std::string(""),
                                 std::string("example.com"),
                                 std::string("ftp://example.com"),
                                 std::string("file:///etc/passwd"),
                                 std::string("https://"),
                                 std::string("https:///x"),
                                 std::string("https://user@example.com"),
                                 std::string("https://user:word@example.com/"),
                                 std::string("https://example.com/#part"),
                                 std::string("https://example.com:0/"),
                                 std::string("https://example.com:65536/"),
                                 std::string("https://example.com:/"),
                                 std::string("https://example.com:80x/"),
                                 std::string("https://exam ple.com/"),
                                 std::string("https://ex\xc3\xa4mple.com/"),
                                 std::string("https://example.com/a\r\nb"),
                                 std::string("https://[::1"),
                                 std::string("https://[example.com]/"),
                                 std::string("https://a\\b/"),
                                 std::string("https://a%41/"),
                                 "https://example.com/" + std::string(kMaxUrlBytes, 'x')}) {
    const auto target = parse_target(url);
    ASSERT_FALSE(target) << url;
    EXPECT_EQ(target.error().reason, "bad_webhook_url") << url;
  }
}

}  // namespace
}  // namespace weir::webhook
