#include "pkg/crypto/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "pkg/base/assert.hpp"

namespace weir::crypto {

std::string sha256(std::string_view data) {
  std::string digest(32, '\0');
  unsigned int length = 0;
  const int ok =
      EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(digest.data()), &length,
                 EVP_sha256(), nullptr);
  WEIR_ASSERT(ok == 1 && length == digest.size());
  return digest;
}

std::string sha256_hex(std::string_view data) {
  return to_hex(sha256(data));
}

struct Sha256::Impl {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                  EVP_MD_CTX_free};
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {
  WEIR_ASSERT(EVP_DigestInit_ex(impl_->context.get(), EVP_sha256(), nullptr) == 1);
}

Sha256::~Sha256() = default;

void Sha256::update(std::string_view data) {
  WEIR_ASSERT(EVP_DigestUpdate(impl_->context.get(), data.data(), data.size()) == 1);
}

std::string Sha256::finish() {
  std::string digest(32, '\0');
  unsigned int length = 0;
  const int ok = EVP_DigestFinal_ex(impl_->context.get(),
                                    reinterpret_cast<unsigned char*>(digest.data()), &length);
  WEIR_ASSERT(ok == 1 && length == digest.size());
  return digest;
}

std::string to_hex(std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kHex[static_cast<unsigned char>(c) >> 4U];
    out += kHex[static_cast<unsigned char>(c) & 0xfU];
  }
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view data) {
  std::string digest(32, '\0');
  unsigned int length = 0;
  const auto* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                          reinterpret_cast<const unsigned char*>(data.data()), data.size(),
                          reinterpret_cast<unsigned char*>(digest.data()), &length);
  WEIR_ASSERT(made != nullptr && length == digest.size());
  return digest;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace weir::crypto
