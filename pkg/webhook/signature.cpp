#include "pkg/webhook/signature.hpp"

#include "pkg/base/base64.hpp"
#include "pkg/crypto/crypto.hpp"

namespace weir::webhook {
namespace {

constexpr std::size_t kLeastKeyBytes = 24;
constexpr std::size_t kMostKeyBytes = 64;
constexpr std::size_t kNewKeyWords = 4;  // of 8 bytes

}  // namespace

Result<std::string> secret_key(std::string_view secret) {
  if (secret.starts_with(kSecretPrefix)) {
    auto key = base64_decode(secret.substr(kSecretPrefix.size()));
    if (key && key->size() >= kLeastKeyBytes && key->size() <= kMostKeyBytes) {
      return std::move(*key);
    }
  }
  return Error{Code::invalid, "bad_webhook_secret", "The secret is not valid",
               "must be whsec_ and the base64 of 24 to 64 random bytes"};
}

std::string make_secret(Random& random) {
  std::string key;
  for (std::size_t word = 0; word < kNewKeyWords; ++word) {
    auto bits = random.next();
    for (int byte = 0; byte < 8; ++byte, bits >>= 8U) key += static_cast<char>(bits & 0xffU);
  }
  return std::string(kSecretPrefix) + base64_encode(key);
}

Result<std::string> sign(std::string_view secrets, std::string_view id, std::int64_t unix_seconds,
                         std::string_view body) {
  std::string content(id);
  content.append(".").append(std::to_string(unix_seconds)).append(".").append(body);
  std::string out;
  while (true) {
    const auto end = secrets.find(' ');
    WEIR_ASSIGN(const auto key, secret_key(secrets.substr(0, end)));
    out.append(out.empty() ? "v1," : " v1,")
        .append(base64_encode(crypto::hmac_sha256(key, content)));
    if (end == std::string_view::npos) return out;
    secrets.remove_prefix(end + 1);
  }
}

}  // namespace weir::webhook
