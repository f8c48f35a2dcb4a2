// Signatures of Standard Webhooks 1.0.0 (https://www.standardwebhooks.com, "Signature scheme"):
// HMAC-SHA256 over "<id>.<timestamp>.<body>", in the header webhook-signature as "v1,<base64>".
// Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pkg/base/ids.hpp"
#include "pkg/base/result.hpp"

namespace weir::webhook {

inline constexpr std::string_view kSecretPrefix = "whsec_";

// The key of a secret as people write it: "whsec_" and the base64 of 24 to 64 bytes.
// Errors: invalid / bad_webhook_secret; it does not repeat the secret.
Result<std::string> secret_key(std::string_view secret);

// A new secret of 32 random bytes.
std::string make_secret(Random& random);

// One signature for each secret of a list with spaces between; the receiver needs one that fits.
// Errors: as secret_key().
Result<std::string> sign(std::string_view secrets, std::string_view id, std::int64_t unix_seconds,
                         std::string_view body);

}  // namespace weir::webhook
