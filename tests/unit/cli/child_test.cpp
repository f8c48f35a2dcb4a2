#include "cmd/weir/worker/child.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

#include "tests/unit/cli/fake_server.hpp"

namespace weir::cli {
namespace {

ChildEnd run(ChildSpec spec) {
  ChildStopper stopper;
  auto end = run_child(spec, stopper);
  EXPECT_TRUE(end);
  return std::move(*end);
}

TEST(Child, GetsInputAndEnvironmentAndItsOutputIsKept) {
  const auto end = run({.command = "cat; echo \"$GREETING\"; echo oops >&2",
                        .environment = {{"GREETING", "hi = there"}},
                        .input = "in "});
  EXPECT_EQ(end.exit_code, 0);
  EXPECT_EQ(end.output, "in hi = there\n");
  EXPECT_EQ(end.error_tail, "oops\n");
}

TEST(Child, ExitCodesAndSignalsAreTold) {
  EXPECT_EQ(run({.command = "exit 100"}).exit_code, 100);
  const auto killed = run({.command = "kill -9 $$"});
  EXPECT_EQ(killed.signal, SIGKILL);
  EXPECT_EQ(killed.exit_code, 137);
}

TEST(Child, LargeInputAndOutputDoNotBlockEachOther) {
  const std::string input(4 << 20, 'x');
  const auto end = run({.command = "cat", .input = input, .max_output_bytes = 8 << 20});
  EXPECT_EQ(end.output.size(), input.size());
}

TEST(Child, OutputIsBoundedAndErrorsKeepTheirTail) {
  const auto end = run({.command = "yes | head -c 1000000; seq 1 100000 >&2",
                        .max_output_bytes = 1000,
                        .error_tail_bytes = 100});
  EXPECT_TRUE(end.overflowed);
  EXPECT_EQ(end.output.size(), 1000U);
  EXPECT_EQ(end.error_tail.size(), 100U);
  EXPECT_THAT(end.error_tail, testing::EndsWith("100000\n"));
}

TEST(Child, MayIgnoreItsInput) {
  EXPECT_EQ(run({.command = "exec true", .input = std::string(1 << 20, 'x')}).exit_code, 0);
}

TEST(Child, DescendantsThatKeepThePipesDoNotHoldUsUp) {
  const auto start = std::chrono::steady_clock::now();
  const auto end = run({.command = "sleep 30 & echo done"});
  EXPECT_EQ(end.output, "done\n");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST(Child, TerminateReachesTheWholeGroup) {
  ChildStopper stopper;
  std::thread later([&] { stopper.terminate(); });
  const auto end = run_child({.command = "sleep 60 & wait"}, stopper);
  later.join();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->signal, SIGTERM);
}

TEST(Child, KillFollowsAfterTheGrace) {
  ChildStopper stopper;
  stopper.terminate();
  const auto end = run_child(
      {.command = "trap '' TERM; while :; do sleep 1; done", .kill_grace = Millis{300}}, stopper);
  ASSERT_TRUE(end);
  // SIGTERM may come before the trap is set.
  EXPECT_TRUE(end->signal == SIGKILL || end->signal == SIGTERM);
}

TEST(Child, NoZombieIsLeft) {
  run({.command = "true"});
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace weir::cli
