#include "pkg/replica/snapshot_file.hpp"

#include <gtest/gtest.h>

#include "pkg/crypto/crypto.hpp"
#include "tests/support/temp_dir.hpp"

namespace weir::replica {
namespace {

using test::read_file;
using test::write_file;

class SnapshotFileTest : public testing::Test {
 protected:
  test::TempDir directory_;
  std::string raw_ = directory_.file("raw");
  std::string packed_ = directory_.file("packed");
  std::string back_ = directory_.file("back");
};

TEST_F(SnapshotFileTest, ComesBackAsItWas) {
  std::string large;
  for (std::uint64_t i = 0; large.size() < (5U << 20U); ++i) large += std::to_string(i * 7919);
  for (const auto& content :
       {std::string(), std::string("x"), std::string(1U << 20U, 'a'), large}) {
    write_file(raw_, content);
    ASSERT_TRUE(compress_file(raw_, packed_));
    ASSERT_TRUE(decompress_file(packed_, back_));
    EXPECT_TRUE(read_file(back_) == content) << content.size();
    EXPECT_LE(read_file(packed_).size(), content.size() + 32);
  }
}

TEST_F(SnapshotFileTest, SumsWhatIsThere) {
  write_file(raw_, std::string(3U << 20U, 'z'));
  const auto sum = sum_file(raw_);
  ASSERT_TRUE(sum);
  EXPECT_EQ(sum->bytes, 3U << 20U);
  EXPECT_EQ(sum->sha256, crypto::sha256_hex(std::string(3U << 20U, 'z')));
}

TEST_F(SnapshotFileTest, DamageIsNoticed) {
  write_file(raw_, std::string(100'000, 'a') + std::string(100'000, 'b'));
  ASSERT_TRUE(compress_file(raw_, packed_));
  const auto good = read_file(packed_);
  auto flipped = good;
  flipped[good.size() / 2] = static_cast<char>(flipped[good.size() / 2] ^ 0x10);
  for (const auto& bad : {good.substr(0, good.size() - 1), good.substr(0, 3), flipped,
                          std::string("no zstd at all")}) {
    write_file(packed_, bad);
    const auto refused = decompress_file(packed_, back_);
    ASSERT_FALSE(refused) << bad.size();
    EXPECT_EQ(refused.error().reason, "snapshot_damaged");
  }
}

TEST_F(SnapshotFileTest, AMissingFileIsAnError) {
  const auto refused = compress_file(directory_.file("missing"), packed_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "file_error");
  EXPECT_FALSE(sum_file(directory_.file("missing")));
}

}  // namespace
}  // namespace weir::replica
