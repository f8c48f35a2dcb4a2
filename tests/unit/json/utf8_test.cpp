#include <gtest/gtest.h>

#include <string>

#include "pkg/json/view.hpp"

namespace weir::json {
namespace {

struct Utf8Case {
  const char* name;
  std::string bytes;
  bool good;
};

TEST(Utf8, FollowsRfc3629) {
  const Utf8Case cases[] = {
      {"empty", "", true},
      {"ascii", "abc\x7f", true},
      {"nul", std::string(1, '\0'), true},
      {"two least", "\xc2\x80", true},
      {"two most", "\xdf\xbf", true},
      {"three least", "\xe0\xa0\x80", true},
      {"before surrogates", "\xed\x9f\xbf", true},
      {"after surrogates", "\xee\x80\x80", true},
      {"three most", "\xef\xbf\xbf", true},
      {"four least", "\xf0\x90\x80\x80", true},
      {"four most", "\xf4\x8f\xbf\xbf", true},
      {"lone continuation", "\x80", false},
      {"overlong two", "\xc1\xbf", false},
      {"overlong three", "\xe0\x9f\xbf", false},
      {"overlong four", "\xf0\x8f\xbf\xbf", false},
      {"surrogate", "\xed\xa0\x80", false},
      {"past the end of Unicode", "\xf4\x90\x80\x80", false},
      {"five bytes", "\xf8\x88\x80\x80\x80", false},
      {"cut after one", "a\xe2", false},
      {"cut after two", "a\xe2\x82", false},
      {"broken in the middle", "\xe2(\x82", false},
      {"fe", "\xfe", false},
      {"ff", "\xff", false},
  };
  for (const auto& [name, bytes, good] : cases) {
    EXPECT_EQ(is_utf8(bytes), good) << name;
    EXPECT_EQ(is_utf8("x" + bytes + "y"), good) << name << " inside";
  }
}

}  // namespace
}  // namespace weir::json
