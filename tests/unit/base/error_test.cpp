#include "pkg/base/error.hpp"

#include <gtest/gtest.h>

#include <set>

namespace weir {
namespace {

TEST(Error, EveryCodeHasItsOwnName) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(Code::out_of_space); ++code) {
    names.insert(to_string(static_cast<Code>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Code::out_of_space) + 1);
  EXPECT_EQ(to_string(Code::not_found), "not_found");
  EXPECT_EQ(to_string(Code::deadline_exceeded), "deadline_exceeded");
}

TEST(Error, DescribesItself) {
  EXPECT_EQ(describe({Code::internal, "broken", "It broke", ""}), "broken: It broke");
  EXPECT_EQ(describe({Code::invalid, "bad_queue", "Not a queue", "got \"a b\""}),
            "bad_queue: Not a queue (got \"a b\")");
  EXPECT_EQ(describe({Code::invalid, "invalid", "Wrong", "", {{"a", "too big"}, {"b", "gone"}}}),
            "invalid: Wrong; a: too big; b: gone");
}

}  // namespace
}  // namespace weir
