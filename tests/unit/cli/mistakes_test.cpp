// What a command says that was not meant so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cli/fake_server.hpp"
#include "tests/unit/cli/run_command.hpp"

namespace weir::cli {
namespace {

using testing::HasSubstr;

TEST(Confirmed, WhatDeletesForGoodAsksFirst) {
  FakeServer server([](const Asked&) { return Reply{}; });
  const std::pair<int (*)(Args), std::vector<std::string>> cases[]{
      {run_queue, {"purge", "q"}},
      {run_dlq, {"purge", "--queue", "q"}},
      {run_webhook, {"purge", "--queue", "q"}},
      {run_kv, {"bucket", "del", "b"}},
      {run_room, {"delete", "r"}},
      {run_stream, {"purge", "s"}},
      {run_stream, {"delete", "s"}},
  };
  for (const auto& [command, args] : cases) {
    auto line = args;
    line.insert(line.end(), {"--server", server.url()});
    const auto refused = run(command, line);
    EXPECT_EQ(refused.code, kUsage) << args[0];
    EXPECT_THAT(refused.err, HasSubstr("(add --yes to do it)"));
    EXPECT_EQ(server.asked().size(), 0U) << args[0];
  }
  for (const auto& [command, args] : cases) {
    auto line = args;
    line.insert(line.end(), {"--server", server.url(), "--yes"});
    EXPECT_EQ(run(command, line).code, kOk) << args[0];
  }
  EXPECT_EQ(run(run_stream, {"delete", "s", "17", "--server", server.url()}).code, kOk);
}

TEST(Clock, SaysWhenTheServerHasNone) {
  FakeServer server([](const Asked&) { return Reply{404, R"({"error":"No path."})"}; });
  const auto ran = run(run_clock, {"show", "--server", server.url()});
  EXPECT_EQ(ran.code, kNotFound);
  EXPECT_THAT(ran.err, HasSubstr("this server has no test clock (`weir serve --test-clock`"));
}

TEST(Schedule, NextTakesACronExpressionAsAnOption) {
  const auto ran = run(run_schedule, {"next", "*/5 * * * *"});
  EXPECT_EQ(ran.code, kUsage);
  EXPECT_THAT(ran.err, HasSubstr("a cron expression goes with --cron"));
}

}  // namespace
}  // namespace weir::cli
