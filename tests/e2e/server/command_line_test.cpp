// The command line against a running server: what people and scripts type.
#include <gtest/gtest.h>

#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

TEST(CommandLine, HelpAndErrorsNeedNoServer) {
  const auto help = run({.argv = {weir_binary(), "--help"}});
  EXPECT_EQ(help.code, 0);
  for (const char* verb : {"serve", "submit", "work", "job", "queue", "dlq", "status", "doctor"}) {
    EXPECT_NE(help.out.find(verb), std::string::npos) << verb;
  }
  const auto version = run({.argv = {weir_binary(), "--version"}});
  EXPECT_EQ(version.code, 0);
  EXPECT_NE(version.out.find("0.1.0"), std::string::npos) << version.out;
  const auto unknown = run({.argv = {weir_binary(), "frobnicate"}});
  EXPECT_GT(unknown.code, 0);
  EXPECT_NE(unknown.err.find("frobnicate"), std::string::npos) << unknown.err;
  const auto nobody =
      run({.argv = {weir_binary(), "status"}, .env = {{"WEIR_URL", "http://127.0.0.1:1"}}});
  EXPECT_GT(nobody.code, 0);
  EXPECT_NE(nobody.err.find("127.0.0.1:1"), std::string::npos) << nobody.err;
}

}  // namespace
}  // namespace weir::test
