// The program as a shell sees it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/child.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

using testing::HasSubstr;

Finished weir(std::vector<std::string> arguments, std::map<std::string, std::string> env = {}) {
  arguments.insert(arguments.begin(), weir_binary());
  return run({.argv = std::move(arguments), .env = std::move(env)});
}

TEST(Program, HelpAndVersion) {
  EXPECT_THAT(weir({"--help"}).out, HasSubstr("Usage: weir COMMAND"));
  EXPECT_THAT(weir({"--version"}).out, testing::MatchesRegex("weir [0-9.]+\n"));
  EXPECT_THAT(weir({"help", "job", "list"}).out, HasSubstr("Usage: weir job list"));
  const auto bare = weir({});
  EXPECT_EQ(bare.code, 2);
  EXPECT_THAT(bare.err, HasSubstr("Commands:"));
}

TEST(Program, UnknownCommandsGetASuggestion) {
  const auto ran = weir({"sumbit"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_EQ(ran.err, "weir: unknown command \"weir sumbit\" (did you mean `weir submit`?)\n");
}

TEST(Program, OutputThatCannotBeWrittenIsAFailure) {
  const auto ran = run({.argv = {"/bin/sh", "-c", weir_binary() + " config > /dev/full"}});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("cannot write to standard output"));
}

TEST(Program, SecretsAreNotTakenAsArguments) {
  for (const char* flag : {"--api-key", "--nats-password", "--nats-token"}) {
    EXPECT_EQ(weir({"config", flag, "hunter2"}).code, 2) << flag;
  }
  const auto shown = weir({"config"}, {{"WEIR_API_KEY", "hunter2hunter2hunter2"}});
  EXPECT_EQ(shown.code, 0);
  EXPECT_THAT(shown.out, HasSubstr("***"));
  EXPECT_THAT(shown.out, testing::Not(HasSubstr("hunter2")));
}

TEST(Program, BashCompletionKnowsCommandsAndOptions) {
  const auto complete = [](const std::string& words, int at) {
    const std::string script =
        "source <('" + weir_binary() + "' completion bash); COMP_WORDS=('" + weir_binary() + "' " +
        words + "); COMP_CWORD=" + std::to_string(at) + "; _weir; echo \"${COMPREPLY[*]}\"";
    return run({.argv = {"bash", "-c", script}}).out;
  };
  EXPECT_EQ(complete("que", 1), "queue\n");
  EXPECT_EQ(complete("queue pu", 2), "purge\n");
  EXPECT_EQ(complete("submit --prio", 2), "--priority\n");
  EXPECT_EQ(complete("job list --curs", 3), "--cursor\n");
  EXPECT_EQ(complete("kv bucket add --hist", 4), "--history\n");
  EXPECT_EQ(complete("kv get something --rev", 4), "--revision\n");
}

}  // namespace
}  // namespace weir::test
