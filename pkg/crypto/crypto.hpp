// Hashes and comparisons over OpenSSL. Thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace weir::crypto {

std::string sha256(std::string_view data);      // 32 raw bytes
std::string sha256_hex(std::string_view data);  // 64 lower-case hex digits
std::string to_hex(std::string_view bytes);

// Time depends on the lengths only, not on where the texts differ.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace weir::crypto
