// docs/errors.md and the sources name the same reasons, with the same HTTP status.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>

#include "api/core/envelope.hpp"

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

// Reasons to the statuses they come with: "404", and "cli" for what only the command line says.
using Reasons = std::map<std::string, std::set<std::string>>;

std::vector<fs::path> sources(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto extension = entry.path().extension();
    if (extension == ".cpp" || extension == ".hpp") files.push_back(entry.path());
  }
  return files;
}

// Every `Code::x, "reason"` of the sources: how errors are written here.
void add_used(Reasons& reasons, const fs::path& folder, bool is_cli) {
  const std::regex pattern(R"re(Code::([a-z_]+),\s*(?:\.reason = )?"([a-z0-9_]*[a-z0-9])")re");
  for (const auto& file : sources(folder)) {
    const std::string text = contents(file);
    for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end;
         ++match) {
      const auto status = std::to_string(http_status(code_of((*match)[1])));
      reasons[(*match)[2]].insert(is_cli ? "cli" : status);
    }
  }
}

Reasons used_reasons() {
  Reasons reasons;
  const fs::path root = WEIR_SOURCE_DIR;
  for (const char* folder : {"pkg", "jobs", "api"}) add_used(reasons, root / folder, false);
  add_used(reasons, root / "cmd", true);
  return reasons;
}

// The rows "| `reason` | status |" of the page.
Reasons documented_reasons() {
  Reasons reasons;
  const std::string text = contents(fs::path(WEIR_SOURCE_DIR) / "docs" / "errors.md");
  const std::regex pattern(R"re(\| `([a-z0-9_]+)` \| ([0-9]+|cli) \|)re");
  for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end; ++match) {
    EXPECT_TRUE(reasons[(*match)[1]].insert((*match)[2]).second)
        << (*match)[1] << " stands twice in docs/errors.md";
  }
  return reasons;
}

// The command line also meets the server's reasons: they need no row of their own for it.
bool is_documented(const Reasons& documented, const std::string& reason,
                   const std::string& status) {
  const auto found = documented.find(reason);
  return found != documented.end() && (status == "cli" || found->second.contains(status));
}

TEST(ErrorReasons, EveryReasonInTheSourcesIsDocumented) {
  const auto documented = documented_reasons();
  const auto used = used_reasons();
  ASSERT_GT(used.size(), 30U);
  for (const auto& [reason, statuses] : used) {
    for (const auto& status : statuses) {
      EXPECT_TRUE(is_documented(documented, reason, status))
          << "docs/errors.md lacks | `" << reason << "` | " << status << " |";
    }
  }
}

// Looser than the other way round: some sources choose between reasons first.
TEST(ErrorReasons, EveryDocumentedReasonIsInTheSources) {
  std::set<std::string> literals;
  const std::regex pattern(R"re("([a-z][a-z0-9_]*)")re");
  for (const char* folder : {"pkg", "jobs", "api", "cmd"}) {
    for (const auto& file : sources(fs::path(WEIR_SOURCE_DIR) / folder)) {
      const std::string text = contents(file);
      for (std::sregex_iterator match(text.begin(), text.end(), pattern), end; match != end;
           ++match) {
        literals.insert((*match)[1]);
      }
    }
  }
  for (const auto& [reason, statuses] : documented_reasons()) {
    EXPECT_TRUE(literals.contains(reason)) << reason << " is documented, but nothing uses it";
  }
}

}  // namespace
}  // namespace weir::api
