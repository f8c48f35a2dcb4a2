#include "cmd/weir/worker/line_buffer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace weir::cli {
namespace {

using testing::ElementsAre;

std::vector<std::string> texts(const LineBuffer& lines, std::size_t most = 1'000) {
  std::vector<std::string> out;
  for (const auto& line : nlohmann::json::parse(lines.peek(most).json)) {
    out.push_back(line["message"]);
  }
  return out;
}

TEST(LineBuffer, CutsTextIntoLinesWhateverThePieces) {
  LineBuffer lines;
  lines.add("one\ntw", 5);
  lines.add("o\r\n\n\nthr", 6);
  EXPECT_THAT(texts(lines), ElementsAre("one", "two"));
  lines.end(7);
  EXPECT_THAT(texts(lines), ElementsAre("one", "two", "thr"));
  EXPECT_EQ(lines.bytes(), 9U);
  EXPECT_EQ(nlohmann::json::parse(lines.peek(1).json)[0]["at"], "1970-01-01T00:00:00.005Z");
}

TEST(LineBuffer, LinesStayUntilTheyAreSent) {
  LineBuffer lines;
  lines.add("a\nb\nc\n", 0);
  EXPECT_EQ(lines.peek(2).lines, 2U);
  lines.sent(2);
  EXPECT_THAT(texts(lines), ElementsAre("c"));
  lines.sent(9);
  EXPECT_TRUE(lines.empty());
  EXPECT_EQ(lines.bytes(), 0U);
}

TEST(LineBuffer, CutsLongLines) {
  LineBuffer lines({.lines = 9, .bytes = 99, .line_bytes = 4});
  lines.add("abc", 0);
  lines.add("defgh", 0);
  lines.add("i\nj\n", 0);
  EXPECT_THAT(texts(lines), ElementsAre("abcd", "j"));
}

TEST(LineBuffer, SaysHowManyWereDropped) {
  LineBuffer lines({.lines = 2, .bytes = 1'000, .line_bytes = 100});
  lines.add("a\nb\nc\nd\n", 0);
  EXPECT_THAT(texts(lines), ElementsAre("a", "b"));
  lines.sent(1);
  lines.add("e\nf\n", 0);
  EXPECT_THAT(texts(lines), ElementsAre("b", "(2 lines were dropped) e"));
  lines.end(0);
  EXPECT_THAT(texts(lines), ElementsAre("b", "(2 lines were dropped) e", "1 lines were dropped"));
}

TEST(LineBuffer, BoundsTheBytes) {
  LineBuffer lines({.lines = 99, .bytes = 5, .line_bytes = 100});
  lines.add("abc\nde\nf\n", 0);
  EXPECT_THAT(texts(lines), ElementsAre("abc", "de"));
}

}  // namespace
}  // namespace weir::cli
