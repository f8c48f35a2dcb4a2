// Relative links and file names in the documentation lead somewhere.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>

#include "tests/tidy/source_tree.hpp"

namespace weir::tidy {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(Docs, RelativeLinksResolve) {
  const std::regex link(R"(\]\(([^)#\s]+)(#[^)]*)?\))");
  std::size_t seen = 0;
  for (const auto& file : source_tree()) {
    if (!file.has_extension(".md")) continue;
    const fs::path folder = (fs::path(WEIR_SOURCE_DIR) / file.path).parent_path();
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const auto& line = file.lines[i];
      for (std::sregex_iterator at(line.begin(), line.end(), link), end; at != end; ++at) {
        const std::string target = (*at)[1];
        if (target.find("://") != std::string::npos || target.starts_with("mailto:")) continue;
        ++seen;
        EXPECT_TRUE(fs::exists(folder / target)) << at_line(file, i);
      }
    }
  }
  RecordProperty("links", static_cast<int>(seen));
}

// "[Suite.Name](../tests/a_test.cpp)" in the documentation names a test of that file.
TEST(Docs, TestsThatAreNamedExist) {
  const std::regex named(R"(\[(\w+)\.(\w+)\]\(([^)#\s]*tests/[^)#\s]+\.cpp)\))");
  std::size_t seen = 0;
  for (const auto& file : source_tree()) {
    if (!file.has_extension(".md")) continue;
    const fs::path folder = (fs::path(WEIR_SOURCE_DIR) / file.path).parent_path();
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const auto& line = file.lines[i];
      for (std::sregex_iterator at(line.begin(), line.end(), named), end; at != end; ++at) {
        ++seen;
        const std::regex test(R"(TEST(_F|_P)?\(\s*)" + (*at)[1].str() + R"(\s*,\s*)" +
                              (*at)[2].str() + R"(\s*\))");
        const std::string text = read_text(folder / (*at)[3].str());
        EXPECT_TRUE(std::regex_search(text, test)) << at_line(file, i) << ": " << (*at)[0];
      }
    }
  }
  EXPECT_GT(seen, 40U) << "docs/features.md names the test of each row";
}

}  // namespace
}  // namespace weir::tidy
