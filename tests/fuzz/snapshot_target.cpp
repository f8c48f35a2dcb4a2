#include <fstream>

#include "pkg/base/assert.hpp"
#include "pkg/replica/snapshot_file.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/support/temp_dir.hpp"

namespace weir::fuzz {

// Bytes that are no snapshot are refused as damaged; any bytes come back from a snapshot of them.
void try_snapshot(std::string_view input) {
  static const test::TempDir folder;
  const std::string file = folder.file("input");
  const std::string out = folder.file("out");
  std::ofstream(file, std::ios::binary)
      .write(input.data(), static_cast<std::streamsize>(input.size()));
  const auto read = replica::decompress_file(file, out);
  WEIR_ASSERT(read || read.error().reason == "snapshot_damaged");
  WEIR_ASSERT(replica::compress_file(file, out).has_value());
  WEIR_ASSERT(replica::decompress_file(out, folder.file("again")).has_value());
  const auto before = replica::sum_file(file);
  const auto after = replica::sum_file(folder.file("again"));
  WEIR_ASSERT(before && after && before->sha256 == after->sha256);
}

}  // namespace weir::fuzz
