// The text of an API key: `weir_<id>_<secret>`, both parts lower-case hexadecimal digits.
//
// The secret is 256 random bits. It is compared and stored as one SHA-256, not as a slow password
// hash (argon2): a slow hash makes guessing a human's choice expensive, but 2^256 values cannot be
// guessed, and every request would pay for it (docs/adr/0008).
//
// An operator may also bring a key of another shape (WEIR_API_KEY); its id is then derived from its
// hash, and it must be long and random by the operator's own care.
#pragma once

#include <string>
#include <string_view>

#include "pkg/base/ids.hpp"
#include "pkg/base/result.hpp"

namespace weir::auth {

inline constexpr std::size_t kKeyIdDigits = 12;
inline constexpr std::size_t kSecretDigits = 64;
inline constexpr std::size_t kMinGivenKeyChars = 20;
inline constexpr std::size_t kMaxKeyChars = 256;

struct NewKey {
  std::string id;
  std::string text;  // shown once to whoever asked; never logged, never proposed
  std::string hash;  // what is stored: SHA-256 of the text, hex
};

NewKey make_key(Random& random);                     // a fresh id and secret
NewKey make_secret(Random& random, std::string id);  // a fresh secret for a key that exists
// Errors: invalid / weak_api_key (shorter than kMinGivenKeyChars, longer than kMaxKeyChars, or not
// printable ASCII without spaces).
Result<NewKey> adopt_key(std::string_view text);

// The id that a presented key text claims; never empty, never throws, for any bytes.
std::string key_id_of(std::string_view text);

}  // namespace weir::auth
