#include "pkg/structures/score.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "pkg/structures/command.hpp"
#include "pkg/structures/member.hpp"

namespace weir::structures {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(Score, EncodingKeepsTheOrderAndTheValue) {
  const std::vector<double> ascending{-kInf,  -1e308, -2.5, -1,    -5e-324, 0,
                                      5e-324, 0.1,    1,    1e308, kInf};
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    EXPECT_EQ(decode_score(encode_score(ascending[i])), ascending[i]);
    if (i > 0) {
      EXPECT_LT(encode_score(ascending[i - 1]), encode_score(ascending[i]));
    }
  }
  EXPECT_EQ(encode_score(-0.0), encode_score(0.0));
  EXPECT_FALSE(std::signbit(decode_score(encode_score(-0.0))));
}

TEST(Score, Parse) {
  const std::pair<const char*, std::optional<double>> cases[] = {
      {"1", 1},         {"-2.5", -2.5},    {"\"3\"", 3},         {"\"+3\"", 3},
      {"\"1e3\"", 1e3}, {"\"inf\"", kInf}, {"\"+inf\"", kInf},   {"\"-inf\"", -kInf},
      {"\"\"", {}},     {"\"nan\"", {}},   {"\"infinity\"", {}}, {"\"1 \"", {}},
      {"\"--1\"", {}},  {"\"+-1\"", {}},   {"\"1e999\"", {}},    {"null", {}},
      {"true", {}},     {"[]", {}},        {"\"0x10\"", {}},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(parse_score(json::View(text)), expected) << text;
  }
}

TEST(Score, BoundsMayExcludeTheirScore) {
  const auto lower = [](const char* text) { return parse_bound(json::View(text), Bound::lower); };
  const auto upper = [](const char* text) { return parse_bound(json::View(text), Bound::upper); };
  EXPECT_EQ(lower("5"), encode_score(5));
  EXPECT_EQ(upper("5"), encode_score(5));
  EXPECT_EQ(lower("\"(5\""), encode_score(std::nextafter(5, kInf)));
  EXPECT_EQ(upper("\"(5\""), encode_score(std::nextafter(5, -kInf)));
  EXPECT_EQ(lower("\"(0\""), encode_score(std::nextafter(0, kInf)));
  EXPECT_GT(*lower("\"(inf\""), encode_score(kInf));
  EXPECT_EQ(lower("\"(\""), std::nullopt);
  EXPECT_EQ(lower("{}"), std::nullopt);
}

TEST(Range, MeansWhatRedisMeans) {
  const struct {
    std::int64_t start, stop, count, first, size;
  } cases[] = {
      {0, -1, 5, 0, 5}, {1, 3, 5, 1, 3}, {-3, -2, 5, 2, 2}, {-9, 1, 5, 0, 2}, {4, 99, 5, 4, 1},
      {5, 9, 5, 0, 0},  {3, 2, 5, 0, 0}, {0, -6, 5, 0, 0},  {0, -1, 0, 0, 0},
  };
  for (const auto& one : cases) {
    const Range range = range_of(one.start, one.stop, one.count);
    EXPECT_EQ(range.first, one.first) << one.start << ".." << one.stop;
    EXPECT_EQ(range.size, one.size) << one.start << ".." << one.stop;
  }
}

TEST(Member, CanonicalTextDecidesWhatIsEqual) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("a")", R"("a")"},
      {R"("\u0061\/")", R"("a/")"},
      {" [ 1 , {\"b\" : null} ] ", R"([1,{"b":null}])"},
      {"1.50", "1.50"},
      {R"({"b":1,"a":2})", R"({"b":1,"a":2})"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(canonical(json::View(text)), expected);
}

TEST(Member, ComesBackAsItWas) {
  for (const char* text : {R"("")", R"("it's \"quoted\"")", "1", "null", "[1,2]", R"({"a":"b"})"}) {
    json::Writer out;
    write_member(out, encode_member(json::View(text)));
    EXPECT_EQ(out.take(), text);
  }
}

}  // namespace
}  // namespace weir::structures
