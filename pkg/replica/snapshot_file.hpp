// Compressed files and their hashes, in pieces: a database may be larger than memory.
#pragma once

#include <cstdint>
#include <string>

#include "pkg/base/result.hpp"

namespace weir::replica {

struct FileSum {
  std::uint64_t bytes = 0;
  std::string sha256;  // hex
};

// zstd (RFC 8878), with its checksum. Errors: out_of_space / disk_full, internal / file_error.
Result<void> compress_file(const std::string& from, const std::string& to);
// Error besides: internal / snapshot_damaged.
Result<void> decompress_file(const std::string& from, const std::string& to);
Result<FileSum> sum_file(const std::string& path);

}  // namespace weir::replica
