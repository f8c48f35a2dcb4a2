#include "cmd/weir/cli/output.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cmd/weir/cli/progress.hpp"
#include "pkg/base/time_text.hpp"

namespace weir::cli {
namespace {

TEST(Table, AlignsByCodePoints) {
  Table table({"NAME", "N"});
  table.add({"größe", "1"});
  table.add({"a", "22"});
  EXPECT_EQ(table.render(false), "NAME   N\ngröße  1\na      22\n");
}

TEST(Table, LinesEndWithText) {
  Table table({"NAME", "STATUS", "ERROR"});
  table.add({"nats", "ok", ""});
  EXPECT_EQ(table.render(false), "NAME  STATUS  ERROR\nnats  ok\n");
}

TEST(PrintError, SaysNothingTwice) {
  const auto printed = [](Error error) {
    testing::internal::CaptureStderr();
    print_error(error);
    return testing::internal::GetCapturedStderr();
  };
  const Error error{Code::invalid, "r", "Wrong.", "n must be 1", {{"n", "must be 1"}}};
  EXPECT_EQ(printed(error), "weir: Wrong.\n  n: must be 1\n");
  EXPECT_EQ(printed({Code::invalid, "r", "Wrong.", "must be 1", {{"n", "must be 1"}}}),
            "weir: Wrong.\n  n: must be 1\n");
  EXPECT_EQ(printed({Code::invalid, "r", "Wrong.", "more", {{"n", "must be 1"}}}),
            "weir: Wrong. (more)\n  n: must be 1\n");
  EXPECT_EQ(printed({Code::invalid, "r", "Wrong.", "more"}), "weir: Wrong. (more)\n");
}

TEST(Table, PaintsOnlyWhenAsked) {
  Table table({"S"});
  table.add({"failed"}, Colour::red);
  EXPECT_EQ(table.render(false), "S\nfailed\n");
  EXPECT_EQ(table.render(true), "\033[1mS\033[0m\n\033[31mfailed\033[0m\n");
}

TEST(Table, DataCannotDriveTheTerminal) {
  Table table({"X"});
  table.add(
      {"a\033[2Jb\nc\xc2\x9b"
       "d"});
  EXPECT_EQ(table.render(false), "X\na?[2Jb c?d\n");
}

TEST(Colours, AreOffWithoutATerminal) {
  EXPECT_FALSE(colours_on());
}

TEST(RelativeTime, IsShort) {
  const auto now = *parse_rfc3339("2026-11-21T10:00:00.000Z");
  EXPECT_EQ(relative_time("2026-11-21T09:57:00.000Z", now), "3m ago");
  EXPECT_EQ(relative_time("2026-11-21T10:00:12.000Z", now), "in 12s");
  EXPECT_EQ(relative_time("2026-11-21T09:59:59.500Z", now), "now");
  EXPECT_EQ(relative_time("-", now), "-");
}

TEST(Numbers, ForPeople) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(1234567), "1,234,567");
  EXPECT_EQ(human_count(-1000), "-1,000");
  EXPECT_EQ(human_bytes(512), "512 B");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
}

TEST(Shorten, KeepsCodePointsWhole) {
  EXPECT_EQ(shorten("short", 10), "short");
  EXPECT_EQ(shorten("äöüäöüäöü", 6), "äöü...");
}

TEST(Field, ShowsWhatIsThere) {
  const auto object = Json::parse(R"({"a":"x","b":null,"c":[1,2],"d":3})");
  EXPECT_EQ(field(object, "a"), "x");
  EXPECT_EQ(field(object, "b"), "-");
  EXPECT_EQ(field(object, "c"), "[1,2]");
  EXPECT_EQ(field(object, "none"), "-");
  EXPECT_EQ(number(object, "d"), 3);
  EXPECT_EQ(number(object, "a"), 0);
}

TEST(Progress, DrawsABar) {
  EXPECT_EQ(Progress::line("jobs", 50, 100, 1000, 2000),
            "[###############               ]  50 %  1,000 jobs  2,000/s");
  EXPECT_EQ(Progress::line("jobs", 50, 0, 10, 5), "10 jobs  5/s");
}

}  // namespace
}  // namespace weir::cli
