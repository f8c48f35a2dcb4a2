// Keys are any UTF-8 text; the subject of a NATS KV bucket takes only [-/_=.A-Za-z0-9], no empty
// parts between dots. What does not fit is written as =XX (hexadecimal, upper case), so that
// "user:1" is `user=3A1` to other NATS clients. Names that fit stand as they are, and every name
// another client may have written has exactly one key here, and the reverse. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "pkg/base/result.hpp"

namespace weir::kv {

inline constexpr std::size_t kMaxKeyBytes = 512;

// Error: invalid / bad_key (empty, longer than kMaxKeyBytes, not UTF-8, or with NUL).
Result<void> check_key(std::string_view key);

std::string encode_key(std::string_view key);
std::string decode_key(std::string_view name);

}  // namespace weir::kv
