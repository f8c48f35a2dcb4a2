#include "pkg/json/writer.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "pkg/json/view.hpp"

namespace weir::json {
namespace {

TEST(Writer, PlacesCommas) {
  Writer writer;
  writer.begin_object()
      .member("a", 1)
      .key("list")
      .begin_array()
      .value(1)
      .begin_object()
      .end_object()
      .begin_array()
      .end_array()
      .null()
      .end_array()
      .member("b", true)
      .key("o")
      .begin_object()
      .member("x", "y")
      .end_object()
      .raw_member("r", "[1, 2]")
      .end_object();
  EXPECT_EQ(writer.str(), R"({"a":1,"list":[1,{},[],null],"b":true,"o":{"x":"y"},"r":[1, 2]})");
  EXPECT_TRUE(check(writer.str()));
}

TEST(Writer, WritesEveryValue) {
  Writer writer;
  writer.begin_array()
      .value(std::numeric_limits<std::int64_t>::min())
      .value(std::numeric_limits<std::uint64_t>::max())
      .value(-7)
      .value(7U)
      .value(false)
      .value("text")
      .value(std::string("more"))
      .value(from_unix_ms(0))
      .value(0.1)
      .value(1e300)
      .value(-0.0)
      .end_array();
  EXPECT_EQ(writer.str(), R"([-9223372036854775808,18446744073709551615,-7,7,false,"text","more",)"
                          R"("1970-01-01T00:00:00.000Z",0.1,1e+300,-0])");
  EXPECT_TRUE(check(writer.str()));
}

TEST(Writer, NumbersThatJsonLacksAreNull) {
  Writer writer;
  writer.begin_array()
      .value(std::numeric_limits<double>::quiet_NaN())
      .value(std::numeric_limits<double>::infinity())
      .value(-std::numeric_limits<double>::infinity())
      .value(1)
      .end_array();
  EXPECT_EQ(writer.str(), "[null,null,null,1]");
}

TEST(Writer, DoublesReadBackExactly) {
  for (const double number : {0.1, 1.0 / 3.0, 5e-324, std::numeric_limits<double>::max(), 1e21}) {
    Writer writer;
    writer.value(number);
    EXPECT_EQ(View(writer.str()).as_double(), number) << writer.str();
  }
}

TEST(Writer, TakeLeavesItReadyForTheNext) {
  Writer writer(64);
  writer.begin_array().value(1).end_array();
  EXPECT_EQ(writer.take(), "[1]");
  writer.begin_array().value(2).end_array();
  EXPECT_EQ(writer.str(), "[2]");
}

struct QuoteCase {
  std::string text;
  const char* json;
};

TEST(Quoted, EscapesWhatItMust) {
  const QuoteCase cases[] = {
      {"", R"("")"},
      {"a/b", R"("a/b")"},
      {"\"\\", R"("\"\\")"},
      {"\b\f\n\r\t", R"("\b\f\n\r\t")"},
      {std::string("\0\x01\x1f", 3), R"("\u0000\u0001\u001f")"},
      {"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\""},
  };
  for (const auto& [text, json] : cases) {
    EXPECT_EQ(json::quoted(text), json);
    EXPECT_EQ(View(json::quoted(text)).as_string(), text);
  }
}

TEST(Quoted, RepairsBytesThatAreNotUtf8) {
  const std::string bad = "\xef\xbf\xbd";
  const QuoteCase cases[] = {
      {"\xff", ""},     {"a\x80z", ""},       {"\xc3", ""},
      {"\xe2\x82", ""}, {"\xed\xa0\x80", ""}, {"ok \xf0\x9f\x98\x80 \xc0\xaf!", ""},
      {"\"\xfe\n", ""},
  };
  for (const auto& [text, unused] : cases) {
    const std::string json = json::quoted(text);
    EXPECT_TRUE(check(json)) << json;
    EXPECT_NE(json.find(bad), std::string::npos) << json;
  }
  EXPECT_EQ(json::quoted("a\xffz"), "\"a" + bad + "z\"");
  EXPECT_EQ(json::quoted("\xe2\x82"
                         "A"),
            "\"" + bad + bad + "A\"");
  EXPECT_EQ(json::quoted("\xf0\x9f\x98\x80\xff"), "\"\xf0\x9f\x98\x80" + bad + "\"");
}

TEST(Quoted, EveryByteReadsBackWithAnotherParser) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string json = json::quoted(std::string(1, static_cast<char>(byte)));
    EXPECT_TRUE(nlohmann::json::accept(json)) << byte;
  }
}

}  // namespace
}  // namespace weir::json
