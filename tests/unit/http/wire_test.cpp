#include "api/http/wire.hpp"

#include <gtest/gtest.h>

namespace weir::http {
namespace {

TEST(Wire, NobodyCanInjectAHeader) {
  const auto text =
      to_wire({.status = 200, .body = "{}", .headers = {{"X-A", "1\r\nX-Evil: 2"}}},
              {.request_id = "r", .date = {}, .keep_alive = true, .head_only = false});
  EXPECT_EQ(text.find("\r\nX-Evil"), std::string::npos);
  EXPECT_NE(text.find("X-A: 1X-Evil: 2\r\n"), std::string::npos);
}

TEST(Wire, AnswersToHeadCarryTheLengthAndNoBody) {
  const auto text =
      to_wire({.status = 200, .body = "12345"},
              {.request_id = "r", .date = {}, .keep_alive = false, .head_only = true});
  EXPECT_NE(text.find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_NE(text.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

TEST(Wire, SaysTheDate) {
  const auto text = to_wire({.status = 204, .body = ""}, {.request_id = "r",
                                                          .date = from_unix_ms(784'111'777'000),
                                                          .keep_alive = true,
                                                          .head_only = false});
  EXPECT_NE(text.find("\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace weir::http
