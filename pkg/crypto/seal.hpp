// Authenticated encryption over OpenSSL's EVP. Pure functions but for the random
// generator; thread-safe. A failure of OpenSSL itself (no memory) asserts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::crypto {

inline constexpr std::size_t kSealKeyBytes = 32;    // AES-256
inline constexpr std::size_t kSealExtraBytes = 28;  // nonce and tag around what is sealed

// From the generator of OpenSSL, for keys and nonces.
std::string random_bytes(std::size_t count);

// AES-256-GCM (NIST SP 800-38D): a fresh random nonce of 96 bits, the ciphertext, the tag of 128
// bits. `context` is authenticated, not kept: open() must be given the same. With random nonces one
// key may seal at most 2^32 texts (section 8.3 there).
std::string seal(std::string_view key, std::string_view context, std::string_view plain);
// Empty optional when it is not what seal() made of this key and context.
std::optional<std::string> open_sealed(std::string_view key, std::string_view context,
                                       std::string_view sealed);

}  // namespace weir::crypto
