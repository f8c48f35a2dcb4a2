#include "pkg/auth/key_text.hpp"

#include <algorithm>

#include "pkg/crypto/crypto.hpp"

namespace weir::auth {
namespace {

constexpr std::string_view kPrefix = "weir_";

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

NewKey make_secret(Random& random, std::string id) {
  NewKey key;
  key.text = std::string(kPrefix) + id + "_" + random_hex(random, kSecretDigits);
  key.id = std::move(id);
  key.hash = crypto::sha256_hex(key.text);
  return key;
}

NewKey make_key(Random& random) {
  return make_secret(random, random_hex(random, kKeyIdDigits));
}

Result<NewKey> adopt_key(std::string_view text) {
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (text.size() < kMinGivenKeyChars || text.size() > kMaxKeyChars || !printable) {
    return Error{Code::invalid, "weak_api_key", "The given API key is not acceptable.",
                 "Use 20 to 256 printable ASCII characters without spaces, chosen at random, for "
                 "example the output of: openssl rand -hex 32"};
  }
  return NewKey{key_id_of(text), std::string(text), crypto::sha256_hex(text)};
}

std::string key_id_of(std::string_view text) {
  if (text.size() == kPrefix.size() + kKeyIdDigits + 1 + kSecretDigits &&
      text.starts_with(kPrefix) && text[kPrefix.size() + kKeyIdDigits] == '_') {
    const auto id = text.substr(kPrefix.size(), kKeyIdDigits);
    if (is_hex(id)) return std::string(id);
  }
  return "x" + crypto::sha256_hex(text).substr(0, kKeyIdDigits);
}

}  // namespace weir::auth
