#include "pkg/base/result.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace weir {
namespace {

Error missing() {
  return Error{Code::not_found, "job_not_found", "No such job", "id x"};
}

Result<int> parse(bool good) {
  if (!good) return missing();
  return 7;
}

Result<std::string> twice(bool good) {
  WEIR_ASSIGN(const int first, parse(good));
  WEIR_ASSIGN(const int second, parse(true));
  return std::to_string(first + second);
}

Result<void> only_check(bool good) {
  WEIR_TRY(parse(good));
  WEIR_TRY(parse(true));
  return {};
}

TEST(Result, HoldsAValue) {
  auto result = parse(true);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result.has_value());
  EXPECT_EQ(*result, 7);
  *result = 8;
  EXPECT_EQ(std::move(result).value(), 8);
}

TEST(Result, HoldsAnError) {
  const auto result = parse(false);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::not_found);
  EXPECT_EQ(result.error().reason, "job_not_found");
}

TEST(Result, MovesMoveOnlyValues) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(3));
  const std::unique_ptr<int> out = std::move(result).value();
  EXPECT_EQ(*out, 3);
}

TEST(Result, VoidIsSuccessByDefault) {
  const Result<void> good;
  EXPECT_TRUE(good);
  const Result<void> bad = missing();
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().reason, "job_not_found");
}

TEST(Result, MacrosPassTheErrorOn) {
  EXPECT_EQ(*twice(true), "14");
  EXPECT_EQ(twice(false).error().reason, "job_not_found");
  EXPECT_TRUE(only_check(true));
  EXPECT_EQ(only_check(false).error().reason, "job_not_found");
}

TEST(ResultDeathTest, TheWrongSideAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(static_cast<void>(parse(false).value()), "assertion failed");
  EXPECT_DEATH(static_cast<void>(parse(true).error()), "assertion failed");
  EXPECT_DEATH(Result<void>(missing()).value(), "assertion failed");
  EXPECT_DEATH(static_cast<void>(Result<void>().error()), "assertion failed");
}

}  // namespace
}  // namespace weir
