#include "pkg/auth/scope.hpp"

#include <gtest/gtest.h>

namespace weir::auth {
namespace {

TEST(Scopes, AdminImpliesEveryOther) {
  Scopes scopes;
  scopes.add(Scope::admin);
  for (const auto& entry : kScopes) EXPECT_TRUE(scopes.allows(entry.scope)) << entry.name;
}

TEST(Scopes, AllowsOnlyWhatItHolds) {
  Scopes scopes;
  EXPECT_TRUE(scopes.allows(Scope::none));
  scopes.add(Scope::jobs_read);
  for (const auto& entry : kScopes) {
    EXPECT_EQ(scopes.allows(entry.scope), entry.scope == Scope::jobs_read) << entry.name;
  }
}

TEST(Scopes, NamesReadBack) {
  for (const auto& entry : kScopes) {
    EXPECT_EQ(find_scope(entry.name), entry.scope);
    EXPECT_EQ(to_string(entry.scope), entry.name);
  }
  EXPECT_EQ(find_scope("jobs:everything"), std::nullopt);
}

TEST(QueuePattern, Matches) {
  struct Case {
    const char* pattern;
    const char* queue;
    bool matches;
  };
  const Case cases[] = {
      {"emails", "emails", true},        {"emails", "emails.eu", false},
      {"emails.*", "emails.eu", true},   {"emails.*", "emails.eu.high", true},
      {"emails.*", "emails", false},     {"emails.*", "emailsx", false},
      {"emails.*", "emails2.eu", false}, {"*", "anything.at.all", true},
      {"emails.*", "emails.", false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(queue_matches(c.pattern, c.queue), c.matches) << c.pattern << " " << c.queue;
  }
}

TEST(QueuePattern, Validity) {
  for (const char* good : {"*", "emails", "emails.*", "a.b.*"}) {
    EXPECT_TRUE(is_valid_queue_pattern(good)) << good;
  }
  for (const char* bad : {"", "**", "emails*", "*.emails", "a.*.b", ".*", "a b", "a..b"}) {
    EXPECT_FALSE(is_valid_queue_pattern(bad)) << bad;
  }
}

TEST(StreamPattern, Matches) {
  EXPECT_TRUE(stream_matches("orders", "orders"));
  EXPECT_FALSE(stream_matches("orders", "orders-eu"));
  EXPECT_TRUE(stream_matches("orders-*", "orders-eu"));
  EXPECT_TRUE(stream_matches("orders-*", "orders-"));
  EXPECT_FALSE(stream_matches("orders-*", "orders"));
  EXPECT_TRUE(stream_matches("*", "anything at all"));
  for (const char* good : {"*", "chat:*", "orders", "caf\xC3\xA9*"}) {
    EXPECT_TRUE(is_valid_stream_pattern(good)) << good;
  }
  for (const std::string& bad : {std::string(), std::string("a*b"), std::string("**"),
                                 std::string(kMaxStreamPattern + 1, 'a')}) {
    EXPECT_FALSE(is_valid_stream_pattern(bad)) << bad;
  }
  Principal principal;
  EXPECT_TRUE(principal.allows_stream("any"));
  principal.streams = {"a", "b-*"};
  EXPECT_TRUE(principal.allows_stream("b-1"));
  EXPECT_FALSE(principal.allows_stream("c"));
}

TEST(Principal, NoPatternsMeansEveryQueue) {
  Principal principal;
  EXPECT_TRUE(principal.allows_queue("any"));
  principal.queues = {"a", "b.*"};
  EXPECT_TRUE(principal.allows_queue("a"));
  EXPECT_TRUE(principal.allows_queue("b.c"));
  EXPECT_FALSE(principal.allows_queue("any"));
}

}  // namespace
}  // namespace weir::auth
