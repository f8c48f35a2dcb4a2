// `weir dlq` against a server that answers as told.
#include <gtest/gtest.h>

#include "cmd/weir/cli/commands.hpp"
#include "tests/unit/cli/fake_server.hpp"
#include "tests/unit/cli/run_command.hpp"

namespace weir::cli {
namespace {

TEST(Dlq, RedriveWantsASelection) {
  FakeServer server([](const Asked&) { return Reply{200, R"({"redriven":2})"}; });
  EXPECT_EQ(run(run_dlq, {"redrive", "--server", server.url()}).code, kUsage);
  EXPECT_EQ(run(run_dlq, {"redrive", "a", "b", "--server", server.url()}).out,
            "2 dead letters redriven\n");
  EXPECT_EQ(server.asked()[0].body, R"({"filter":{"ids":["a","b"]}})");
}

TEST(Dlq, RedriveByFilterGoesPageByPage) {
  int calls = 0;
  FakeServer server([&](const Asked&) {
    return ++calls == 1 ? Reply{200, R"({"matched":2,"redriven":2,"next_cursor":"c1"})"}
                        : Reply{200, R"({"matched":1,"redriven":1,"next_cursor":null})"};
  });
  const auto ran = run(run_dlq, {"redrive", "--error", "timeout", "--server", server.url()});
  EXPECT_EQ(ran.code, kOk) << ran.err;
  EXPECT_EQ(ran.out, "3 dead letters redriven\n");
  EXPECT_EQ(server.asked()[0].body, R"({"filter":{"error":"timeout"}})");
  EXPECT_EQ(Json::parse(server.asked()[1].body)["cursor"], "c1");
}

TEST(Dlq, ARedriveWithARateOrAPatchGoesOnByItself) {
  FakeServer server([&](const Asked& asked) {
    const bool begun = asked.method == "GET";
    return Reply{begun ? 200 : 202, R"({"id":"r1","state":")" +
                                        std::string(begun ? "completed" : "running") +
                                        R"(","redriven":3,"skipped":1,"failed":0})"};
  });
  auto ran = run(run_dlq, {"redrive", "--queue", "q", "--rate", "50", "--patch", R"({"v":2})",
                           "--server", server.url()});
  EXPECT_EQ(ran.out, "redrive r1 goes on: weir dlq redrives r1\n");
  EXPECT_EQ(server.asked()[0].body, R"({"filter":{"queue":"q"},"rate_per_s":50,"patch":{"v":2}})");
  ran = run(run_dlq, {"redrive", "a", "--rate", "1", "--wait", "--server", server.url()});
  EXPECT_EQ(ran.out, "redrive r1 is completed: 3 redriven, 1 skipped, 0 failed\n");
  EXPECT_EQ(run(run_dlq, {"redrive", "a", "--patch", "{", "--server", server.url()}).code, kUsage);
  ran = run(run_dlq, {"redrives", "r1", "--server", server.url()});
  EXPECT_EQ(ran.out, "redrive r1 is completed: 3 redriven, 1 skipped, 0 failed\n");
  ran = run(run_dlq, {"stop", "r1", "--server", server.url()});
  EXPECT_EQ(server.asked().back().path, "/v1/dlq/redrives/r1/cancel");
}

TEST(Dlq, AnEmptyListSaysSo) {
  FakeServer server([](const Asked&) {
    return Reply{200, R"({"items":[],"next_cursor":null,"total_items":0})"};
  });
  EXPECT_EQ(run(run_dlq, {"list", "--server", server.url()}).out, "No dead letters.\n");
  EXPECT_EQ(run(run_job, {"list", "--server", server.url()}).out, "No jobs.\n");
}

}  // namespace
}  // namespace weir::cli
