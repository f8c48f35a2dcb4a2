// Relative links and file names in the documentation lead somewhere.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
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

// What the documentation says in this form: the match, the folder of its page, and where it stands.
void for_each_match(const std::regex& form,
                    const std::function<void(const std::smatch&, const fs::path& folder,
                                             const std::string& where)>& visit) {
  for (const auto& file : source_tree()) {
    if (!file.has_extension(".md")) continue;
    const fs::path folder = (fs::path(WEIR_SOURCE_DIR) / file.path).parent_path();
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const auto& line = file.lines[i];
      for (std::sregex_iterator at(line.begin(), line.end(), form), end; at != end; ++at) {
        visit(*at, folder, at_line(file, i));
      }
    }
  }
}

TEST(Docs, RelativeLinksResolve) {
  std::size_t seen = 0;
  for_each_match(std::regex(R"(\]\(([^)#\s]+)(#[^)]*)?\))"),
                 [&](const std::smatch& link, const fs::path& folder, const std::string& where) {
                   const std::string target = link[1];
                   if (target.find("://") != std::string::npos || target.starts_with("mailto:"))
                     return;
                   ++seen;
                   EXPECT_TRUE(fs::exists(folder / target)) << where;
                 });
  RecordProperty("links", static_cast<int>(seen));
}

// "[Suite.Name](../tests/a_test.cpp)" in the documentation names a test of that file.
TEST(Docs, TestsThatAreNamedExist) {
  std::size_t seen = 0;
  for_each_match(std::regex(R"(\[(\w+)\.(\w+)\]\(([^)#\s]*tests/[^)#\s]+\.cpp)\))"),
                 [&](const std::smatch& named, const fs::path& folder, const std::string& where) {
                   ++seen;
                   const std::regex test(R"(TEST(_F|_P)?\(\s*)" + named[1].str() + R"(\s*,\s*)" +
                                         named[2].str() + R"(\s*\))");
                   const std::string text = read_text(folder / named[3].str());
                   EXPECT_TRUE(std::regex_search(text, test)) << where << ": " << named[0];
                 });
  EXPECT_GT(seen, 40U) << "docs/features.md names the test of each row";
}

}  // namespace
}  // namespace weir::tidy
