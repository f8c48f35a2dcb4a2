#include "api/http/target.hpp"

#include <gtest/gtest.h>

namespace weir::http {
namespace {

TEST(Target, DecodesPathAndQuery) {
  const auto target = parse_target("/v1/a%20b/c+d?x=1+2&y=%C3%A9&flag&&z=a=b");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/v1/a b/c+d");
  const std::vector<std::pair<std::string, std::string>> query{
      {"x", "1 2"}, {"y", "\xc3\xa9"}, {"flag", ""}, {"z", "a=b"}};
  EXPECT_EQ(target->query, query);
}

class BadTarget : public testing::TestWithParam<const char*> {};

TEST_P(BadTarget, IsRefused) {
  const auto target = parse_target(GetParam());
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().reason, "bad_target");
}

INSTANTIATE_TEST_SUITE_P(Texts, BadTarget,
                         testing::Values("", "*", "http://host/x", "/%", "/%1", "/%zz", "/%00",
                                         "/a%0d%0ab", "/../etc/passwd", "/a/%2e%2e/b", "/.", "/%ff",
                                         "/x?q=%f", "/x?%00=1", "/x?q=%c3"));

}  // namespace
}  // namespace weir::http
