// The console examples of pages of docs/, typed into a fresh server: they print what the page says,
// but for ids and times.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>

#include "tests/support/wait.hpp"
#include "tests/support/weir_server.hpp"

namespace weir::test {
namespace {

struct Step {
  std::string command;
  std::string output;
};

// What stands in blocks of the kind `console`: commands after "$ ", and what they print.
std::vector<Step> steps_of(const std::string& page) {
  std::ifstream in(std::string(WEIR_SOURCE_DIR) + "/docs/" + page);
  EXPECT_TRUE(in) << page;
  std::vector<Step> out;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      inside = line == "```console";
    } else if (inside && line.starts_with("$ ")) {
      out.push_back({.command = line.substr(2), .output = {}});
    } else if (inside && !out.empty()) {
      out.back().output += line + "\n";
    }
  }
  return out;
}

std::string without_ids_and_times(const std::string& text) {
  static const std::regex time(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)");
  static const std::regex id("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
  auto out = std::regex_replace(std::regex_replace(text, time, "TIME"), id, "ID");
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

class DocsExamples : public testing::TestWithParam<std::string> {};

TEST_P(DocsExamples, PrintWhatThePageSays) {
  WeirServer server;
  server.start();
  const char* path = std::getenv("PATH");
  const std::map<std::string, std::string> env{
      {"PATH", std::filesystem::path(weir_binary()).parent_path().string() + ":" +
                   (path == nullptr ? "" : path)},
      {"WEIR", server.url()},
      {"WEIR_URL", server.url()},
      {"WEIR_API_KEY", server.key()}};
  const auto steps = steps_of(GetParam());
  ASSERT_FALSE(steps.empty());
  const TempDir directory;
  for (const auto& step : steps) {
    const auto file = directory.file("out");
    std::filesystem::remove(file);
    const auto expected = without_ids_and_times(step.output);
    std::string printed;
    // Some go on for ever: their output is looked at while they run.
    Child child({.argv = {"/bin/sh", "-c", step.command}, .env = env, .output_file = file});
    EXPECT_TRUE(wait_until([&] {
      std::ifstream in(file);
      printed = without_ids_and_times(std::string(std::istreambuf_iterator<char>(in), {}));
      return printed == expected;
    })) << "$ "
        << step.command << "\nprinted: " << printed << "\nexpected: " << expected;
    const bool ends = step.command.find(" tail ") == std::string::npos;
    EXPECT_TRUE(!ends || child.wait() == 0) << step.command;
  }
}

INSTANTIATE_TEST_SUITE_P(Pages, DocsExamples, testing::Values("rooms.md"), [](const auto& page) {
  return page.param.substr(0, page.param.find('.'));
});

}  // namespace
}  // namespace weir::test
