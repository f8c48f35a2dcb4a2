// docs/errors.md and the sources name the same reasons, with the same HTTP status.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>

#include "api/envelope.hpp"

namespace weir::api {
namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Code code_of(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(Code::out_of_space); ++i) {
    if (to_string(static_cast<Code>(i)) == name) return static_cast<Code>(i);
  }
  ADD_FAILURE() << "no such code: " << name;
  return Code::internal;
}

using Reasons = std::map<std::string, std::set<int>>;  // to their statuses

// Every `Code::x, "reason"` of the sources: how errors are written here.
Reasons used_reasons() {
  Reasons reasons;
  const std::regex pattern(R"re(Code::([a-z_]+),\s*"([a-z0-9_]+)")re");
  for (const char* folder : {"pkg", "jobs", "api", "cmd"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(WEIR_SOURCE_DIR) / folder)) {
      const auto extension = entry.path().extension();
      if (extension != ".cpp" && extension != ".hpp") continue;
      const std::string text = contents(entry.path());
      for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end;
           ++match) {
        reasons[(*match)[2]].insert(http_status(code_of((*match)[1])));
      }
    }
  }
  return reasons;
}

// The rows "| `reason` | status |" of the page.
Reasons documented_reasons() {
  Reasons reasons;
  const std::string text = contents(fs::path(WEIR_SOURCE_DIR) / "docs" / "errors.md");
  const std::regex pattern(R"re(\| `([a-z0-9_]+)` \| ([0-9]+) \|)re");
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match) {
    EXPECT_TRUE(reasons[(*match)[1]].insert(std::stoi((*match)[2])).second)
        << (*match)[1] << " stands twice in docs/errors.md";
  }
  return reasons;
}

TEST(ErrorReasons, ThePageAndTheSourcesAgree) {
  const auto used = used_reasons();
  const auto documented = documented_reasons();
  ASSERT_GT(used.size(), 30U);
  for (const auto& [reason, statuses] : used) {
    const auto found = documented.find(reason);
    if (found == documented.end()) {
      ADD_FAILURE() << reason << " is used, but docs/errors.md does not list it";
    } else {
      EXPECT_EQ(found->second, statuses) << reason << ": another status in docs/errors.md";
    }
  }
  for (const auto& [reason, statuses] : documented) {
    EXPECT_TRUE(used.contains(reason)) << reason << " is in docs/errors.md, but nothing uses it";
  }
}

}  // namespace
}  // namespace weir::api
