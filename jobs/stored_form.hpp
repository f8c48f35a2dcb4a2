// The stored form of values. What a client gives as payload, result or checkpoint is stored as it
// came, unless the API layer put it into another form: encrypted, or kept elsewhere. Such a form is
// a JSON object that begins with exactly kStoredHead; a client's own value that begins so is put
// into a form too, so that there is no doubt. The job engine moves forms as it moves values, and
// never looks inside.
#pragma once

#include <charconv>
#include <string_view>

namespace weir::jobs {

inline constexpr std::string_view kStoredHead = "{\"$weir\":";

inline bool is_stored_form(std::string_view value) {
  return value.starts_with(kStoredHead);
}

// A value that is kept elsewhere:
// {"$weir":{"b":{"n":bytes,"h":"sha256","s":"stream","q":[chunks]},..}}
inline constexpr std::string_view kLargeHead = "{\"$weir\":{\"b\":{\"n\":";

inline bool is_large_form(std::string_view value) {
  return value.starts_with(kLargeHead);
}

// What the value takes when it is handed out.
inline std::size_t value_bytes(std::string_view value) {
  if (!is_large_form(value)) return value.size();
  std::size_t bytes = 0;
  std::from_chars(value.data() + kLargeHead.size(), value.data() + value.size(), bytes);
  return bytes;
}

// Beside a stored result or checkpoint an answer names the job's row, which its form is bound to.
// The API layer takes the member out again.
inline constexpr std::string_view kRowMember = "$row";

}  // namespace weir::jobs
