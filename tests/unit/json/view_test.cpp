#include "pkg/json/view.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace weir::json {
namespace {

View valid(std::string_view text) {
  EXPECT_TRUE(check(text)) << text;
  return View(text);
}

TEST(View, TellsKinds) {
  EXPECT_EQ(View().kind(), Kind::missing);
  EXPECT_EQ(valid(" null ").kind(), Kind::null);
  EXPECT_EQ(valid("true").kind(), Kind::boolean);
  EXPECT_EQ(valid("\n-1.5\t").kind(), Kind::number);
  EXPECT_EQ(valid("\"x\"").kind(), Kind::string);
  EXPECT_EQ(valid("[]").kind(), Kind::array);
  EXPECT_EQ(valid("{}").kind(), Kind::object);
}

TEST(View, TrimsOnlyAroundTheValue) {
  EXPECT_EQ(valid(" \r\n\t{ \"a\" : 1 } \n").raw(), "{ \"a\" : 1 }");
  EXPECT_EQ(valid(" \" x \" ").raw(), "\" x \"");
}

TEST(View, AnswersNothingForTheWrongKind) {
  for (const char* text : {"null", "true", "1", "\"1\"", "[1]", "{\"a\":1}"}) {
    const View view = valid(text);
    EXPECT_EQ(view.as_bool().has_value(), view.kind() == Kind::boolean) << text;
    EXPECT_EQ(view.as_int().has_value(), view.kind() == Kind::number) << text;
    EXPECT_EQ(view.as_double().has_value(), view.kind() == Kind::number) << text;
    EXPECT_EQ(view.as_string().has_value(), view.kind() == Kind::string) << text;
    EXPECT_EQ(view.as_plain_string().has_value(), view.kind() == Kind::string) << text;
    EXPECT_EQ(view.find("a").is_missing(), view.kind() != Kind::object) << text;
    EXPECT_EQ(view.elements().begin() == view.elements().end(), view.kind() != Kind::array) << text;
  }
  EXPECT_FALSE(View().as_int());
  EXPECT_FALSE(View().as_string());
  EXPECT_TRUE(View().find("a").find("b").is_missing());
}

struct IntCase {
  const char* text;
  std::optional<std::int64_t> value;
};

TEST(View, ReadsWholeNumbersOnly) {
  const IntCase cases[] = {
      {"0", 0},
      {"-0", 0},
      {"42", 42},
      {"3.0", 3},
      {"-3.0e0", -3},
      {"1e3", 1000},
      {"3.5", std::nullopt},
      {"1e-1", std::nullopt},
      {"9223372036854775807", std::numeric_limits<std::int64_t>::max()},
      {"-9223372036854775808", std::numeric_limits<std::int64_t>::min()},
      {"9223372036854775808", std::nullopt},
      {"18446744073709551615", std::nullopt},
      {"9007199254740992.0", 9007199254740992},
      {"9007199254740994.0", std::nullopt},
      {"1e300", std::nullopt},
      {"-1e300", std::nullopt},
  };
  for (const auto& [text, value] : cases) EXPECT_EQ(valid(text).as_int(), value) << text;
}

TEST(View, ReadsDoubles) {
  EXPECT_EQ(valid("3.25").as_double(), 3.25);
  EXPECT_EQ(valid("-1e-2").as_double(), -0.01);
  EXPECT_EQ(valid("18446744073709551615").as_double(), 18446744073709551615.0);
  EXPECT_EQ(valid("1e-400").as_double().value_or(1), 0.0);
}

struct StringCase {
  const char* text;
  std::string value;
};

TEST(View, UnescapesStrings) {
  const StringCase cases[] = {
      {R"("")", ""},
      {R"("plain")", "plain"},
      {R"("\"")", "\""},
      {R"("\\")", "\\"},
      {R"("\\\"")", "\\\""},
      {R"("a\\\\b")", "a\\\\b"},
      {R"("\/\b\f\n\r\t")", "/\b\f\n\r\t"},
      {R"("\u0041\u00fc\u20ac")", "A\xc3\xbc\xe2\x82\xac"},
      {R"("\uABCD\uabcd")", "\xea\xaf\x8d\xea\xaf\x8d"},
      {R"("\ud83d\ude00!")", "\xf0\x9f\x98\x80!"},
      {R"("\\u0041")", "\\u0041"},
      {R"("x\u0000y")", std::string("x\0y", 3)},
      {"\"\xf0\x9f\x98\x80\"", "\xf0\x9f\x98\x80"},
  };
  for (const auto& [text, value] : cases) {
    EXPECT_EQ(valid(text).as_string(), value) << text;
    const bool plain = std::string_view(text).find('\\') == std::string_view::npos;
    EXPECT_EQ(valid(text).as_plain_string().has_value(), plain) << text;
  }
}

// Such text never passes check(), but a View must stay inside its bytes whatever it is given.
TEST(View, StaysInBoundsOnGarbage) {
  const std::string cases[] = {
      "\"",
      "\"\\",
      "\"\\\"",
      "\"\\u",
      "\"\\u12\"",
      "\"\\ud83d\"",
      "\"\\ud83d\\u\"",
      "{",
      "{\"",
      "{\"a",
      "{\"a\"",
      "{\"a\":",
      "{\"a\":[",
      "[",
      "[\"",
      "[1,",
      "[[[[",
      "]",
      "}",
      ",",
      ":",
      "[}",
      "{\"a\" 1}",
      "[1 2",
      "{]{\"a\":",
      "x",
      "[,,,]",
      "{,}",
      "{\"\\\":1}",
      "\"\\ude00\"",
  };
  for (const auto& text : cases) {
    const View view(text);
    static_cast<void>(view.as_string());
    static_cast<void>(view.as_plain_string());
    static_cast<void>(view.as_int());
    static_cast<void>(view.find("a").raw());
    std::size_t steps = 0;
    for (const View element : view.elements()) {
      ASSERT_LT(++steps, 100U) << text;
      EXPECT_GE(element.raw().data(), text.data());
      EXPECT_LE(element.raw().data() + element.raw().size(), text.data() + text.size());
    }
    for (const Member& member : view.members()) {
      ASSERT_LT(++steps, 100U) << text;
      static_cast<void>(member.key());
    }
  }
}

TEST(View, LoneSurrogatesBecomeTheReplacementCharacter) {
  EXPECT_EQ(unescape(R"(\ud83d)"), "\xef\xbf\xbd");
  EXPECT_EQ(unescape(R"(\ude00x)"), "\xef\xbf\xbdx");
  EXPECT_EQ(unescape(R"(\ud83d\u0041)"),
            "\xef\xbf\xbd"
            "A");
}

TEST(View, WalksObjects) {
  const View view = valid(R"( { "a" : 1 , "b":"x,}]" ,"c" : [ { "d" : "\"}" } ] , "" : null } )");
  std::vector<std::string> keys;
  std::vector<std::string> values;
  for (const Member& member : view.members()) {
    keys.push_back(member.key());
    values.emplace_back(member.value.raw());
  }
  EXPECT_EQ(keys, (std::vector<std::string>{"a", "b", "c", ""}));
  EXPECT_EQ(values, (std::vector<std::string>{"1", R"("x,}]")", R"([ { "d" : "\"}" } ])", "null"}));
  EXPECT_EQ((*view.find("c").elements().begin()).find("d").as_string(), "\"}");
  EXPECT_TRUE(view.find("").is_null());
  EXPECT_TRUE(view.find("nope").is_missing());
}

TEST(View, FindsEscapedKeysAndTheFirstOfTwo) {
  const View view = valid(R"({"\u0061":1,"a":2,"q\"":3,"back\\":4})");
  EXPECT_EQ(view.find("a").as_int(), 1);
  EXPECT_EQ(view.find("q\"").as_int(), 3);
  EXPECT_EQ(view.find("back\\").as_int(), 4);
}

// The bytes of an escaped key may equal another key's text: backslash, n is not a line break.
TEST(View, ComparesKeysByTheirText) {
  const View view = valid(R"({"\\n":1,"\n":2,"\\u0041":3})");
  EXPECT_EQ(view.find("\\n").as_int(), 1);
  EXPECT_EQ(view.find("\n").as_int(), 2);
  EXPECT_EQ(view.find("\\u0041").as_int(), 3);
  EXPECT_TRUE(valid(R"({"\n":1})").find("\\n").is_missing());
}

TEST(View, DoesNotFindKeysOfInnerObjectsOrValues) {
  const View view = valid(R"({"x":{"a":1},"y":"\"a\":2","z":["a"],"b":3})");
  EXPECT_TRUE(view.find("a").is_missing());
  EXPECT_EQ(view.find("b").as_int(), 3);
}

TEST(View, WalksArrays) {
  const View view = valid(R"([ ] )");
  EXPECT_TRUE(view.elements().begin() == view.elements().end());
  std::vector<std::string> raw;
  for (const View element : valid(R"([1 ,"a\\",[2,[3]] , {"b":[4]}, -5e1,true])").elements()) {
    raw.emplace_back(element.raw());
  }
  EXPECT_EQ(raw,
            (std::vector<std::string>{"1", R"("a\\")", "[2,[3]]", R"({"b":[4]})", "-5e1", "true"}));
}

}  // namespace
}  // namespace weir::json
