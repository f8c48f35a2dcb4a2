// TempDir: a folder of its own for one test, removed with everything in it at the end.
#pragma once

#include <filesystem>
#include <string>

namespace weir::test {

class TempDir {
 public:
  TempDir();
  // In this folder, which must exist.
  explicit TempDir(const std::filesystem::path& parent);
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::string read_file(const std::string& path);  // empty when there is no such file
void write_file(const std::string& path, const std::string& content);

}  // namespace weir::test
