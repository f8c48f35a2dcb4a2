#include "pkg/crypto/seal.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <limits>
#include <memory>

#include "pkg/base/assert.hpp"

namespace weir::crypto {
namespace {

constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
static_assert(kNonceBytes + kTagBytes == kSealExtraBytes);

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

Context new_context() {
  Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  WEIR_ASSERT(context != nullptr);
  return context;
}

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes(std::string& text, std::size_t at) {
  return reinterpret_cast<unsigned char*>(text.data()) + at;
}

int length_of(std::string_view text) {
  WEIR_ASSERT(text.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
  return static_cast<int>(text.size());
}

}  // namespace

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  WEIR_ASSERT(RAND_bytes(bytes(out, 0), length_of(out)) == 1);
  return out;
}

std::string seal(std::string_view key, std::string_view context, std::string_view plain) {
  WEIR_ASSERT(key.size() == kSealKeyBytes);
  const auto cipher = new_context();
  std::string out(kNonceBytes + plain.size() + kTagBytes, '\0');
  WEIR_ASSERT(RAND_bytes(bytes(out, 0), kNonceBytes) == 1);
  int written = 0;
  bool ok =
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key), bytes(out, 0)) == 1;
  ok = ok &&
       EVP_EncryptUpdate(cipher.get(), nullptr, &written, bytes(context), length_of(context)) == 1;
  ok = ok && EVP_EncryptUpdate(cipher.get(), bytes(out, kNonceBytes), &written, bytes(plain),
                               length_of(plain)) == 1;
  const auto end = kNonceBytes + plain.size();
  ok = ok && EVP_EncryptFinal_ex(cipher.get(), bytes(out, end), &written) == 1;
  ok = ok &&
       EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, bytes(out, end)) == 1;
  WEIR_ASSERT(ok);
  return out;
}

std::optional<std::string> open_sealed(std::string_view key, std::string_view context,
                                       std::string_view sealed) {
  WEIR_ASSERT(key.size() == kSealKeyBytes);
  if (sealed.size() < kSealExtraBytes) return std::nullopt;
  const auto cipher = new_context();
  const auto body = sealed.substr(kNonceBytes, sealed.size() - kSealExtraBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  std::string out(body.size() + kTagBytes, '\0');  // room for what Final may write: nothing
  int written = 0;
  bool ok =
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes(key), bytes(sealed)) == 1;
  ok = ok &&
       EVP_DecryptUpdate(cipher.get(), nullptr, &written, bytes(context), length_of(context)) == 1;
  ok = ok &&
       EVP_DecryptUpdate(cipher.get(), bytes(out, 0), &written, bytes(body), length_of(body)) == 1;
  ok = ok && EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1;
  ok = ok && EVP_DecryptFinal_ex(cipher.get(), bytes(out, body.size()), &written) == 1;
  if (!ok) return std::nullopt;
  out.resize(body.size());
  return out;
}

}  // namespace weir::crypto
