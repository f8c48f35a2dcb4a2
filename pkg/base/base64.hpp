// Base64 (RFC 4648 section 4), with padding. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir {

std::string base64_encode(std::string_view bytes);
// Empty optional when the text is not base64. Missing padding is accepted.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace weir
