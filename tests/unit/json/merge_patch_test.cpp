#include "pkg/json/merge_patch.hpp"

#include <gtest/gtest.h>

namespace weir::json {
namespace {

struct Case {
  const char* target;
  const char* patch;
  const char* result;
};

class MergePatch : public testing::TestWithParam<Case> {};

TEST_P(MergePatch, MakesWhatTheRfcSays) {
  EXPECT_EQ(merge_patch(View(GetParam().target), View(GetParam().patch)), GetParam().result);
}

// The test cases of RFC 7386, appendix A.
INSTANTIATE_TEST_SUITE_P(
    Rfc7386, MergePatch,
    testing::Values(Case{R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
                    Case{R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
                    Case{R"({"a":"b"})", R"({"a":null})", R"({})"},
                    Case{R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
                    Case{R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
                    Case{R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
                    Case{R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
                    Case{R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
                    Case{R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
                    Case{R"({"a":"b"})", R"(["c"])", R"(["c"])"},
                    Case{R"({"a":"foo"})", R"(null)", R"(null)"},
                    Case{R"({"a":"foo"})", R"("bar")", R"("bar")"},
                    Case{R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
                    Case{R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
                    Case{R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"}));

INSTANTIATE_TEST_SUITE_P(Beyond, MergePatch,
                         testing::Values(Case{R"({ "n" : 1.50e1 , "s" : "\u00e9" })", R"({"x":1})",
                                              R"({"n":1.50e1,"s":"\u00e9","x":1})"},
                                         Case{R"({"a b":1})", R"({"a\u0020b":2})", R"({"a b":2})"},
                                         Case{R"({"a":1})", R"({"b":1,"b":2})", R"({"a":1,"b":2})"},
                                         Case{"", R"({"a":1,"b":null})", R"({"a":1})"}));

}  // namespace
}  // namespace weir::json
