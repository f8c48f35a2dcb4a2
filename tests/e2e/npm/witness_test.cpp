// Clients that others wrote speak to Weir: the NATS packages for Node.js, versions 2 and 3, and a
// WebSocket package. They are installed by npm, from where npm is told to, into a folder of the
// test.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/child.hpp"
#include "tests/support/nats_server.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

class Witness : public testing::TestWithParam<std::string> {
 protected:
  static void SetUpTestSuite() {
    has_npm_ = run({.argv = {"/bin/sh", "-c", "command -v npm && command -v node"}}).code == 0;
    if (!has_npm_) return;
    folder_ = new TempDir();
    for (const auto& file : std::filesystem::directory_iterator(WEIR_WITNESSES)) {
      const auto extension = file.path().extension();
      if (extension == ".mjs" || extension == ".json")
        std::filesystem::copy(file.path(), folder_->path());
    }
    const auto installed =
        run({.argv = {"npm", "install", "--no-audit", "--no-fund", "--prefix", folder_->path()}});
    ASSERT_EQ(installed.code, 0) << installed.out << installed.err;
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }
  void SetUp() override {
    if (!has_npm_) GTEST_SKIP() << "npm and node are not installed: no witness speaks";
  }

  static bool has_npm_;
  static TempDir* folder_;
};
bool Witness::has_npm_ = false;
TempDir* Witness::folder_ = nullptr;

TEST_P(Witness, AgreesWithUs) {
  NatsServer nats;
  nats.start();
  WeirServer server({.nats_url = nats.url()});
  server.start();
  const auto told = run({.argv = {"node", folder_->file(GetParam() + ".mjs")},
                         .env = {{"WITNESS_NATS_URL", nats.url()},
                                 {"WITNESS_PORT", std::to_string(server.port())},
                                 {"WEIR_API_KEY", server.key()}}});
  EXPECT_EQ(told.code, 0) << told.out << told.err;
  EXPECT_NE(told.out.find("ok "), std::string::npos) << told.out << told.err;
}

INSTANTIATE_TEST_SUITE_P(Packages, Witness, testing::Values("nats2", "natsio3", "ws8"),
                         [](const auto& package) { return package.param; });

}  // namespace
}  // namespace weir::test
