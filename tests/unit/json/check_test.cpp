#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "pkg/json/view.hpp"

namespace weir::json {
namespace {

std::string nested(std::size_t depth, char open, char close) {
  return std::string(depth, open) + std::string(depth, close);
}

TEST(Check, AcceptsValidJson) {
  const std::string cases[] = {
      "null",
      " true ",
      "\r\n\tfalse",
      "0",
      "-0",
      "-12.5e+3",
      "1E9",
      "9223372036854775807",
      "-9223372036854775808",
      "18446744073709551615",
      "1.7976931348623157e308",
      "5e-324",
      "\"\"",
      R"("\"\\\/\b\f\n\r\tA")",
      R"("\ud83d\ude00")",
      "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\"",
      "\"\x7f\"",
      "{}",
      "[]",
      "[ ]",
      R"({"a":1,"a":2})",
      R"({"":{"":[{}]}})",
      R"([1,"two",null,[3],{"four":4}])",
      nested(60, '[', ']'),
  };
  for (const auto& text : cases) {
    const auto result = check(text);
    EXPECT_TRUE(result) << text << ": " << (result ? "" : describe(result.error()));
  }
}

TEST(Check, RefusesMalformedJson) {
  const std::string cases[] = {
      "",
      " ",
      "nul",
      "nulll",
      "True",
      "NaN",
      "Infinity",
      "-",
      "+1",
      "01",
      "1.",
      ".5",
      "1e",
      "1e+",
      "0x10",
      "--1",
      "1 2",
      "1,2",
      "1e400",
      "-1e400",
      "18446744073709551616",
      "-9223372036854775809",
      "\"",
      "\"abc",
      "'abc'",
      R"("\x")",
      R"("\u12")",
      R"("\u12g4")",
      "\"tab\there\"",
      "\"line\nbreak\"",
      std::string("\"nul\0byte\"", 10),
      std::string("1\0", 2),
      "[1,]",
      "[,1]",
      "[1 2]",
      "[",
      "]",
      "[1",
      "{",
      "}",
      "{\"a\"}",
      "{\"a\":}",
      "{\"a\":1,}",
      "{a:1}",
      "{1:1}",
      "{\"a\":1 \"b\":2}",
      "[}",
      "{]",
      "[1}",
      "{\"a\":1]",
      "/* c */ 1",
      "1 // c",
      "\xef\xbb\xbf{}",
      "[1]x",
      "{}{}",
  };
  for (const auto& text : cases) {
    const auto result = check(text);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, Code::bad_request) << text;
    EXPECT_EQ(result.error().reason, "invalid_json") << text;
    EXPECT_FALSE(result.error().details.empty()) << text;
  }
}

TEST(Check, RefusesTextThatIsNotUtf8) {
  const std::string cases[] = {
      "\"\x80\"", "\"\xc3\"",     "\"\xc0\xaf\"", "\"\xed\xa0\x80\"",     "\"\xf4\x90\x80\x80\"",
      "\"\xff\"", "\"\xe2\x82\"", "{\"\xfe\":1}", "\"\xf0\x80\x80\xaf\"",
  };
  for (const auto& text : cases) {
    const auto result = check(text);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().reason, "invalid_json");
  }
}

// A lone surrogate escape names no character: no reader could give it back as UTF-8.
TEST(Check, RefusesLoneSurrogates) {
  for (const char* text :
       {R"("\ud83d")", R"("\ude00")", R"("\ud83dx")", R"("\ud83dA")", R"("\ude00\ud83d")"}) {
    EXPECT_FALSE(check(text)) << text;
  }
}

TEST(Check, LimitsDepthExactly) {
  for (const auto& [open, close] : {std::pair{'[', ']'}, std::pair{'{', '}'}}) {
    const auto make = [open = open, close = close](std::size_t depth) {
      if (open == '[') return nested(depth, open, close);
      std::string text;
      for (std::size_t i = 1; i < depth; ++i) text += "{\"a\":";
      return text + "{}" + std::string(depth - 1, '}');
    };
    for (const std::size_t most : {1U, 8U, 64U}) {
      const Limits limits{.max_depth = most};
      EXPECT_TRUE(check(make(most), limits)) << most;
      const auto over = check(make(most + 1), limits);
      ASSERT_FALSE(over) << most;
      EXPECT_EQ(over.error().code, Code::bad_request);
      EXPECT_EQ(over.error().reason, "json_too_deep");
    }
  }
}

TEST(Check, DeepNestingIsCheap) {
  const auto result = check(nested(5U << 20U, '[', ']'));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, "json_too_deep");
}

TEST(Check, LimitsSize) {
  const Limits limits{.max_bytes = 10};
  EXPECT_TRUE(check("\"12345678\"", limits));
  const auto over = check("\"123456789\"", limits);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, Code::too_large);
  EXPECT_EQ(over.error().reason, "json_too_large");
}

// The parser reads whole blocks: text that ends at the end of its allocation, and text that is
// followed by other bytes, must be judged by its own bytes only.
TEST(Check, LooksOnlyAtItsOwnBytes) {
  const std::string line = R"({"a":1}{"b":2}garbage)";
  EXPECT_TRUE(check(std::string_view(line).substr(0, 7)));
  EXPECT_TRUE(check(std::string_view(line).substr(7, 7)));
  EXPECT_FALSE(check(std::string_view(line).substr(0, 6)));
  for (std::size_t size = 2; size < 300; ++size) {
    const std::vector<char> exact = [&] {
      std::vector<char> bytes(size, 'x');
      bytes.front() = bytes.back() = '"';
      return bytes;
    }();
    EXPECT_TRUE(check({exact.data(), exact.size()})) << size;
    EXPECT_FALSE(check({exact.data(), exact.size() - 1})) << size;
  }
}

TEST(Check, ALargeTextDoesNotSpoilTheNext) {
  const std::string large = "[\"" + std::string(3U << 20U, 'x') + "\"]";
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(check(large));
    EXPECT_FALSE(check("[1,"));
    EXPECT_TRUE(check("[1]"));
    EXPECT_FALSE(check(nested(9, '[', ']'), {.max_depth = 8}));
    EXPECT_TRUE(check(nested(9, '[', ']')));
  }
}

TEST(Check, WorksOnManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      const std::string good = "{\"n\":" + std::to_string(t) + "}";
      for (int i = 0; i < 2'000; ++i) {
        ASSERT_TRUE(check(good));
        ASSERT_FALSE(check("{\"n\":}"));
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace weir::json
