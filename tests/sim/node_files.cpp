#include "tests/sim/node_files.hpp"

#include <filesystem>
#include <fstream>

namespace weir::sim {
namespace {

void remove(const std::string& file) {
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
}

void replace(const std::string& file, const std::string& by) {
  remove(file);
  std::error_code ignored;
  std::filesystem::copy_file(by, file, ignored);
}

}  // namespace

NodeFiles::NodeFiles(std::string folder) : folder_(std::move(folder)) {
  std::filesystem::create_directories(folder_);
}

void NodeFiles::save_image() {
  for (const char* suffix : {"", "-wal"}) replace(folder_ + "/image" + suffix, database() + suffix);
  has_image_ = true;
}

bool NodeFiles::lose_power(World& world) {
  tear_journal(world);
  if (!has_image_) return false;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    replace(database() + suffix, folder_ + "/image" + suffix);
  }
  return true;
}

void NodeFiles::wipe() {
  for (const char* suffix : {"", "-wal", "-shm"}) remove(database() + suffix);
  for (const char* suffix : {".a", ".b"}) remove(journal() + suffix);
  for (const char* suffix : {"", "-wal"}) remove(folder_ + "/image" + suffix);
  has_image_ = false;
}

// Its end was never written, or came out as something else.
void NodeFiles::tear_journal(World& world) const {
  for (const char* suffix : {".a", ".b"}) {
    if (!world.chance(500)) continue;
    const std::string file = journal() + suffix;
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    if (error || size == 0) continue;
    const auto left = size - world.below(std::min<std::uintmax_t>(size, 3'000));
    std::filesystem::resize_file(file, left, error);
    if (world.chance(500)) std::ofstream(file, std::ios::app) << std::string(200, '\x5a');
  }
}

}  // namespace weir::sim
