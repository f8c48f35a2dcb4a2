// The tools of the tests themselves: a harness that hides failures makes every test worthless.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>

#include "tests/support/child.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace weir::test {
namespace {

TEST(Child, GivesInputEnvironmentOutputAndCode) {
  const auto done = run({.argv = {"sh", "-c", "cat; echo $GREETING >&2; exit 3"},
                         .env = {{"GREETING", "hello"}},
                         .input = "from stdin"});
  EXPECT_EQ(done.code, 3);
  EXPECT_EQ(done.out, "from stdin");
  EXPECT_EQ(done.err, "hello\n");
}

TEST(Child, TellsSignalsAndMissingPrograms) {
  EXPECT_EQ(run({.argv = {"sh", "-c", "kill -9 $$"}}).code, 128 + SIGKILL);
  EXPECT_EQ(run({.argv = {"no-such-program-at-all"}}).code, 127);
}

TEST(Child, OverItsLimitIsKilled) {
  EXPECT_EQ(run({.argv = {"sleep", "600"}}, Millis{50}).code, -1);
}

TEST(Child, TakesItsChildrenAlong) {
  const TempDir files;
  pid_t grandchild = 0;
  {
    Child child(
        {.argv = {"sh", "-c", "sleep 600 & echo $!; wait"}, .output_file = files.file("pid")});
    ASSERT_TRUE(wait_until([&] { return !read_file(files.file("pid")).empty(); }));
    grandchild = static_cast<pid_t>(std::stoi(read_file(files.file("pid"))));
    ASSERT_EQ(::kill(grandchild, 0), 0);
  }
  EXPECT_TRUE(wait_until([&] {
    // Gone, or a zombie that nobody has collected yet.
    const std::string stat = read_file("/proc/" + std::to_string(grandchild) + "/stat");
    return stat.empty() || stat.find(") Z") != std::string::npos;
  }));
}

TEST(TempDir, GoesAway) {
  std::filesystem::path path;
  {
    const TempDir directory;
    path = directory.path();
    write_file(directory.file("a"), "text");
    EXPECT_EQ(read_file(directory.file("a")), "text");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(WaitUntil, TellsWhetherItCame) {
  int asked = 0;
  EXPECT_TRUE(wait_until([&] { return ++asked == 3; }));
  EXPECT_FALSE(wait_until([] { return false; }, Millis{20}));
}

TEST(HttpClient, NoServerIsStatusZero) {
  HttpClient client(free_port(), "", Millis{200});
  EXPECT_EQ(client.get("/health").status, 0);
  EXPECT_TRUE(exchange_raw(free_port(), "GET / HTTP/1.1\r\n\r\n", Millis{200}).empty());
}

}  // namespace
}  // namespace weir::test
