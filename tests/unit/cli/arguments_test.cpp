#include "cmd/weir/cli/arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Usage kTry{.command = "weir try",
                 .synopsis = "WHAT|- --by NAME [MORE] [--at TIME]",
                 .summary = "Tries.",
                 .options = {{"q,queue", "NAME", "The queue"},
                             {"count", "N", "How many"},
                             {"wait", "", "Wait"},
                             {"sync", "true|false", "Sync", "true"}},
                 .examples = {"weir try it"}};

Result<Parsed> try_parse(const std::vector<std::string>& args) {
  return parse(kTry, args);
}

TEST(Arguments, TakesOptionsAndOperandsInAnyOrder) {
  const auto parsed = try_parse({"a", "-q", "one", "--queue=two,three", "--wait", "b"});
  ASSERT_TRUE(parsed) << describe(parsed.error());
  EXPECT_THAT(parsed->all("queue"), ElementsAre("one", "two,three"));
  EXPECT_EQ(parsed->text("queue"), "two,three");
  EXPECT_TRUE(parsed->has("wait"));
  EXPECT_FALSE(parsed->has("count"));
  EXPECT_THAT(parsed->operands(), ElementsAre("a", "b"));
}

TEST(Arguments, DashAndDoubleDashAreOperands) {
  const auto parsed = try_parse({"-", "--", "--wait"});
  ASSERT_TRUE(parsed);
  EXPECT_THAT(parsed->operands(), ElementsAre("-", "--wait"));
  EXPECT_FALSE(parsed->has("wait"));
}

TEST(Arguments, SwitchesWithValues) {
  EXPECT_EQ(try_parse({"a", "--sync"})->text("sync"), "true");
  EXPECT_EQ(try_parse({"a", "--sync=false"})->text("sync"), "false");
}

TEST(Arguments, MistakesAreExplained) {
  EXPECT_THAT(describe(try_parse({"a", "--quue", "x"}).error()),
              HasSubstr("did you mean --queue?"));
  EXPECT_THAT(describe(try_parse({}).error()), HasSubstr("WHAT is missing (usage: weir try WHAT"));
  EXPECT_THAT(describe(try_parse({"a", "b", "c"}).error()), HasSubstr("unexpected argument \"c\""));
  EXPECT_FALSE(try_parse({"a", "--queue"}));
  EXPECT_FALSE(try_parse({"a", "-z"}));
}

TEST(Arguments, ASynopsisSaysHowManyOperandsThereAre) {
  const Usage many{.command = "weir many", .synopsis = "[ID...]", .summary = "", .examples = {}};
  const Usage none{.command = "weir none", .summary = "", .examples = {}};
  EXPECT_TRUE(parse(many, {}));
  EXPECT_TRUE(parse(many, std::vector<std::string>(10'000, "x")));
  EXPECT_FALSE(parse(many, std::vector<std::string>(10'001, "x")));
  EXPECT_TRUE(parse(none, {}));
  EXPECT_FALSE(parse(none, std::vector<std::string>{"x"}));
  EXPECT_THAT(help_text(many), HasSubstr("Usage: weir many [ID...] [options]\n"));
  EXPECT_THAT(help_text(none), HasSubstr("Usage: weir none [options]\n"));
}

TEST(Arguments, NumbersHaveRanges) {
  const auto parsed = try_parse({"a", "--count", "11"});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed->number("count", 1, 1, 11), 11);
  EXPECT_THAT(describe(parsed->number("count", 1, 1, 10).error()), HasSubstr("from 1 to 10"));
  EXPECT_FALSE(try_parse({"a", "--count", "1x"})->number("count", 1, 1, 10));
  EXPECT_EQ(*try_parse({"a"})->number("count", 7, 1, 10), 7);
}

TEST(Arguments, HelpWinsAndHasExamples) {
  EXPECT_TRUE(try_parse({"--help"})->has("help"));
  const auto text = help_text(kTry);
  EXPECT_THAT(text, HasSubstr("-q, --queue NAME"));
  EXPECT_THAT(text, HasSubstr("--sync[=true|false]"));
  EXPECT_THAT(text, HasSubstr("Example:\n  weir try it"));
}

TEST(Nearest, FindsTypingErrors) {
  const std::vector<std::string> words{"submit", "status", "queue"};
  EXPECT_EQ(nearest("sumbit", words), "submit");
  EXPECT_EQ(nearest("stat", words), "status");
  EXPECT_EQ(nearest("elephant", words), std::nullopt);
}

}  // namespace
}  // namespace weir::cli
