// Relative links and file names in the documentation lead somewhere.
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <string>

#include "tests/tidy/source_tree.hpp"

namespace weir::tidy {
namespace {

namespace fs = std::filesystem;

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

}  // namespace
}  // namespace weir::tidy
