// Hashes and comparisons over OpenSSL. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace weir::crypto {

std::string sha256(std::string_view data);      // 32 raw bytes
std::string sha256_hex(std::string_view data);  // 64 lower-case hex digits
std::string to_hex(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view data);  // 32 raw bytes (RFC 2104)

// The same hash of what comes in pieces. One thread at a time.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void update(std::string_view data);
  std::string finish();  // 32 raw bytes; the end of its use

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Time depends on the lengths only, not on where the texts differ.
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace weir::crypto
