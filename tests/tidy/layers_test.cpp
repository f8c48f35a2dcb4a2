// docs/architecture.md, layers: cmd -> api -> jobs -> pkg, and inside pkg services -> nats | sqlite
// -> log config json crypto metrics process -> base. Includes go downward only.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>

#include "tests/tidy/source_tree.hpp"

namespace weir::tidy {
namespace {

constexpr int kPackageService = 3;
constexpr int kPackageStore = 2;

const std::map<std::string, int, std::less<>>& package_layers() {
  static const std::map<std::string, int, std::less<>> layers{{"base", 0},
                                                              {"log", 1},
                                                              {"config", 1},
                                                              {"cron", 1},
                                                              {"json", 1},
                                                              {"crypto", 1},
                                                              {"metrics", 1},
                                                              {"process", 1},
                                                              {"nats", kPackageStore},
                                                              {"sqlite", kPackageStore}};
  return layers;
}

// "pkg/base", "jobs", "api/http", ...: one library each.
std::string folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return std::string(path.substr(0, slash == std::string_view::npos ? 0 : slash));
}

// The height of a file of the product; empty for tests and everything outside.
std::optional<int> layer_of(std::string_view path) {
  if (path.starts_with("cmd/")) return 30;
  if (path.starts_with("api/")) return 20;
  if (path.starts_with("jobs/")) return 10;
  if (!path.starts_with("pkg/")) return std::nullopt;
  const auto name = path.substr(4, path.find('/', 4) - 4);
  const auto found = package_layers().find(name);
  return found == package_layers().end() ? kPackageService : found->second;
}

// The file named by an include with quotes, or by one with angle brackets.
std::optional<std::string> included(const std::string& line, char open, char close) {
  const std::string start = std::string("#include ") + open;
  if (!line.starts_with(start)) return std::nullopt;
  return line.substr(start.size(), line.find(close, start.size()) - start.size());
}

TEST(Layers, IncludesGoDownwardOnly) {
  std::size_t seen = 0;
  for (const auto& file : source_tree()) {
    const auto from = layer_of(file.path);
    if (!file.is_cpp() || !from) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const auto name = included(file.lines[i], '"', '"');
      if (!name) continue;
      ++seen;
      const auto to = layer_of(*name);
      ASSERT_TRUE(to) << at_line(file, i) << "\n  includes are written from the project's root";
      EXPECT_LE(*to, *from) << at_line(file, i) << "\n  points upward";
      const bool beside = *to == kPackageStore && *from == kPackageStore;
      EXPECT_TRUE(!beside || folder_of(*name) == folder_of(file.path))
          << at_line(file, i) << "\n  nats and sqlite do not know each other";
    }
  }
  EXPECT_GT(seen, 20U);
}

// Folders of one height may use each other one way only.
TEST(Layers, FoldersMakeNoCircle) {
  std::map<std::string, std::set<std::string>> uses;
  for (const auto& file : source_tree()) {
    if (!file.is_cpp() || !layer_of(file.path)) continue;
    for (const auto& line : file.lines) {
      const auto name = included(line, '"', '"');
      if (name && folder_of(*name) != folder_of(file.path))
        uses[folder_of(file.path)].insert(folder_of(*name));
    }
  }
  // Folders whose every use is already removed go first; what stays is in a circle.
  for (bool removed = true; removed;) {
    removed = false;
    for (auto at = uses.begin(); at != uses.end();) {
      bool free = true;
      for (const auto& used : at->second) free = free && !uses.contains(used);
      at = free ? uses.erase(at) : std::next(at);
      removed = removed || free;
    }
  }
  for (const auto& [folder, used] : uses) {
    ADD_FAILURE() << folder << " is in a circle with " << *used.begin();
  }
}

struct Adapter {
  std::string header;                // prefix of what stands between the brackets
  std::vector<std::string> allowed;  // folders that may include it
};

const std::vector<Adapter>& adapters() {
  static const std::vector<Adapter> list{
      {"nats", {"pkg/nats/"}},
      {"SQLiteCpp", {"pkg/sqlite/"}},
      {"sqlite3", {"pkg/sqlite/"}},
      {"httplib", {"api/http/", "cmd/weir/"}},
      {"boost/", {"api/http/", "pkg/webhook/"}},
      {"cxxopts", {"cmd/"}},
      {"spdlog", {"pkg/log/"}},
      {"fmt/", {"pkg/log/"}},
      {"simdjson", {"pkg/json/"}},
      {"date/", {"pkg/cron/"}},
      {"openssl/", {"pkg/crypto/", "pkg/webhook/", "api/http/"}},
      {"nlohmann", {"cmd/", "api/", "pkg/config/", "pkg/json/", "pkg/nats/"}},
      {"gtest", {}},
      {"gmock", {}},
  };
  return list;
}

TEST(Layers, ThirdPartyHeadersStayBehindTheirAdapter) {
  for (const auto& file : source_tree()) {
    if (!file.is_cpp() || !layer_of(file.path)) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const auto name = included(file.lines[i], '<', '>');
      if (!name) continue;
      for (const auto& [header, allowed] : adapters()) {
        if (!name->starts_with(header)) continue;
        bool inside = false;
        for (const auto& folder : allowed) inside = inside || file.path.starts_with(folder);
        EXPECT_TRUE(inside) << at_line(file, i);
      }
    }
  }
}

TEST(Layers, BaseKnowsTheStandardLibraryOnly) {
  for (const auto& file : source_tree()) {
    if (!file.is_cpp() || !file.path.starts_with("pkg/base/")) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const auto name = included(file.lines[i], '<', '>');
      if (!name) continue;
      const bool standard = name->find('.') == std::string::npos;
      EXPECT_TRUE(standard || name->starts_with("sys/")) << at_line(file, i);
    }
  }
}

}  // namespace
}  // namespace weir::tidy
