// Messages as JSON, and back.
#include "pkg/streams/message.hpp"

#include <gtest/gtest.h>

namespace weir::streams {
namespace {

std::string json_of(std::string data, nats::Headers headers = {}) {
  return message_json({.sequence = 7,
                       .subject = "a.b",
                       .time_ns = 1'700'000'000'000'000'000,
                       .data = std::move(data),
                       .headers = std::move(headers)});
}

TEST(StreamMessage, DataIsJsonTextOrBytes) {
  const std::string head = R"({"sequence":7,"subject":"a.b","at":"2023-11-14T22:13:20.000Z",)";
  EXPECT_EQ(json_of(R"( {"x": 1} )"), head + R"("data":{"x": 1}})");
  EXPECT_EQ(json_of("hello"), head + R"("data":"hello","encoding":"text"})");
  EXPECT_EQ(json_of(""), head + R"("data":"","encoding":"text"})");
  EXPECT_EQ(json_of("\xff\x01"), head + R"("data":"/wE=","encoding":"base64"})");
  EXPECT_EQ(json_of("1", {{"a", "b"}, {"bad", "\xff"}, {"Nats-Expected-Stream", "s"}}),
            head + R"("headers":{"a":"b"},"data":1})");
}

TEST(StreamMessage, BytesOfAnEncoding) {
  EXPECT_EQ(bytes_of(json::View(R"({"a": 1})"), "").value(), R"({"a": 1})");
  EXPECT_EQ(bytes_of(json::View(R"("x")"), "json").value(), R"("x")");
  EXPECT_EQ(bytes_of(json::View(R"("a\nb")"), "text").value(), "a\nb");
  EXPECT_EQ(bytes_of(json::View(R"("/wE=")"), "base64").value(), "\xff\x01");
  EXPECT_EQ(bytes_of(json::View("1"), "text").error().reason, "bad_message");
  EXPECT_EQ(bytes_of(json::View(R"("%")"), "base64").error().reason, "bad_message");
  EXPECT_EQ(bytes_of(json::View(R"("x")"), "hex").error().reason, "bad_message");
}

}  // namespace
}  // namespace weir::streams
