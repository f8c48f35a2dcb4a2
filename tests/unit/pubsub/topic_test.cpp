#include "pkg/pubsub/topic.hpp"

#include <gtest/gtest.h>

namespace weir::pubsub {
namespace {

TEST(Topic, WhatMayBeOne) {
  const std::string longest(kMaxTopicBytes, 'x');
  for (const std::string& good : {std::string("a"), std::string("orders.eu-1.created_2"),
                                  std::string("caf\xc3\xa9.x"), longest}) {
    EXPECT_TRUE(check_topic(good)) << good;
    EXPECT_TRUE(check_pattern(good)) << good;
    EXPECT_EQ(topic_of(subject_of(good)), good);
  }
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".a"), std::string("a."), std::string("a..b"),
        std::string("a b"), std::string("a\tb"), std::string("a\nb"), std::string("a.>"),
        std::string("a\x7f"), longest + "x"}) {
    EXPECT_FALSE(check_topic(bad)) << bad;
    EXPECT_FALSE(check_pattern(bad)) << bad;
  }
  for (const auto* wild : {"*", "#", "a.*", "*.b", "a.*.c", "a.#", "*.#"}) {
    EXPECT_FALSE(check_topic(wild)) << wild;
    EXPECT_TRUE(check_pattern(wild)) << wild;
  }
  for (const auto* bad : {"a*", "*a", "a.#.b", "#.a", "a#", "**"}) {
    EXPECT_FALSE(check_pattern(bad)) << bad;
  }
  EXPECT_EQ(check_topic("a b").error().reason, "invalid_topic");
  EXPECT_EQ(topic_of("other.a"), "");
}

TEST(Topic, Patterns) {
  struct Case {
    std::string_view pattern;
    std::string_view topic;
    bool expected;
  };
  const Case cases[] = {
      {"a", "a", true},
      {"a", "b", false},
      {"a", "a.b", false},
      {"a.b", "a", false},
      {"a.*", "a.b", true},
      {"a.*", "a", false},
      {"a.*", "a.b.c", false},
      {"*.b", "a.b", true},
      {"*", "a", true},
      {"*", "a.b", false},
      {"#", "a", true},
      {"#", "a.b.c", true},
      {"a.#", "a", true},
      {"a.#", "a.b", true},
      {"a.#", "a.b.c", true},
      {"a.#", "ab", false},
      {"a.*.c", "a.b.c", true},
      {"a.*.#", "a", false},
      {"a.*.#", "a.b", true},
      {"notifications.email.*", "notifications.email.user", true},
      {"events.user.#", "events.user.login", true},
  };
  for (const auto& c : cases)
    EXPECT_EQ(matches(c.pattern, c.topic), c.expected) << c.pattern << " " << c.topic;
}

}  // namespace
}  // namespace weir::pubsub
