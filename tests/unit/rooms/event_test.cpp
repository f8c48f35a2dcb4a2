// Events as the stream has them, and as clients see them.
#include "pkg/rooms/event.hpp"

#include <gtest/gtest.h>

#include "pkg/json/view.hpp"

namespace weir::rooms {
namespace {

struct Case {
  const char* name;
  nats::Headers headers;
  std::string body;
  std::string json;  // of the event at offset 7, a second after the epoch
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

class EventTest : public testing::TestWithParam<Case> {};

TEST_P(EventTest, IsShownAs) {
  const auto& c = GetParam();
  const auto event = to_event({.key = "a=20room",
                               .value = c.body,
                               .headers = c.headers,
                               .revision = 7,
                               .time_ns = 1'000'000'000});
  EXPECT_EQ(event.room, "a room");
  EXPECT_EQ(to_json(event), c.json);
  EXPECT_TRUE(json::check(to_json(event)));
}

INSTANTIATE_TEST_SUITE_P(
    Of, EventTest,
    testing::Values(
        Case{"ours",
             {{"Nats-Msg-Id", "evt_1"}, {"Weir-Event-Type", "join"}},
             R"({"n": 1})",
             R"({"offset":7,"event_id":"evt_1","event_type":"join","data":{"n": 1},)"
             R"("timestamp":"1970-01-01T00:00:01.000Z"})"},
        Case{"others",
             {},
             "no JSON",
             R"({"offset":7,"event_id":"evt_7","event_type":"message","data":"no JSON",)"
             R"("timestamp":"1970-01-01T00:00:01.000Z"})"},
        Case{"empty",
             {},
             "",
             R"({"offset":7,"event_id":"evt_7","event_type":"message","data":"",)"
             R"("timestamp":"1970-01-01T00:00:01.000Z"})"},
        Case{"binary",
             {},
             "\xff\xfe",
             R"({"offset":7,"event_id":"evt_7","event_type":"message","data":{"base64":"//4="},)"
             R"("timestamp":"1970-01-01T00:00:01.000Z"})"},
        Case{"odd_headers",
             {{"Weir-Event-Type", "a \"b\"\n"}},
             "1",
             R"({"offset":7,"event_id":"evt_7","event_type":"a \"b\"\n","data":1,)"
             R"("timestamp":"1970-01-01T00:00:01.000Z"})"}),
    [](const auto& c) { return std::string(c.param.name); });

TEST(RoomNames, AreTextsOfAFewBytes) {
  const std::string longest(kMaxRoomBytes, 'r');
  for (const std::string& good :
       {std::string("r"), longest, std::string("Straße 1.2/3"), std::string("a\nb")}) {
    EXPECT_TRUE(check_room(good)) << good;
  }
  for (const std::string& bad :
       {std::string(), longest + "r", std::string("\xc3"), std::string("a\0b", 3)}) {
    const auto checked = check_room(bad);
    ASSERT_FALSE(checked) << bad;
    EXPECT_EQ(checked.error().reason, "bad_room");
    EXPECT_EQ(checked.error().fields.at(0).field, "room");
  }
}

}  // namespace
}  // namespace weir::rooms
