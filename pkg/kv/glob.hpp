// Patterns of keys: `*` any text, `?` one character (of UTF-8), `\` takes the next one literally.
#pragma once

#include <string>
#include <string_view>

namespace weir::kv {

// O(pattern * text).
bool matches_glob(std::string_view pattern, std::string_view text);
// The text that every match begins with.
std::string literal_prefix(std::string_view pattern);

}  // namespace weir::kv
