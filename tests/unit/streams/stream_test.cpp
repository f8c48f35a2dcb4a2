// Settings of streams as JetStream takes them, and what it says as callers see it.
#include "pkg/streams/stream.hpp"

#include <gmock/gmock.h>

namespace weir::streams {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(StreamConfig, ANewOneHasEverything) {
  const auto config = new_config("orders", {}, 3);
  ASSERT_TRUE(json::check(config));
  EXPECT_THAT(config, HasSubstr(R"("subjects":["orders"])"));
  EXPECT_THAT(config, HasSubstr(R"("num_replicas":3)"));
  EXPECT_THAT(config, HasSubstr(R"("duplicate_window":120000000000)"));
}

TEST(StreamConfig, TheWindowIsNotLongerThanTheAge) {
  EXPECT_THAT(new_config("o", {.max_age = Millis{1000}}, 1),
              HasSubstr(R"("duplicate_window":1000000000)"));
  EXPECT_THAT(new_config("o", {.max_age = Millis{0}}, 1),
              HasSubstr(R"("duplicate_window":120000000000)"));
}

TEST(StreamConfig, AChangeKeepsWhatItDoesNotSay) {
  const json::View now(R"({"name":"o","subjects":["o.>"],"max_msgs":-1,"sealed":false})");
  const auto config = changed_config(now, {.max_messages = 5, .replicas = 0});
  EXPECT_EQ(config, R"({"name":"o","subjects":["o.>"],"max_msgs":5,"sealed":false})");
}

TEST(StreamJson, LimitsThatAreNoneAreNull) {
  const auto shown = stream_json(json::View(
      R"({"config":{"name":"o","max_bytes":-1,"max_msgs":7,"max_age":1000000,"num_replicas":1},
          "state":{"messages":2,"first_ts":"0001-01-01T00:00:00Z"}})"));
  ASSERT_TRUE(json::check(shown)) << shown;
  EXPECT_THAT(shown, HasSubstr(R"("max_bytes":null)"));
  EXPECT_THAT(shown, HasSubstr(R"("max_messages":7)"));
  EXPECT_THAT(shown, HasSubstr(R"("max_age_ms":1)"));
  EXPECT_THAT(shown, HasSubstr(R"("first_at":null)"));
  EXPECT_THAT(shown, Not(HasSubstr("leader")));
}

}  // namespace
}  // namespace weir::streams
