#include "pkg/process/child.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace weir::process {
namespace {

using test::wait_until;

std::unique_ptr<Child> shell(const std::string& script, const std::string& output) {
  auto child = Child::spawn({.arguments = {"/bin/sh", "-c", script}, .output_file = output});
  EXPECT_TRUE(child) << describe(child.error());
  return child ? std::move(*child) : nullptr;
}

TEST(Child, WritesItsOutputAndEnds) {
  const test::TempDir directory;
  const auto child = shell("echo out; echo err >&2; exit 3", directory.file("log"));
  std::optional<int> status;
  ASSERT_TRUE(wait_until([&] { return (status = child->try_wait()).has_value(); }));
  ASSERT_TRUE(WIFEXITED(*status));
  EXPECT_EQ(WEXITSTATUS(*status), 3);
  EXPECT_EQ(child->try_wait(), status) << "asked again";
  EXPECT_EQ(test::read_file(directory.file("log")), "out\nerr\n");
}

TEST(Child, AppendsToItsOutput) {
  const test::TempDir directory;
  for (const auto* word : {"one", "two"}) {
    const auto child = shell(std::string("echo ") + word, directory.file("log"));
    ASSERT_TRUE(wait_until([&] { return child->try_wait().has_value(); }));
  }
  EXPECT_EQ(test::read_file(directory.file("log")), "one\ntwo\n");
}

TEST(Child, EndsWhenItIsTold) {
  const test::TempDir directory;
  const auto child = shell("trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.01; done",
                           directory.file("log"));
  ASSERT_TRUE(wait_until([&] { return test::read_file(directory.file("log")) == "up\n"; }));
  child->terminate(std::chrono::seconds(20));
  EXPECT_EQ(test::read_file(directory.file("log")), "up\nasked\n");
}

TEST(Child, IsKilledWhenItDoesNotListen) {
  const test::TempDir directory;
  const auto child =
      shell("trap '' TERM; echo up; while :; do sleep 0.01; done", directory.file("log"));
  ASSERT_TRUE(wait_until([&] { return test::read_file(directory.file("log")) == "up\n"; }));
  child->terminate(Millis{100});
  const auto status = child->try_wait();
  ASSERT_TRUE(status);
  ASSERT_TRUE(WIFSIGNALED(*status));
  EXPECT_EQ(WTERMSIG(*status), SIGKILL);
}

TEST(Child, DoesNotOutliveItsObject) {
  const test::TempDir directory;
  pid_t pid = 0;
  {
    const auto child = shell("sleep 1000", directory.file("log"));
    pid = child->pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_NE(::kill(pid, 0), 0);
}

// A lock that the child shares outlives the parent's hold on it.
TEST(Child, InheritsTheOneFileItIsGiven) {
  const test::TempDir directory;
  const int kept = ::open(directory.file("kept").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const int other = ::open(directory.file("other").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const auto tell = [](int file) {
    return "test -e /proc/$$/fd/" + std::to_string(file) + " && echo open || echo closed; ";
  };
  auto child = Child::spawn({.arguments = {"/bin/sh", "-c", tell(kept) + tell(other)},
                             .output_file = directory.file("log"),
                             .keep_open = kept});
  ASSERT_TRUE(child) << describe(child.error());
  ASSERT_TRUE(wait_until([&] { return (*child)->try_wait().has_value(); }));
  EXPECT_EQ(test::read_file(directory.file("log")), "open\nclosed\n");
  ::close(kept);
  ::close(other);
}

// A program that ignores a signal passes that on to its children, unless it takes care.
TEST(Child, BeginsWithNoSignalIgnored) {
  const test::TempDir directory;
  ::signal(SIGPIPE, SIG_IGN);
  const auto child = shell("grep SigIgn /proc/self/status", directory.file("log"));
  ASSERT_TRUE(wait_until([&] { return child->try_wait().has_value(); }));
  EXPECT_EQ(test::read_file(directory.file("log")), "SigIgn:\t0000000000000000\n");
}

TEST(Child, AnOutputThatCannotBeOpenedIsAnError) {
  const auto child = Child::spawn({.arguments = {"/bin/true"}, .output_file = "/nowhere/at/all"});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().reason, "spawn_failed");
  EXPECT_NE(describe(child.error()).find("/nowhere/at/all"), std::string::npos);
}

TEST(Child, AProgramThatIsNotThereIsAnError) {
  const auto child = Child::spawn({.arguments = {"/nowhere/program"}, .output_file = ""});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().reason, "spawn_failed");
  EXPECT_NE(describe(child.error()).find("/nowhere/program"), std::string::npos);
}

}  // namespace
}  // namespace weir::process
