#include "pkg/crypto/seal.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <set>

#include "pkg/base/base64.hpp"
#include "pkg/crypto/crypto.hpp"
#include "pkg/crypto/key_ring.hpp"
#include "tests/support/temp_dir.hpp"

namespace weir::crypto {
namespace {

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    out += static_cast<char>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16));
  }
  return out;
}

// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 14 and 16.
TEST(Seal, OpensThePublishedVectors) {
  const auto zero =
      open_sealed(std::string(32, '\0'), "",
                  std::string(12, '\0') + from_hex("cea7403d4d606b6e074ec5d3baf39d18"
                                                   "d0d1c8a799996bf0265b98b5d48ab919"));
  ASSERT_TRUE(zero);
  EXPECT_EQ(*zero, std::string(16, '\0'));
  const auto text =
      open_sealed(from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"),
                  from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
                  from_hex("cafebabefacedbaddecaf888"
                           "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                           "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                           "76fc6ece0f4e1768cddf8853bb2d551b"));
  ASSERT_TRUE(text);
  EXPECT_EQ(to_hex(*text),
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
            "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
}

TEST(Seal, OpensOnlyWhatItSealedThere) {
  const auto key = random_bytes(32);
  for (const auto& plain : {std::string(), std::string("x"), std::string(70'000, 'p')}) {
    const auto sealed = seal(key, "here", plain);
    EXPECT_EQ(sealed.size(), plain.size() + kSealExtraBytes);
    EXPECT_EQ(open_sealed(key, "here", sealed), plain);
    EXPECT_FALSE(open_sealed(key, "there", sealed));
    EXPECT_FALSE(open_sealed(random_bytes(32), "here", sealed));
    EXPECT_FALSE(open_sealed(key, "here", sealed.substr(1)));
    for (const auto at : {std::size_t{0}, sealed.size() / 2, sealed.size() - 1}) {
      auto broken = sealed;
      broken[at] = static_cast<char>(broken[at] ^ 1);
      EXPECT_FALSE(open_sealed(key, "here", broken)) << at;
    }
  }
  EXPECT_FALSE(open_sealed(key, "here", ""));
}

TEST(Seal, NeverUsesANonceTwice) {
  std::set<std::string> nonces;
  for (int i = 0; i < 1'000; ++i) nonces.insert(seal(std::string(32, 'k'), "", "").substr(0, 12));
  EXPECT_EQ(nonces.size(), 1'000U);
}

TEST(KeyRing, TakesTheFirstKeyAndKnowsAll) {
  const auto one = *new_key_line("2026-01");
  const auto two = *new_key_line("old");
  const auto ring = KeyRing::parse("# keys\n\n" + one + " " + two);
  ASSERT_TRUE(ring) << describe(ring.error());
  EXPECT_EQ(ring->current().id, "2026-01");
  EXPECT_EQ(ring->keys().size(), 2U);
  ASSERT_NE(ring->find("old"), nullptr);
  EXPECT_EQ(ring->find("old")->bytes.size(), kSealKeyBytes);
  EXPECT_EQ(ring->find("new"), nullptr);
}

TEST(KeyRing, SaysWhichLineIsWrongWithoutTheKey) {
  const auto good = *new_key_line("a");
  const auto secret = base64_encode(std::string(31, 's'));
  const struct {
    std::string name, text, says;
  } cases[]{{"empty", "", "there is no key"},
            {"comments", "# only\n", "there is no key"},
            {"no colon", good + "abc\n", "line 2"},
            {"bad id", "a b:" + secret, "line 1"},
            {"short key", "k:" + secret, "line 1: the key k"},
            {"no base64", "k:!!", "line 1: the key k"},
            {"twice", good + good, "line 2: a was there before"}};
  for (const auto& one : cases) {
    const auto ring = KeyRing::parse(one.text);
    ASSERT_FALSE(ring) << one.name;
    EXPECT_EQ(ring.error().reason, "bad_payload_keys");
    EXPECT_NE(ring.error().details.find(one.says), std::string::npos) << describe(ring.error());
    EXPECT_EQ(describe(ring.error()).find(secret), std::string::npos);
  }
  EXPECT_FALSE(new_key_line("no spaces"));
}

TEST(KeyRing, RefusesAFileThatOthersCanRead) {
  const test::TempDir dir;
  const auto path = dir.file("keys");
  EXPECT_FALSE(KeyRing::load(path));
  std::ofstream(path) << *new_key_line("a");
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  const auto open = KeyRing::load(path);
  ASSERT_FALSE(open);
  EXPECT_NE(open.error().details.find("chmod 0600"), std::string::npos);
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  EXPECT_TRUE(KeyRing::load(path));
}

}  // namespace
}  // namespace weir::crypto
