// The files of this project, as the tidy tests see them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::tidy {

struct SourceFile {
  std::string path;  // from the project's root, with slashes: "pkg/base/ids.cpp"
  std::vector<std::string> lines;

  bool has_extension(std::string_view extension) const { return path.ends_with(extension); }
  bool is_cpp() const { return has_extension(".cpp") || has_extension(".hpp"); }
  bool is_script() const { return !lines.empty() && lines.front().starts_with("#!"); }
};

// Every text file except build output, run-time data and version control. Read once.
const std::vector<SourceFile>& source_tree();

// "file:line: text", for messages.
std::string at_line(const SourceFile& file, std::size_t index);

}  // namespace weir::tidy
