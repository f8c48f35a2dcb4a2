// The client's end of Server-Sent Events, in pieces and across connections.
#include "cmd/weir/cli/event_parser.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace weir::cli {
namespace {

std::vector<std::string> feed(EventParser& parser, std::string_view bytes) {
  std::vector<std::string> out;
  parser.feed(bytes, [&](const auto& event) { out.push_back(event.type + ":" + event.data); });
  return out;
}

using Events = std::vector<std::string>;

TEST(EventParserTest, ByteForByte) {
  EventParser parser;
  Events all;
  for (const char c : std::string_view(": hello\n\nid: 7\nevent: put\ndata: {\"a\":1}\n\r\n")) {
    for (auto& event : feed(parser, {&c, 1})) all.push_back(std::move(event));
  }
  EXPECT_EQ(all, Events{R"(put:{"a":1})"});
  EXPECT_EQ(parser.last_id(), "7");
}

TEST(EventParserTest, AnEventThatWasCutOffIsNotTheLast) {
  EventParser parser;
  EXPECT_EQ(feed(parser, "id: 1\ndata: a\n\nid: 2\ndata: b"), Events{":a"});
  EXPECT_EQ(parser.last_id(), "1");
  parser.restart();
  EXPECT_EQ(feed(parser, "data: c\n\n"), Events{":c"}) << "nothing of the event before";
  EXPECT_EQ(parser.last_id(), "1");
}

}  // namespace
}  // namespace weir::cli
