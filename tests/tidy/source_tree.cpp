#include "tests/tidy/source_tree.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace weir::tidy {
namespace {

namespace fs = std::filesystem;

// In the root only: what the project makes, and what version control and editors keep.
bool is_foreign(const fs::path& path) {
  const std::string name = path.filename().string();
  return name == "build" || name == "weir-data" || name == ".git" || name == ".cache";
}

bool is_text(const std::string& content) {
  return content.find('\0') == std::string::npos;
}

SourceFile read(const fs::path& path, const fs::path& root) {
  SourceFile file{path.lexically_relative(root).generic_string(), {}};
  std::ifstream in(path, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(in), {}};
  if (!is_text(content)) return file;
  for (std::size_t at = 0; at < content.size();) {
    const std::size_t end = std::min(content.find('\n', at), content.size());
    file.lines.push_back(content.substr(at, end - at));
    at = end + 1;
  }
  return file;
}

std::vector<SourceFile> read_all() {
  const fs::path root(WEIR_SOURCE_DIR);
  std::vector<SourceFile> files;
  for (auto entry = fs::recursive_directory_iterator(root);
       entry != fs::recursive_directory_iterator(); ++entry) {
    if (entry.depth() == 0 && is_foreign(entry->path())) {
      if (entry->is_directory()) entry.disable_recursion_pending();
      continue;
    }
    if (entry->is_regular_file()) files.push_back(read(entry->path(), root));
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

}  // namespace

const std::vector<SourceFile>& source_tree() {
  static const auto* files = new std::vector<SourceFile>(read_all());
  return *files;
}

std::string at_line(const SourceFile& file, std::size_t index) {
  return file.path + ":" + std::to_string(index + 1) + ": " + file.lines[index];
}

}  // namespace weir::tidy
