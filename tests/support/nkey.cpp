#include "tests/support/nkey.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>

#include "pkg/base/assert.hpp"

namespace weir::test {
namespace {

// The letters of NKeys come out of these prefixes in base 32 (nkeys, "strkey.go").
constexpr std::uint8_t kSeedPrefix = 18 << 3;
constexpr std::uint8_t kUserPrefix = 20 << 3;

// CRC-16/XMODEM.
std::uint16_t checksum(const std::string& bytes) {
  std::uint32_t crc = 0;
  for (const char byte : bytes) {
    crc ^= static_cast<std::uint32_t>(static_cast<std::uint8_t>(byte)) << 8U;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 0x8000U) != 0 ? (crc << 1U) ^ 0x1021U : crc << 1U;
    }
    crc &= 0xFFFFU;
  }
  return static_cast<std::uint16_t>(crc);
}

// RFC 4648 base 32 without padding, of the bytes and their checksum.
std::string encode(std::string bytes) {
  const auto crc = checksum(bytes);
  bytes += static_cast<char>(crc & 0xFFU);
  bytes += static_cast<char>(crc >> 8U);
  static constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out;
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (const char byte : bytes) {
    buffer = (buffer << 8U) | static_cast<std::uint8_t>(byte);
    for (bits += 8; bits >= 5; bits -= 5) out += kLetters[(buffer >> (bits - 5)) & 31U];
  }
  if (bits > 0) out += kLetters[(buffer << (5 - bits)) & 31U];
  return out;
}

}  // namespace

UserNkey make_user_nkey() {
  EVP_PKEY* raw = nullptr;
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, nullptr), EVP_PKEY_CTX_free);
  WEIR_ASSERT(EVP_PKEY_keygen_init(context.get()) == 1);
  WEIR_ASSERT(EVP_PKEY_keygen(context.get(), &raw) == 1);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(raw, EVP_PKEY_free);
  std::array<unsigned char, 32> secret{};
  std::array<unsigned char, 32> open{};
  std::size_t size = secret.size();
  WEIR_ASSERT(EVP_PKEY_get_raw_private_key(key.get(), secret.data(), &size) == 1);
  WEIR_ASSERT(EVP_PKEY_get_raw_public_key(key.get(), open.data(), &size) == 1);

  std::string seed;
  seed += static_cast<char>(kSeedPrefix | (kUserPrefix >> 5U));
  seed += static_cast<char>((kUserPrefix & 31U) << 3U);
  seed.append(secret.begin(), secret.end());
  std::string public_key(1, static_cast<char>(kUserPrefix));
  public_key.append(open.begin(), open.end());
  return {encode(std::move(seed)), encode(std::move(public_key))};
}

}  // namespace weir::test
